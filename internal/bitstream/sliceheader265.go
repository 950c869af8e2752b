package bitstream

import "math/bits"

// hevcKinds are the kinds of slices by slice_type, H.265 table 7-7.
var hevcKinds = [3]SliceKind{KindB, KindP, KindI}

// begin265 reads slice_segment_header, H.265 7.3.6.1, up to slice_type. Dependent segments
// have no type of their own.
func (h *SliceHeader) begin265(p *ParameterSets, r *BitReader, header byte) {
	t := header >> 1 & 0x3f
	h.First = r.Flag()
	if t >= hevcFirstIRAP && t <= 23 {
		r.skip(1) // no_output_of_prior_pics_flag
	}
	h.idr = t == hevcIDR || t == hevcIDRAlone
	sps, pps := p.setsOf(r.UE(63))
	if sps == nil {
		return
	}
	if !h.First {
		h.Dependent = pps.dependent && r.Flag()
		if sps.addressBits < 0 {
			return
		}
		h.Address = int(r.U(sps.addressBits))
	}
	if !h.Dependent {
		r.skip(pps.extraFlags)
		h.Kind = hevcKinds[r.UE(2)]
	}
	h.SPS, h.PPS = sps, pps
}

// rest265 reads slice_segment_header behind slice_type, up to slice_qp_delta.
func (h *SliceHeader) rest265(r *BitReader) {
	sps, pps := h.SPS, h.PPS
	if pps.output {
		r.skip(1) // pic_output_flag
	}
	if sps.separatePlanes {
		r.skip(2)
	}
	pictures, mvp := 0, false
	if !h.idr {
		pictures, mvp = sps.references(r)
	}
	if sps.sao {
		h.SAO[0] = r.Flag()
		h.SAO[1] = sps.chroma && r.Flag()
	}
	if h.Kind != KindI {
		h.prediction265(r, pictures, mvp)
	}
	h.QP = pps.qp + r.SE()
}

// references reads which pictures stay as references: how many of them the slice uses
// (NumPicTotalCurr, H.265 7-55), and slice_temporal_mvp_enabled_flag.
func (s *SPS) references(r *BitReader) (used int, mvp bool) {
	r.skip(s.pocBits)
	if !r.Flag() { // short_term_ref_pic_set_sps_flag
		set := readRefSet(r, s.refSets, true)
		used = set.uses()
	} else if n := len(s.refSets); n == 0 {
		r.Bad = true
	} else if i := int(r.U(bits.Len(uint(n - 1)))); i < n {
		used = s.refSets[i].uses()
	}
	if s.longTerm {
		used += s.longTermUses(r)
	}
	return used, s.mvp && r.Flag()
}

// longTermUses reads the reference pictures that stay for long.
func (s *SPS) longTermUses(r *BitReader) (used int) {
	known := len(s.longUsed)
	ofSet := 0
	if known > 0 {
		ofSet = r.UE(32) // num_long_term_sps
	}
	for i := range ofSet + r.UE(32) {
		switch {
		case i >= ofSet:
			r.skip(s.pocBits)
			if r.Flag() {
				used++
			}
		default:
			if j := int(r.U(bits.Len(uint(known - 1)))); j < known && s.longUsed[j] {
				used++
			}
		}
		if r.Flag() { // delta_poc_msb_present_flag
			r.skipGolomb(1)
		}
	}
	return used
}

// prediction265 reads what P and B slices have, up to five_minus_max_num_merge_cand; pictures
// is NumPicTotalCurr.
func (h *SliceHeader) prediction265(r *BitReader, pictures int, mvp bool) {
	lists := h.Kind.lists()
	h.Refs = h.PPS.refs
	if r.Flag() { // num_ref_idx_active_override_flag
		for i := range lists {
			h.Refs[i] = r.UE(14) + 1
		}
	}
	if h.PPS.reorders && pictures > 1 {
		for i := range lists {
			if r.Flag() {
				r.skip(h.Refs[i] * bits.Len(uint(pictures-1)))
			}
		}
	}
	h.ZeroMVD = h.Kind == KindB && r.Flag()
	if h.PPS.cabacInit {
		h.CABACInit = int(r.U(1))
	}
	if mvp {
		list := 0
		if h.Kind == KindB && !r.Flag() { // collocated_from_l0_flag
			list = 1
		}
		if h.Refs[list] > 1 {
			r.UE(14)
		}
	}
	if h.PPS.weighted[lists-1] {
		h.weights265(r)
	}
	h.Merge = 5 - r.UE(4)
}

// weights265 reads pred_weight_table, H.265 7.3.6.3.
func (h *SliceHeader) weights265(r *BitReader) {
	r.skipGolomb(1) // luma_log2_weight_denom
	if h.SPS.chroma {
		r.skipGolomb(1)
	}
	for i := range h.Kind.lists() {
		luma := r.U(h.Refs[i])
		h.weighted = h.weighted || i == 0 && luma>>(h.Refs[0]-1) == 1
		colour := uint32(0)
		if h.SPS.chroma {
			colour = r.U(h.Refs[i])
		}
		r.skipGolomb(2*bits.OnesCount32(luma) + 4*bits.OnesCount32(colour))
	}
}
