package bitstream

import (
	"math"
	"math/bits"
)

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
	block := 1 << (least + r.ue(3)) // CtbSizeY
	x.columns, x.rows = (width+block-1)/block, (height+block-1)/block
	x.addressBits = bits.Len(uint(x.columns*x.rows - 1))
	x.chroma = s.ChromaFormat != 0 && !x.separatePlanes
	if r.bad {
		s.Reorder, x.pocBits, x.addressBits, x.columns, x.rows = -1, 0, -1, 0, 0
	}
	x.rest265(r)
	return nil
}

// rest265 reads on behind the sizes of the coding blocks.
func (x *spsSyntax) rest265(r *bitReader) {
	for range 4 { // sizes of transform blocks, depths of their trees
		r.ue(4)
	}
	if lists := r.flag(); lists && r.flag() { // scaling_list_enabled_flag, sps_scaling_list_data_present_flag
		skipScalingLists265(r)
	}
	r.skip(1) // amp_enabled_flag
	x.sao = r.flag()
	if r.flag() { // pcm_enabled_flag
		r.skip(8)
		r.ue(2)
		r.ue(2)
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
