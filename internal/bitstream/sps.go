package bitstream

import (
	"fmt"
	"math"
	"math/bits"
)

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

	// The rest is H.265 only.
	ProfileSpace    uint8
	HighTier        bool   // general_tier_flag
	Compatibility   uint32 // general_profile_compatibility_flag[0] is the top bit
	TemporalLayers  uint8  // sps_max_sub_layers_minus1 + 1
	TemporalNesting bool
}

// spsSyntax is what the headers of slices are read with.
type spsSyntax struct {
	separatePlanes bool // slice headers have colour_plane_id
	pocBits        int  // of pic_order_cnt_lsb; 0 if slice headers have none

	// H.264 only.
	frameNumBits int
	fields       bool // frame_mbs_only_flag is 0
	slack        bool // the profile has redundant pictures: Baseline, if not constrained, and Extended

	addressBits int // H.265: of slice_segment_address; -1 if not known

	columns, rows int  // of macroblocks, or of coding tree blocks; 0 if not known
	chroma        bool // ChromaArrayType is not 0
	deltaPOC      bool // H.264: pic_order_cnt_type is 1, and slices have delta_pic_order_cnt

	// H.265 only, and valid if whole is true: the set was read up to sps_temporal_mvp_enabled_flag.
	whole    bool
	sao      bool // sample_adaptive_offset_enabled_flag
	mvp      bool // sps_temporal_mvp_enabled_flag
	longTerm bool // long_term_ref_pics_present_flag
	refSets  []refSet
	longUsed []bool // used_by_curr_pic_lt_sps_flag
	tree     TreeSPS
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
	s, _, err := parseSPS(c, nalu)
	return s, err
}

func parseSPS(c Codec, nalu []byte) (s SPS, x spsSyntax, err error) {
	if !c.IsSPS(nalu) {
		return SPS{}, x, fmt.Errorf("bitstream: NAL unit type %d is no %v sequence parameter set", c.Type(nalu), c)
	}
	if len(nalu) > maxSet {
		return SPS{}, x, fmt.Errorf("bitstream: %v sequence parameter set of %d bytes", c, len(nalu))
	}
	s.Codec = c
	if c == H265 {
		err = s.parseH265(newRBSP(nalu, 2), &x)
	} else {
		err = s.parseH264(newRBSP(nalu, 1), &x)
	}
	if err != nil {
		return SPS{}, x, fmt.Errorf("bitstream: %v sequence parameter set: %w", c, err)
	}
	return s, x, nil
}

// parseH264 reads seq_parameter_set_data, H.264 7.3.2.1.1.
func (s *SPS) parseH264(r *bitReader, x *spsSyntax) error {
	s.Profile = uint8(r.u(8))
	s.Constraints = uint64(r.u(8))
	s.Level = uint8(r.u(8))
	s.ID = r.ue(31)
	s.ChromaFormat, s.BitDepthLuma, s.BitDepthChroma = 1, 8, 8
	if hasChromaFormat(s.Profile) {
		s.ChromaFormat = uint8(r.ue(3))
		if s.ChromaFormat == 3 {
			x.separatePlanes = r.flag()
		}
		s.BitDepthLuma = uint8(8 + r.ue(6))
		s.BitDepthChroma = uint8(8 + r.ue(6))
		r.skip(1)     // qpprime_y_zero_transform_bypass_flag
		if r.flag() { // seq_scaling_matrix_present_flag
			lists := 8
			if s.ChromaFormat == 3 {
				lists = 12
			}
			for i := range lists {
				if r.flag() {
					skipScalingList(r, i)
				}
			}
		}
	}
	x.frameNumBits = r.ue(12) + 4
	x.slack = s.Profile == 66 && s.Constraints&0x40 == 0 || s.Profile == 88
	pocType := r.ue(2)
	switch pocType {
	case 0:
		x.pocBits = r.ue(12) + 4
	case 1:
		x.deltaPOC = !r.flag() // delta_pic_order_always_zero_flag
		r.se()                 // offset_for_non_ref_pic
		r.se()                 // offset_for_top_to_bottom_field
		for range r.ue(255) {
			r.se() // offset_for_ref_frame
		}
	}
	r.ue(64)  // max_num_ref_frames; 16 are legal
	r.skip(1) // gaps_in_frame_num_value_allowed_flag
	s.Width = (r.ue(maxSide/16-1) + 1) * 16
	s.Height = (r.ue(maxSide/16-1) + 1) * 16
	x.fields = !r.flag() // frame_mbs_only_flag
	unitY := 1
	x.columns, x.rows = s.Width/16, s.Height/16
	x.chroma = s.ChromaFormat != 0 && !x.separatePlanes
	if x.fields {
		s.Height *= 2
		unitY = 2
		r.skip(1) // mb_adaptive_frame_field_flag
	}
	r.skip(1)     // direct_8x8_inference_flag
	if r.flag() { // frame_cropping_flag
		s.crop(r, x.separatePlanes, unitY)
	}
	if err := s.check(r); err != nil {
		return err
	}
	if s.Reorder = -1; pocType == 2 || s.intraOnly() {
		s.Reorder = 0
	} else if r.flag() { // vui_parameters_present_flag
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
func skipScalingList(r *bitReader, list int) {
	size := 16
	if list >= 6 {
		size = 64
	}
	last, next := 8, 8
	for range size {
		if next != 0 {
			next = (last + r.se()) & 0xff
		}
		if next != 0 {
			last = next
		}
	}
}

// parseH265 reads seq_parameter_set_rbsp, H.265 7.3.2.2.1, up to the sizes of the
// coding blocks.
func (s *SPS) parseH265(r *bitReader, x *spsSyntax) error {
	r.skip(4) // sps_video_parameter_set_id
	layers := int(r.u(3))
	s.TemporalLayers = uint8(layers + 1)
	s.TemporalNesting = r.flag()
	s.profileTierLevel(r, layers)
	s.ID = r.ue(15)
	s.ChromaFormat = uint8(r.ue(3))
	x.separatePlanes = s.ChromaFormat == 3 && r.flag()
	s.Width = r.ue(maxSide)
	s.Height = r.ue(maxSide)
	width, height := s.Width, s.Height
	if r.flag() { // conformance_window_flag
		s.crop(r, x.separatePlanes, 1)
	}
	s.BitDepthLuma = uint8(8 + r.ue(8))
	s.BitDepthChroma = uint8(8 + r.ue(8))
	if err := s.check(r); err != nil {
		return err
	}
	x.pocBits = r.ue(12) + 4
	first := layers
	if r.flag() { // sps_sub_layer_ordering_info_present_flag
		first = 0
	}
	for i := first; i <= layers; i++ { // the last one is that of the whole stream
		r.ue(15) // sps_max_dec_pic_buffering_minus1
		s.Reorder = r.ue(15)
		r.ue(math.MaxUint32) // sps_max_latency_increase_plus1
	}
	least := r.ue(3) + 3
	x.tree = TreeSPS{Width: width, Height: height, MinCB: least, CTB: least + r.ue(3)}
	block := 1 << x.tree.CTB // CtbSizeY
	x.columns, x.rows = (width+block-1)/block, (height+block-1)/block
	x.addressBits = bits.Len(uint(x.columns*x.rows - 1))
	x.chroma = s.ChromaFormat != 0 && !x.separatePlanes
	if r.bad {
		s.Reorder, x.pocBits, x.addressBits, x.columns, x.rows = -1, 0, -1, 0, 0
	}
	x.rest265(r)
	x.tree.check(s)
	return nil
}

// rest265 reads on behind the sizes of the coding blocks.
func (x *spsSyntax) rest265(r *bitReader) {
	t := &x.tree
	t.MinTB = r.ue(3) + 2
	t.MaxTB = t.MinTB + r.ue(3)
	t.InterDepth, t.IntraDepth = r.ue(4), r.ue(4)
	if lists := r.flag(); lists && r.flag() { // scaling_list_enabled_flag, sps_scaling_list_data_present_flag
		skipScalingLists265(r)
	}
	t.AMP = r.flag()
	x.sao = r.flag()
	if t.PCM = r.flag(); t.PCM {
		t.PCMBits = [2]int{int(r.u(4)) + 1, int(r.u(4)) + 1}
		t.PCMMin = r.ue(2) + 3
		t.PCMMax = t.PCMMin + r.ue(2)
		r.skip(1)
	}
	for range r.ue(maxRefSets) {
		x.refSets = append(x.refSets, readRefSet(r, x.refSets, false))
		if r.bad {
			return
		}
	}
	if x.longTerm = r.flag(); x.longTerm {
		for range r.ue(32) { // num_long_term_ref_pics_sps
			r.skip(x.pocBits)
			x.longUsed = append(x.longUsed, r.flag())
		}
	}
	x.mvp = r.flag()
	x.whole = !r.bad
}

// profileTierLevel reads profile_tier_level, H.265 7.3.3.
func (s *SPS) profileTierLevel(r *bitReader, subLayers int) {
	s.ProfileSpace = uint8(r.u(2))
	s.HighTier = r.flag()
	s.Profile = uint8(r.u(5))
	s.Compatibility = r.u(32)
	s.Constraints = uint64(r.u(16))<<32 | uint64(r.u(32))
	s.Level = uint8(r.u(8))
	if subLayers == 0 {
		return
	}
	bits := 0
	for i := range 8 {
		profile, level := r.flag(), r.flag()
		if i < subLayers && profile {
			bits += 88
		}
		if i < subLayers && level {
			bits += 8
		}
	}
	r.skip(bits)
}

// crop takes the cropping rectangle off (H.264 7.4.2.1.1, H.265 7.4.3.2.1).
func (s *SPS) crop(r *bitReader, separatePlanes bool, unitY int) {
	unitX := 1
	if !separatePlanes {
		if s.ChromaFormat == 1 || s.ChromaFormat == 2 {
			unitX = 2
		}
		if s.ChromaFormat == 1 {
			unitY *= 2
		}
	}
	s.Width -= unitX * (r.ue(maxSide) + r.ue(maxSide))
	s.Height -= unitY * (r.ue(maxSide) + r.ue(maxSide))
}

func (s *SPS) check(r *bitReader) error {
	if r.bad {
		return r.err()
	}
	if s.Width <= 0 || s.Height <= 0 {
		return fmt.Errorf("a picture of %d x %d pixels after cropping", s.Width, s.Height)
	}
	return nil
}

// vuiReorder reads vui_parameters, H.264 E.1.1, and returns max_num_reorder_frames,
// -1 if they do not say or end early, as those of some encoders do.
func vuiReorder(r *bitReader) int {
	if r.flag() && r.u(8) == 255 { // aspect_ratio_info_present_flag, Extended_SAR
		r.skip(32)
	}
	if r.flag() { // overscan_info_present_flag
		r.skip(1)
	}
	if r.flag() { // video_signal_type_present_flag
		r.skip(4)
		if r.flag() { // colour_description_present_flag
			r.skip(24)
		}
	}
	if r.flag() { // chroma_loc_info_present_flag
		r.ue(5)
		r.ue(5)
	}
	if r.flag() { // timing_info_present_flag
		r.skip(65)
	}
	nal := r.flag()
	if nal {
		skipHRD(r)
	}
	vcl := r.flag()
	if vcl {
		skipHRD(r)
	}
	if nal || vcl {
		r.skip(1) // low_delay_hrd_flag
	}
	r.skip(1)      // pic_struct_present_flag
	if !r.flag() { // bitstream_restriction_flag
		return -1
	}
	r.skip(1)     // motion_vectors_over_pic_boundaries_flag
	for range 4 { // max_bytes_per_pic_denom up to log2_max_mv_length_vertical
		r.ue(16)
	}
	reorder := r.ue(16)
	if r.bad {
		return -1
	}
	return reorder
}

// skipHRD passes over hrd_parameters, H.264 E.1.2.
func skipHRD(r *bitReader) {
	n := r.ue(31) + 1 // cpb_cnt_minus1
	r.skip(8)
	for range n {
		r.ue(math.MaxUint32)
		r.ue(math.MaxUint32)
		r.skip(1)
	}
	r.skip(20)
}
