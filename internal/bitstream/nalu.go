package bitstream

// Codec names a video coding.
type Codec uint8

// The video codings.
const (
	H264 Codec = iota + 1 // ITU-T H.264
	H265                  // ITU-T H.265
)

// String returns "H264" or "H265".
func (c Codec) String() string {
	switch c {
	case H264:
		return "H264"
	case H265:
		return "H265"
	}
	return "unknown codec"
}

// NAL unit types: H.264 table 7-1, H.265 table 7-1.
const (
	avcSlice     = 1
	avcSliceA    = 2
	avcSliceB    = 3
	avcSliceC    = 4
	avcIDR       = 5
	avcSEI       = 6
	avcSPS       = 7
	avcPPS       = 8
	avcAUD       = 9
	avcPrefix    = 14
	avcExtension = 20

	hevcRADLN     = 6  // the first of four types of leading pictures
	hevcRASLR     = 9  // the last
	hevcFirstIRAP = 16 // BLA_W_LP
	hevcIDR       = 19 // IDR_W_RADL
	hevcIDRAlone  = 20 // IDR_N_LP
	hevcLastIRAP  = 21 // CRA_NUT
	hevcLastVCL   = 31
	hevcVPS       = 32
	hevcSPS       = 33
	hevcPPS       = 34
	hevcAUD       = 35
	hevcPrefixSEI = 39
	hevcSuffixSEI = 40

	noType = 0xff
)

// Type returns the nal_unit_type of a NAL unit, or 255 if it is too short to
// have a header or the header is one that the standard forbids.
func (c Codec) Type(nalu []byte) uint8 {
	switch {
	case c == H264 && len(nalu) >= 1:
		return nalu[0] & 0x1f
	case c == H265 && len(nalu) >= 2 && nalu[1]&7 != 0: // nuh_temporal_id_plus1 is never 0
		return nalu[0] >> 1 & 0x3f
	}
	return noType
}

// payload returns a NAL unit without its header: of one byte in H.264, of two in H.265.
func (c Codec) payload(nalu []byte) []byte { return nalu[min(int(c), len(nalu)):] }

// IsVCL reports whether a NAL unit carries a piece of the picture.
func (c Codec) IsVCL(nalu []byte) bool {
	t := c.Type(nalu)
	if c == H265 {
		return t <= hevcLastVCL
	}
	return t >= 1 && t <= avcIDR
}

// IsKey reports whether a NAL unit is a piece of a picture at which decoding
// can start: IDR in H.264; IDR, BLA and CRA in H.265. An H.264 stream that
// refreshes gradually, with recovery points and no IDR, has none.
func (c Codec) IsKey(nalu []byte) bool {
	t := c.Type(nalu)
	if c == H265 {
		return t >= hevcFirstIRAP && t <= hevcLastIRAP
	}
	return t == avcIDR
}

// HasKey reports whether IsKey holds for one of the NAL units of an access unit.
func (c Codec) HasKey(nalus [][]byte) bool {
	for _, n := range nalus {
		if c.IsKey(n) {
			return true
		}
	}
	return false
}

// IsParameterSet reports whether a NAL unit is an SPS or PPS, or in H.265 a VPS.
func (c Codec) IsParameterSet(nalu []byte) bool { return c.setKind(nalu) >= 0 }

// setKind returns 0 for VPS, 1 for SPS, 2 for PPS and -1 for anything else.
func (c Codec) setKind(nalu []byte) int {
	t := c.Type(nalu)
	switch {
	case c == H265 && t >= hevcVPS && t <= hevcPPS:
		return int(t - hevcVPS)
	case c == H264 && (t == avcSPS || t == avcPPS):
		return int(t - avcSPS + 1)
	}
	return -1
}

// IsSPS reports whether a NAL unit is a sequence parameter set.
func (c Codec) IsSPS(nalu []byte) bool { return c.setKind(nalu) == kindSPS }

// IsAUD reports whether a NAL unit is an access unit delimiter.
func (c Codec) IsAUD(nalu []byte) bool {
	t := c.Type(nalu)
	return c == H264 && t == avcAUD || c == H265 && t == hevcAUD
}

// IsSEI reports whether a NAL unit is supplemental enhancement information.
func (c Codec) IsSEI(nalu []byte) bool {
	t := c.Type(nalu)
	return c == H264 && t == avcSEI || c == H265 && (t == hevcPrefixSEI || t == hevcSuffixSEI)
}

// leads reports whether a NAL unit is of a kind that stands in front of a picture's
// slices, so that after them it belongs to the next picture: H.264 7.4.1.2.3, H.265
// 7.4.2.4.4.
func (c Codec) leads(nalu []byte) bool {
	t := c.Type(nalu)
	if c == H265 {
		return t != noType && layer(nalu) == 0 && (t >= hevcVPS && t <= hevcAUD || t == hevcPrefixSEI || t >= 41 && t <= 44 || t >= 48 && t <= 55)
	}
	return t >= avcSEI && t <= avcAUD || t >= avcPrefix && t <= 18
}

// isSlice reports whether a NAL unit is a piece of the picture in the base layer, which
// is what access units are cut by.
func (c Codec) isSlice(nalu []byte) bool {
	t := c.Type(nalu)
	if c == H265 {
		return t <= hevcLastVCL && layer(nalu) == 0
	}
	return t >= avcSlice && t <= avcIDR
}

// hasSliceHeader reports whether a NAL unit is a slice of the base layer, and no data
// partition.
func (c Codec) hasSliceHeader(nalu []byte) bool {
	t := c.Type(nalu)
	return c == H264 && (t == avcSlice || t == avcIDR) || c == H265 && hevcPicture(t) && layer(nalu) == 0
}

// starts reports whether a slice, of which at least the first three bytes are given, is
// the first of its picture. Slices are taken to be in order and not redundant, as every
// profile but Baseline and Extended demands and every camera does it.
func (c Codec) starts(nalu []byte) bool {
	if c == H265 {
		return len(nalu) > 2 && nalu[2]&0x80 != 0 // first_slice_segment_in_pic_flag
	}
	t := c.Type(nalu)
	return t != avcSliceB && t != avcSliceC && len(nalu) > 1 && nalu[1]&0x80 != 0 // first_mb_in_slice, ue(v), is 0
}
