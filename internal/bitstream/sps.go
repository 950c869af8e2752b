package bitstream

import "fmt"

// maxSet bounds a parameter set, in bytes. Real ones have less than 200.
const maxSet = 8 << 10

// maxSide bounds width and height, in pixels: level 6.2 allows less than 17,000.
const maxSide = 1 << 15

// SPS is what a sequence parameter set says about the pictures of a stream.
type SPS struct {
	Codec         Codec
	ID            int
	Profile       uint8 // profile_idc: 66 Baseline, 77 Main, 100 High; H.265: 1 Main, 2 Main 10
	Level         uint8 // level_idc: 31 is 3.1 in H.264, 93 is 3.1 in H.265
	Width, Height int   // in pixels, as cropped for display

	ChromaFormat   uint8 // chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4
	BitDepthLuma   uint8
	BitDepthChroma uint8

	// Constraints holds, in H.264, constraint_set0_flag as bit 7 down to
	// constraint_set5_flag as bit 2; in H.265 the 48 bits that follow
	// general_profile_compatibility_flags.
	Constraints uint64

	// Reorder is how many pictures may stand before one that is shown earlier:
	// max_num_reorder_frames (H.264 E.2.1), sps_max_num_reorder_pics (H.265 7.4.3.2.1).
	// It is -1 if the set does not say.
	Reorder int

	Columns, Rows int // of macroblocks, or of coding tree blocks; 0 if not known

	// H.264 only.
	MBAFF     bool // mb_adaptive_frame_field_flag
	Direct8x8 bool // direct_8x8_inference_flag

	// H.265 only.
	ProfileSpace    uint8
	HighTier        bool   // general_tier_flag
	Compatibility   uint32 // general_profile_compatibility_flag[0] is the top bit
	TemporalLayers  uint8  // sps_max_sub_layers_minus1 + 1
	TemporalNesting bool
	Tree            SPSTree

	// What the headers of slices are read with.
	whole          bool // the set was read as far as they need it
	separatePlanes bool // they have colour_plane_id
	chroma         bool // ChromaArrayType is not 0
	pocBits        int  // of pic_order_cnt_lsb; 0 if they have none

	// H.264 only.
	frameNumBits int
	deltaPOC     bool // they have delta_pic_order_cnt
	fields       bool // frame_mbs_only_flag is 0
	slack        bool // the profile has redundant pictures: Baseline, if not constrained, and Extended

	// H.265 only.
	addressBits int  // of slice_segment_address; -1 if not known
	sao         bool // sample_adaptive_offset_enabled_flag
	mvp         bool // sps_temporal_mvp_enabled_flag
	longTerm    bool // long_term_ref_pics_present_flag
	refSets     []refSet
	longUsed    []bool // used_by_curr_pic_lt_sps_flag
}

// ProfileLevelID returns the profile-level-id of RFC 6184, section 8.1, such as
// "42e01f", or "" for H.265.
func (s SPS) ProfileLevelID() string {
	if s.Codec != H264 {
		return ""
	}
	return fmt.Sprintf("%02x%02x%02x", s.Profile, byte(s.Constraints), s.Level)
}

// ParseSPS reads a sequence parameter set: a NAL unit with its header, without
// start code.
func ParseSPS(c Codec, nalu []byte) (SPS, error) {
	if !c.IsSPS(nalu) {
		return SPS{}, fmt.Errorf("bitstream: NAL unit type %d is no %v sequence parameter set", c.Type(nalu), c)
	}
	if len(nalu) > maxSet {
		return SPS{}, fmt.Errorf("bitstream: %v sequence parameter set of %d bytes", c, len(nalu))
	}
	s := SPS{Codec: c}
	r := NewBitReader(nil, c.payload(nalu))
	parse := s.parseH264
	if c == H265 {
		parse = s.parseH265
	}
	if err := parse(&r); err != nil {
		return SPS{}, fmt.Errorf("bitstream: %v sequence parameter set: %w", c, err)
	}
	return s, nil
}

// parseH264 reads seq_parameter_set_data, H.264 7.3.2.1.1.
func (s *SPS) parseH264(r *BitReader) error {
	s.Profile = uint8(r.U(8))
	s.Constraints = uint64(r.U(8))
	s.Level = uint8(r.U(8))
	s.ID = r.UE(31)
	s.ChromaFormat, s.BitDepthLuma, s.BitDepthChroma = 1, 8, 8
	if hasChromaFormat(s.Profile) {
		s.ChromaFormat = uint8(r.UE(3))
		if s.ChromaFormat == 3 {
			s.separatePlanes = r.Flag()
		}
		s.BitDepthLuma = uint8(8 + r.UE(6))
		s.BitDepthChroma = uint8(8 + r.UE(6))
		r.skip(1)     // qpprime_y_zero_transform_bypass_flag
		if r.Flag() { // seq_scaling_matrix_present_flag
			lists := 8
			if s.ChromaFormat == 3 {
				lists = 12
			}
			for i := range lists {
				if r.Flag() {
					skipScalingList(r, i)
				}
			}
		}
	}
	s.frameNumBits = r.UE(12) + 4
	s.slack = s.Profile == 66 && s.Constraints&0x40 == 0 || s.Profile == 88
	pocType := r.UE(2)
	switch pocType {
	case 0:
		s.pocBits = r.UE(12) + 4
	case 1:
		s.deltaPOC = !r.Flag()  // delta_pic_order_always_zero_flag
		r.skipGolomb(2)         // offset_for_non_ref_pic, offset_for_top_to_bottom_field
		r.skipGolomb(r.UE(255)) // offset_for_ref_frame
	}
	r.UE(64)  // max_num_ref_frames; 16 are legal
	r.skip(1) // gaps_in_frame_num_value_allowed_flag
	s.Width = (r.UE(maxSide/16-1) + 1) * 16
	s.Height = (r.UE(maxSide/16-1) + 1) * 16
	s.fields = !r.Flag() // frame_mbs_only_flag
	unitY := 1
	s.chroma = s.ChromaFormat != 0 && !s.separatePlanes
	if s.fields {
		s.Height *= 2
		unitY = 2
		s.MBAFF = r.Flag()
	}
	s.Columns, s.Rows = s.Width/16, s.Height/16
	s.Direct8x8 = r.Flag()
	if r.Flag() { // frame_cropping_flag
		s.crop(r, s.separatePlanes, unitY)
	}
	if err := s.check(r); err != nil {
		return err
	}
	s.whole = true
	if s.Reorder = -1; pocType == 2 || s.intraOnly() {
		s.Reorder = 0
	} else if r.Flag() { // vui_parameters_present_flag
		s.Reorder = vuiReorder(r)
	}
	return nil
}

// intraOnly reports whether the profile allows I slices alone (H.264 A.2).
func (s *SPS) intraOnly() bool {
	switch s.Profile {
	case 44:
		return true
	case 100, 110, 122, 244:
		return s.Constraints&0x10 != 0 // constraint_set3_flag
	}
	return false
}

// hasChromaFormat reports whether an H.264 profile's SPS has the fields from
// chroma_format_idc on (7.3.2.1.1).
func hasChromaFormat(profile uint8) bool {
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return true
	}
	return false
}

// skipScalingList passes over scaling_list, H.264 7.3.2.1.1.1.
func skipScalingList(r *BitReader, list int) {
	size := 16
	if list >= 6 {
		size = 64
	}
	last, next := 8, 8
	for range size {
		if next != 0 {
			next = (last + r.SE()) & 0xff
		}
		if next != 0 {
			last = next
		}
	}
}

// crop takes the cropping rectangle off (H.264 7.4.2.1.1, H.265 7.4.3.2.1).
func (s *SPS) crop(r *BitReader, separatePlanes bool, unitY int) {
	unitX := 1
	if !separatePlanes {
		if s.ChromaFormat == 1 || s.ChromaFormat == 2 {
			unitX = 2
		}
		if s.ChromaFormat == 1 {
			unitY *= 2
		}
	}
	s.Width -= unitX * (r.UE(maxSide) + r.UE(maxSide))
	s.Height -= unitY * (r.UE(maxSide) + r.UE(maxSide))
}

func (s *SPS) check(r *BitReader) error {
	if err := r.Err(); err != nil {
		return err
	}
	if s.Width <= 0 || s.Height <= 0 {
		return fmt.Errorf("a picture of %d x %d pixels after cropping", s.Width, s.Height)
	}
	return nil
}

// vuiReorder reads vui_parameters, H.264 E.1.1, and returns max_num_reorder_frames,
// -1 if they do not say or end early, as those of some encoders do.
func vuiReorder(r *BitReader) int {
	if r.Flag() && r.U(8) == 255 { // aspect_ratio_info_present_flag, Extended_SAR
		r.skip(32)
	}
	if r.Flag() { // overscan_info_present_flag
		r.skip(1)
	}
	if r.Flag() { // video_signal_type_present_flag
		r.skip(4)
		if r.Flag() { // colour_description_present_flag
			r.skip(24)
		}
	}
	if r.Flag() { // chroma_loc_info_present_flag
		r.UE(5)
		r.UE(5)
	}
	if r.Flag() { // timing_info_present_flag
		r.skip(65)
	}
	nal := r.Flag()
	if nal {
		skipHRD(r)
	}
	vcl := r.Flag()
	if vcl {
		skipHRD(r)
	}
	if nal || vcl {
		r.skip(1) // low_delay_hrd_flag
	}
	r.skip(1)      // pic_struct_present_flag
	if !r.Flag() { // bitstream_restriction_flag
		return -1
	}
	r.skip(1)     // motion_vectors_over_pic_boundaries_flag
	for range 4 { // max_bytes_per_pic_denom up to log2_max_mv_length_vertical
		r.UE(16)
	}
	reorder := r.UE(16)
	if r.Err() != nil {
		return -1
	}
	return reorder
}

// skipHRD passes over hrd_parameters, H.264 E.1.2.
func skipHRD(r *BitReader) {
	n := r.UE(31) + 1 // cpb_cnt_minus1
	r.skip(8)
	for range n {
		r.skipGolomb(2)
		r.skip(1)
	}
	r.skip(20)
}
