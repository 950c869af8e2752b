package bitstream

import "math/bits"

// Slice is what one slice of a picture says of how it is coded.
type Slice struct {
	Kind  SliceKind
	Bytes int // of its NAL unit

	// QP is the quantiser that it begins with (SliceQpY: H.264 7-30, H.265 7-54): six more
	// double the step. It is below 0 in streams of more than 8 bits alone.
	QP      int
	QPKnown bool

	// Weighted is true if the picture before counts lighter or darker as a whole
	// (pred_weight_table has a weight for the first reference): encoders that can do that
	// do so when the light changes.
	Weighted bool

	// Layer tells pictures apart that are predicted from others: the temporal layer in
	// H.265; in H.264 0, and 1 if no other picture is predicted from this one.
	Layer uint8

	// At is where it begins, as a share of the picture from its top: 0 to below 1. It is 0
	// where that is not known.
	At float64
}

// SliceKind is how a slice may be predicted.
type SliceKind uint8

// The kinds of slices. Those of a kind that is not known are of parameter sets that have
// not come.
const (
	KindUnknown SliceKind = SliceKind(sliceUnknown)
	KindI       SliceKind = SliceKind(sliceI)
	KindP       SliceKind = SliceKind(sliceP)
	KindB       SliceKind = SliceKind(sliceB)
)

// wholeHead is how many bytes of a slice are looked at for its whole header. Those of
// cameras have less than 20; tables of weights make them longer.
const wholeHead = 256

// AppendSlices appends the slices of an access unit to dst, in their order. No more than
// the first 256 bytes of each is read. The parameter sets among the NAL units must have
// been given to Update. A slice whose header cannot be read has Bytes alone.
func (p *ParameterSets) AppendSlices(dst []Slice, nalus [][]byte) []Slice {
	for _, n := range nalus {
		t := p.Codec.Type(n)
		var s Slice
		switch {
		case t == noType:
			continue
		case p.Codec == H264 && (t == avcSlice || t == avcIDR):
			s = p.whole264(n)
		case p.Codec == H265 && hevcPicture(t) && layer(n) == 0:
			if s = p.whole265(n); s.Kind == KindUnknown && len(dst) > 0 {
				s.Kind, s.QP, s.QPKnown = dst[len(dst)-1].Kind, dst[len(dst)-1].QP, dst[len(dst)-1].QPKnown // a dependent segment
			}
		default:
			continue
		}
		s.Bytes = len(n)
		dst = append(dst, s)
	}
	return dst
}

// at returns where the block of an address is.
func (x *spsSyntax) at(address int) float64 {
	if x.fields || x.rows == 0 || address >= x.columns*x.rows {
		return 0
	}
	return float64(address/x.columns) / float64(x.rows)
}

// whole264 reads slice_header, H.264 7.3.3, up to slice_qp_delta.
func (p *ParameterSets) whole264(nalu []byte) (s Slice) {
	var raw [wholeHead]byte
	r := &bitReader{b: head(raw[:], nalu[1:])}
	h, sets := p.begin264(r, nalu[0])
	if r.bad || !h.known {
		return s
	}
	s.Kind, s.At = SliceKind(h.kind), sets.sps.syntax.at(h.address)
	if !h.ref {
		s.Layer = 1
	}
	x, y := &sets.sps.syntax, &sets.pps.pps
	if !y.whole {
		return s
	}
	if x.pocBits > 0 && y.bottomPOC && !h.field {
		r.se() // delta_pic_order_cnt_bottom
	}
	if x.deltaPOC {
		r.se()
		if y.bottomPOC && !h.field {
			r.se()
		}
	}
	if y.redundant {
		r.ue(127)
	}
	if h.kind != sliceI {
		s.Weighted = readPrediction264(r, h.kind, x, y)
	}
	if h.ref {
		skipMarking264(r, h.idr)
	}
	if y.cabac && h.kind != sliceI {
		r.ue(2) // cabac_init_idc
	}
	s.QP = y.qp + r.se()
	s.QPKnown = !r.bad && validQP(s.QP)
	return s
}

func validQP(qp int) bool { return qp >= -48 && qp <= 51 } // of at most 16 bits

// lists returns how many lists of reference pictures a slice has.
func lists(kind sliceType) int {
	if kind == sliceB {
		return 2
	}
	return 1
}

// weighs reports whether slices of a kind have a table of weights.
func (s *ppsSyntax) weighs(kind sliceType) bool { return s.weighted[lists(kind)-1] }

// readPrediction264 reads what P and B slices have: direct_spatial_mv_pred_flag,
// num_ref_idx_active_override_flag, ref_pic_list_modification (H.264 7.3.3.1) and
// pred_weight_table (7.3.3.2). It reports whether the first reference has a weight.
func readPrediction264(r *bitReader, kind sliceType, x *spsSyntax, y *ppsSyntax) (weighted bool) {
	if kind == sliceB {
		r.skip(1)
	}
	refs := y.refs
	if r.flag() {
		for i := range lists(kind) {
			refs[i] = r.ue(31) + 1
		}
	}
	for range lists(kind) {
		if !r.flag() {
			continue
		}
		for r.ue(5) != 3 && !r.bad { // modification_of_pic_nums_idc
			r.ue(1<<32 - 2)
		}
	}
	if !y.weighs(kind) {
		return false
	}
	r.ue(7) // luma_log2_weight_denom
	if x.chroma {
		r.ue(7)
	}
	for i := range lists(kind) {
		for j := range refs[i] {
			if r.flag() {
				r.se()
				r.se()
				weighted = weighted || i+j == 0
			}
			if x.chroma && r.flag() {
				for range 4 {
					r.se()
				}
			}
		}
	}
	return weighted
}

// skipMarking264 passes over dec_ref_pic_marking, H.264 7.3.3.3.
func skipMarking264(r *bitReader, idr bool) {
	if idr {
		r.skip(2)
		return
	}
	if !r.flag() { // adaptive_ref_pic_marking_mode_flag
		return
	}
	for !r.bad {
		switch r.ue(6) { // memory_management_control_operation
		case 0:
			return
		case 1, 2, 4, 6:
			r.ue(1<<32 - 2)
		case 3:
			r.ue(1<<32 - 2)
			r.ue(1<<32 - 2)
		}
	}
}

// whole265 reads slice_segment_header, H.265 7.3.6.1, up to slice_qp_delta.
func (p *ParameterSets) whole265(nalu []byte) (s Slice) {
	var raw [wholeHead]byte
	r := &bitReader{b: head(raw[:], nalu[2:])}
	h, sets := p.begin265(r, nalu[0])
	s.Layer = max(nalu[1]&7, 1) - 1
	if r.bad || !h.known {
		return s
	}
	x, y := &sets.sps.syntax, &sets.pps.pps
	s.Kind, s.At = SliceKind(h.kind), x.at(h.address)
	if h.dependent || !y.whole || !x.whole {
		return s
	}
	var t TreeSlice
	t.read(r, h, x, y)
	s.Weighted, s.QP = t.weighted, t.QP
	s.QPKnown = !r.bad && validQP(s.QP)
	return s
}

// references reads which pictures stay as references: how many of them the slice uses
// (NumPicTotalCurr, H.265 7-55), and slice_temporal_mvp_enabled_flag.
func (x *spsSyntax) references(r *bitReader) (used int, mvp bool) {
	r.skip(x.pocBits)
	if !r.flag() { // short_term_ref_pic_set_sps_flag
		s := readRefSet(r, x.refSets, true)
		used = s.uses()
	} else if n := len(x.refSets); n == 0 {
		r.bad = true
	} else if i := int(r.u(bits.Len(uint(n - 1)))); i < n {
		used = x.refSets[i].uses()
	}
	if x.longTerm {
		used += x.longTermUses(r)
	}
	return used, x.mvp && r.flag()
}

// longTermUses reads the reference pictures that stay for long.
func (x *spsSyntax) longTermUses(r *bitReader) (used int) {
	known := len(x.longUsed)
	ofSet := 0
	if known > 0 {
		ofSet = r.ue(32) // num_long_term_sps
	}
	for i := range ofSet + r.ue(32) {
		switch {
		case i >= ofSet:
			r.skip(x.pocBits)
			if r.flag() {
				used++
			}
		default:
			if j := int(r.u(bits.Len(uint(known - 1)))); j < known && x.longUsed[j] {
				used++
			}
		}
		if r.flag() { // delta_poc_msb_present_flag
			r.ue(1<<32 - 2)
		}
	}
	return used
}

// readPrediction reads what P and B slices have, up to five_minus_max_num_merge_cand;
// pictures is NumPicTotalCurr.
func (t *TreeSlice) readPrediction(r *bitReader, kind sliceType, x *spsSyntax, y *ppsSyntax, pictures int, mvp bool) {
	t.Refs = y.refs
	if r.flag() { // num_ref_idx_active_override_flag
		for i := range lists(kind) {
			t.Refs[i] = r.ue(14) + 1
		}
	}
	if y.reorders && pictures > 1 {
		for i := range lists(kind) {
			if r.flag() {
				r.skip(t.Refs[i] * bits.Len(uint(pictures-1)))
			}
		}
	}
	t.ZeroMVD = kind == sliceB && r.flag()
	t.CABACInit = y.cabacInit && r.flag()
	if mvp {
		list := 0
		if kind == sliceB && !r.flag() { // collocated_from_l0_flag
			list = 1
		}
		if t.Refs[list] > 1 {
			r.ue(14)
		}
	}
	if y.weighs(kind) {
		t.weighted = readWeights265(r, kind, x.chroma, t.Refs)
	}
	t.Merge = 5 - r.ue(4)
}

// readWeights265 reads pred_weight_table, H.265 7.3.6.3, and reports whether the first
// reference has a weight.
func readWeights265(r *bitReader, kind sliceType, chroma bool, refs [2]int) (weighted bool) {
	r.ue(7) // luma_log2_weight_denom
	if chroma {
		r.se()
	}
	for i := range lists(kind) {
		luma := r.u(refs[i])
		weighted = weighted || i == 0 && luma>>(refs[0]-1) == 1
		colour := uint32(0)
		if chroma {
			colour = r.u(refs[i])
		}
		for range bits.OnesCount32(luma) {
			r.se()
			r.se()
		}
		for range bits.OnesCount32(colour) {
			for range 4 {
				r.se()
			}
		}
	}
	return weighted
}
