package bitstream

import "math/bits"

// slice265 reads the beginning of slice_segment_header, H.265 7.3.6.1.
func (p *ParameterSets) slice265(nalu []byte) (s slice, err error) {
	var raw [sliceHead + padding]byte
	r := NewBitReader(raw[:0], nalu[2:min(len(nalu), sliceHead)])
	s, _ = p.begin265(&r, nalu[0])
	return s, r.Err()
}

// begin265 reads slice_segment_header up to slice_type, and returns the parameter sets
// that it names, nil if they have not come. Dependent segments have no type of their own.
func (p *ParameterSets) begin265(r *BitReader, header byte) (s slice, sets setPair) {
	t := header >> 1 & 0x3f
	s.first = r.Flag()
	if t >= hevcFirstIRAP && t <= 23 {
		r.skip(1) // no_output_of_prior_pics_flag
	}
	s.idr = t == hevcIDR || t == hevcIDRAlone
	sets = p.setsOf(r.UE(63))
	if r.Err() != nil || sets.sps == nil {
		return s, sets
	}
	if !s.first {
		s.dependent = sets.pps.pps.dependent && r.Flag()
		if sets.sps.syntax.addressBits < 0 {
			return s, sets
		}
		s.address = int(r.U(sets.sps.syntax.addressBits))
	}
	s.known, s.reorder = true, sets.sps.sps.Reorder
	if !s.dependent {
		r.skip(sets.pps.pps.extraFlags)
		s.kind = hevcTypes[r.UE(2)]
	}
	return s, sets
}

// whole265 reads slice_segment_header, H.265 7.3.6.1, up to slice_qp_delta.
func (p *ParameterSets) whole265(nalu []byte) (s Slice) {
	var raw [wholeHead + padding]byte
	r := NewBitReader(raw[:0], nalu[2:min(len(nalu), wholeHead)])
	h, sets := p.begin265(&r, nalu[0])
	s.Layer = max(nalu[1]&7, 1) - 1
	if r.Err() != nil || !h.known {
		return s
	}
	x, y := &sets.sps.syntax, &sets.pps.pps
	s.Kind, s.At = SliceKind(h.kind), x.at(h.address)
	if h.dependent || !y.whole || !x.whole {
		return s
	}
	if y.output {
		r.skip(1) // pic_output_flag
	}
	if x.separatePlanes {
		r.skip(2)
	}
	pictures, mvp := 0, false
	if !h.idr {
		pictures, mvp = x.references(&r)
	}
	if x.sao {
		r.skip(1)
		if x.chroma {
			r.skip(1)
		}
	}
	if h.kind != sliceI {
		s.Weighted = readPrediction265(&r, h.kind, x, y, pictures, mvp)
	}
	s.QP = y.qp + r.SE()
	s.QPKnown = r.Err() == nil && validQP(s.QP)
	return s
}

// references reads which pictures stay as references: how many of them the slice uses
// (NumPicTotalCurr, H.265 7-55), and slice_temporal_mvp_enabled_flag.
func (x *spsSyntax) references(r *BitReader) (used int, mvp bool) {
	r.skip(x.pocBits)
	if !r.Flag() { // short_term_ref_pic_set_sps_flag
		s := readRefSet(r, x.refSets, true)
		used = s.uses()
	} else if n := len(x.refSets); n == 0 {
		r.Bad = true
	} else if i := int(r.U(bits.Len(uint(n - 1)))); i < n {
		used = x.refSets[i].uses()
	}
	if x.longTerm {
		used += x.longTermUses(r)
	}
	return used, x.mvp && r.Flag()
}

// longTermUses reads the reference pictures that stay for long.
func (x *spsSyntax) longTermUses(r *BitReader) (used int) {
	known := len(x.longUsed)
	ofSet := 0
	if known > 0 {
		ofSet = r.UE(32) // num_long_term_sps
	}
	for i := range ofSet + r.UE(32) {
		switch {
		case i >= ofSet:
			r.skip(x.pocBits)
			if r.Flag() {
				used++
			}
		default:
			if j := int(r.U(bits.Len(uint(known - 1)))); j < known && x.longUsed[j] {
				used++
			}
		}
		if r.Flag() { // delta_poc_msb_present_flag
			r.UE(1<<32 - 2)
		}
	}
	return used
}

// readPrediction265 reads what P and B slices have, up to five_minus_max_num_merge_cand, and
// reports whether the first reference has a weight; pictures is NumPicTotalCurr.
func readPrediction265(r *BitReader, kind sliceType, x *spsSyntax, y *ppsSyntax, pictures int, mvp bool) (weighted bool) {
	refs := y.refs
	if r.Flag() { // num_ref_idx_active_override_flag
		for i := range lists(kind) {
			refs[i] = r.UE(14) + 1
		}
	}
	if y.reorders && pictures > 1 {
		for i := range lists(kind) {
			if r.Flag() {
				r.skip(refs[i] * bits.Len(uint(pictures-1)))
			}
		}
	}
	if kind == sliceB {
		r.skip(1) // mvd_l1_zero_flag
	}
	if y.cabacInit {
		r.skip(1)
	}
	if mvp {
		list := 0
		if kind == sliceB && !r.Flag() { // collocated_from_l0_flag
			list = 1
		}
		if refs[list] > 1 {
			r.UE(14)
		}
	}
	if y.weighs(kind) {
		weighted = readWeights265(r, kind, x.chroma, refs)
	}
	r.UE(4)
	return weighted
}

// readWeights265 reads pred_weight_table, H.265 7.3.6.3, and reports whether the first
// reference has a weight.
func readWeights265(r *BitReader, kind sliceType, chroma bool, refs [2]int) (weighted bool) {
	r.UE(7) // luma_log2_weight_denom
	if chroma {
		r.SE()
	}
	for i := range lists(kind) {
		luma := r.U(refs[i])
		weighted = weighted || i == 0 && luma>>(refs[0]-1) == 1
		colour := uint32(0)
		if chroma {
			colour = r.U(refs[i])
		}
		for range bits.OnesCount32(luma) {
			r.SE()
			r.SE()
		}
		for range bits.OnesCount32(colour) {
			for range 4 {
				r.SE()
			}
		}
	}
	return weighted
}
