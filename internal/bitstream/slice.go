package bitstream

import "bytes"

// ppsSyntax is what the headers of slices are read with.
type ppsSyntax struct {
	sps int // id of the SPS

	// H.265 only.
	dependent  bool // dependent_slice_segments_enabled_flag
	output     bool // output_flag_present_flag
	extraFlags int  // num_extra_slice_header_bits
}

// parsePPS reads the beginning of a picture parameter set: H.264 7.3.2.2, H.265
// 7.3.2.3.1.
func (c Codec) parsePPS(nalu []byte) (id int, s ppsSyntax, err error) {
	if c == H264 {
		r := newRBSP(nalu, 1)
		id = r.ue(255)
		s.sps = r.ue(31)
		return id, s, r.err()
	}
	r := newRBSP(nalu, 2)
	id = r.ue(63)
	s.sps = r.ue(15)
	s.dependent, s.output = r.flag(), r.flag()
	s.extraFlags = int(r.u(3))
	return id, s, r.err()
}

// sliceType is what prediction a slice may use.
type sliceType uint8

const (
	sliceUnknown sliceType = iota // its parameter sets have not come
	sliceI
	sliceP
	sliceB
)

// slice is the beginning of a slice header: what tells the slices of one picture
// from those of the next (H.264 7.4.1.2.4, H.265 7.4.2.4.5).
type slice struct {
	first bool // it begins a picture: first_mb_in_slice is 0, or first_slice_segment_in_pic_flag
	kind  sliceType
	idr   bool
	known bool // the parameter sets have come, so the fields below are valid

	// H.264 only.
	frameNum, idrID, poc int
	ref, field, bottom   bool

	reorder int  // SPS.Reorder
	slack   bool // see spsSyntax
}

// sliceHead is how many bytes of a slice hold the part of its header that is read:
// at most 124 bits.
const sliceHead = 20

// head returns as much of the beginning of b as raw has room for, without emulation
// prevention bytes: in raw if there are any.
func head(raw, b []byte) []byte {
	plain := b[:min(len(b), len(raw))]
	if !bytes.Contains(plain, emulation) {
		return plain
	}
	return raw[:unescape(raw, b)]
}

var emulation = []byte{0, 0, 3}

// avcTypes are the types of slices by slice_type modulo 5, H.264 table 7-6. SP and SI
// are forms of P and I.
var avcTypes = [5]sliceType{sliceP, sliceB, sliceI, sliceP, sliceI}

// hevcTypes are those of H.265, table 7-7.
var hevcTypes = [3]sliceType{sliceB, sliceP, sliceI}

// slice264 reads slice_header, H.264 7.3.3, of a NAL unit of type 1 or 5.
func (p *ParameterSets) slice264(nalu []byte) (s slice, err error) {
	var raw [sliceHead]byte
	r := bitReader{b: head(raw[:], nalu[1:])}
	s.first = r.ue(maxSide*maxSide/256) == 0
	s.kind = avcTypes[r.ue(9)%5]
	sps, _ := p.setsOf(r.ue(255))
	s.idr, s.ref = nalu[0]&0x1f == avcIDR, nalu[0]&0x60 != 0
	if r.bad || sps == nil {
		return s, r.err()
	}
	x := &sps.syntax
	if x.separatePlanes {
		r.skip(2) // colour_plane_id
	}
	s.frameNum = int(r.u(x.frameNumBits))
	if x.fields {
		if s.field = r.flag(); s.field {
			s.bottom = r.flag()
		}
	}
	if s.idr {
		s.idrID = r.ue(65535)
	}
	s.poc = int(r.u(x.pocBits))
	s.known, s.reorder, s.slack = true, sps.sps.Reorder, x.slack
	return s, r.err()
}

// slice265 reads slice_segment_header, H.265 7.3.6.1. Dependent segments have no type
// of their own.
func (p *ParameterSets) slice265(nalu []byte) (s slice, err error) {
	var raw [sliceHead]byte
	r := bitReader{b: head(raw[:], nalu[2:])}
	t := nalu[0] >> 1 & 0x3f
	s.first = r.flag()
	if t >= hevcFirstIRAP && t <= 23 {
		r.skip(1) // no_output_of_prior_pics_flag
	}
	s.idr = t == hevcIDR || t == hevcIDRAlone
	sps, pps := p.setsOf(r.ue(63))
	if r.bad || sps == nil {
		return s, r.err()
	}
	dependent := false
	if !s.first {
		dependent = pps.pps.dependent && r.flag()
		if sps.syntax.addressBits < 0 {
			return s, nil
		}
		r.skip(sps.syntax.addressBits)
	}
	s.known, s.reorder = true, sps.sps.Reorder
	if !dependent {
		r.skip(pps.pps.extraFlags)
		s.kind = hevcTypes[r.ue(2)]
	}
	return s, r.err()
}

// setsOf returns the parameter sets that a slice names, nil if they have not come.
func (p *ParameterSets) setsOf(id int) (sps, pps *paramSet) {
	i, found := p.find(kindPPS, id)
	if !found {
		return nil, nil
	}
	pps = &p.sets[kindPPS][i]
	if i, found = p.find(kindSPS, pps.pps.sps); !found {
		return nil, nil
	}
	return &p.sets[kindSPS][i], pps
}

// samePicture reports whether two slices of H.264 belong to one picture, as far as
// their headers tell (7.4.1.2.4). The PPS does not count: encoders change it within one.
func (s slice) samePicture(o slice) bool {
	return s.frameNum == o.frameNum && s.idr == o.idr && s.idrID == o.idrID && s.poc == o.poc &&
		s.ref == o.ref && s.field == o.field && s.bottom == o.bottom
}

// pairs reports whether o is of the second field of the frame whose first field s is
// of (H.264 7.4.1.2.4, 3.30).
func (s slice) pairs(o slice) bool {
	return s.field && o.field && s.bottom != o.bottom && s.frameNum == o.frameNum && !o.idr
}
