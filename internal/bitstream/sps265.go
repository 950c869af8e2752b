package bitstream

import "math/bits"

// parseH265 reads seq_parameter_set_rbsp, H.265 7.3.2.2.1, up to the sizes of the
// coding blocks.
func (s *SPS) parseH265(r *BitReader) error {
	r.skip(4) // sps_video_parameter_set_id
	layers := int(r.U(3))
	s.TemporalLayers = uint8(layers + 1)
	s.TemporalNesting = r.Flag()
	s.profileTierLevel(r, layers)
	s.ID = r.UE(15)
	s.ChromaFormat = uint8(r.UE(3))
	s.separatePlanes = s.ChromaFormat == 3 && r.Flag()
	s.Width = r.UE(maxSide)
	s.Height = r.UE(maxSide)
	width, height := s.Width, s.Height
	if r.Flag() { // conformance_window_flag
		s.crop(r, s.separatePlanes, 1)
	}
	s.BitDepthLuma = uint8(8 + r.UE(8))
	s.BitDepthChroma = uint8(8 + r.UE(8))
	if err := s.check(r); err != nil {
		return err
	}
	s.pocBits = r.UE(12) + 4
	first := layers
	if r.Flag() { // sps_sub_layer_ordering_info_present_flag
		first = 0
	}
	for i := first; i <= layers; i++ { // the last one is that of the whole stream
		r.UE(15) // sps_max_dec_pic_buffering_minus1
		s.Reorder = r.UE(15)
		r.skipGolomb(1) // sps_max_latency_increase_plus1
	}
	t := &s.Tree
	t.Width, t.Height, t.MinCB = width, height, r.UE(3)+3
	t.CTB = t.MinCB + r.UE(3)
	block := 1 << t.CTB // CtbSizeY
	s.Columns, s.Rows = (width+block-1)/block, (height+block-1)/block
	s.addressBits = bits.Len(uint(s.Columns*s.Rows - 1))
	s.chroma = s.ChromaFormat != 0 && !s.separatePlanes
	if r.Err() != nil {
		s.Reorder, s.pocBits, s.addressBits, s.Columns, s.Rows = -1, 0, -1, 0, 0
	}
	s.rest265(r)
	return nil
}

// rest265 reads on behind the sizes of the coding blocks.
func (s *SPS) rest265(r *BitReader) {
	t := &s.Tree
	t.MinTB = r.UE(3) + 2
	t.MaxTB = t.MinTB + r.UE(3)
	t.InterDepth, t.IntraDepth = r.UE(4), r.UE(4)
	if lists := r.Flag(); lists && r.Flag() { // scaling_list_enabled_flag, sps_scaling_list_data_present_flag
		skipScalingLists265(r)
	}
	t.AMP = r.Flag()
	s.sao = r.Flag()
	if t.PCM = r.Flag(); t.PCM {
		t.PCMBits = [2]int{int(r.U(4)) + 1, int(r.U(4)) + 1}
		t.PCMMin = r.UE(2) + 3
		t.PCMMax = t.PCMMin + r.UE(2)
		r.skip(1)
	}
	for range r.UE(maxRefSets) {
		s.refSets = append(s.refSets, readRefSet(r, s.refSets, false))
		if r.Err() != nil {
			return
		}
	}
	if s.longTerm = r.Flag(); s.longTerm {
		for range r.UE(32) { // num_long_term_ref_pics_sps
			r.skip(s.pocBits)
			s.longUsed = append(s.longUsed, r.Flag())
		}
	}
	s.mvp = r.Flag()
	s.whole = r.Err() == nil
}

// profileTierLevel reads profile_tier_level, H.265 7.3.3.
func (s *SPS) profileTierLevel(r *BitReader, subLayers int) {
	s.ProfileSpace = uint8(r.U(2))
	s.HighTier = r.Flag()
	s.Profile = uint8(r.U(5))
	s.Compatibility = r.U(32)
	s.Constraints = uint64(r.U(16))<<32 | uint64(r.U(32))
	s.Level = uint8(r.U(8))
	if subLayers == 0 {
		return
	}
	bits := 0
	for i := range 8 {
		profile, level := r.Flag(), r.Flag()
		if i < subLayers && profile {
			bits += 88
		}
		if i < subLayers && level {
			bits += 8
		}
	}
	r.skip(bits)
}
