package bitstream

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
	first     bool // it begins a picture: first_mb_in_slice is 0, or first_slice_segment_in_pic_flag
	address   int  // of its first block: first_mb_in_slice, slice_segment_address
	dependent bool // H.265: it goes on with what the slice before it says
	kind      sliceType
	idr       bool
	known     bool // the parameter sets have come, so the fields below are valid

	// H.264 only.
	frameNum, idrID, poc int
	ref, field, bottom   bool

	reorder int  // SPS.Reorder
	slack   bool // see spsSyntax
}

// sliceHead is how many bytes of a slice hold the part of its header that is read: at most
// 124 bits, with emulation prevention bytes among them.
const sliceHead = 28

// avcTypes are the types of slices by slice_type modulo 5, H.264 table 7-6. SP and SI
// are forms of P and I.
var avcTypes = [5]sliceType{sliceP, sliceB, sliceI, sliceP, sliceI}

// hevcTypes are those of H.265, table 7-7.
var hevcTypes = [3]sliceType{sliceB, sliceP, sliceI}

// slice264 reads the beginning of slice_header, H.264 7.3.3, of a NAL unit of type 1 or 5.
func (p *ParameterSets) slice264(nalu []byte) (s slice, err error) {
	var raw [sliceHead + padding]byte
	r := NewBitReader(raw[:0], nalu[1:min(len(nalu), sliceHead)])
	s, _ = p.begin264(&r, nalu[0])
	return s, r.Err()
}

// begin264 reads slice_header up to pic_order_cnt_lsb, and returns the parameter sets
// that it names, nil if they have not come.
func (p *ParameterSets) begin264(r *BitReader, header byte) (s slice, sets setPair) {
	s.address = r.UE(maxSide * maxSide / 256)
	s.first = s.address == 0
	s.kind = avcTypes[r.UE(9)%5]
	sets = p.setsOf(r.UE(255))
	s.idr, s.ref = header&0x1f == avcIDR, header&0x60 != 0
	if r.Err() != nil || sets.sps == nil {
		return s, sets
	}
	x := &sets.sps.syntax
	if x.separatePlanes {
		r.skip(2) // colour_plane_id
	}
	s.frameNum = int(r.U(x.frameNumBits))
	if x.fields {
		if s.field = r.Flag(); s.field {
			s.bottom = r.Flag()
		}
	}
	if s.idr {
		s.idrID = r.UE(65535)
	}
	s.poc = int(r.U(x.pocBits))
	s.known, s.reorder, s.slack = true, sets.sps.sps.Reorder, x.slack
	return s, sets
}

// setPair is the parameter sets of a slice; both are nil if one has not come.
type setPair struct{ sps, pps *paramSet }

// setsOf returns the parameter sets that a slice names.
func (p *ParameterSets) setsOf(id int) setPair {
	i, found := p.find(kindPPS, id)
	if !found {
		return setPair{}
	}
	pps := &p.sets[kindPPS][i]
	if i, found = p.find(kindSPS, pps.pps.sps); !found {
		return setPair{}
	}
	return setPair{&p.sets[kindSPS][i], pps}
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

// whole264 reads slice_header, H.264 7.3.3, up to slice_qp_delta.
func (p *ParameterSets) whole264(nalu []byte) (s Slice) {
	var raw [wholeHead + padding]byte
	r := NewBitReader(raw[:0], nalu[1:min(len(nalu), wholeHead)])
	h, sets := p.begin264(&r, nalu[0])
	if r.Err() != nil || !h.known {
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
		r.SE() // delta_pic_order_cnt_bottom
	}
	if x.deltaPOC {
		r.SE()
		if y.bottomPOC && !h.field {
			r.SE()
		}
	}
	if y.redundant {
		r.UE(127)
	}
	if h.kind != sliceI {
		s.Weighted = readPrediction264(&r, h.kind, x, y)
	}
	if h.ref {
		skipMarking264(&r, h.idr)
	}
	if y.cabac && h.kind != sliceI {
		r.UE(2) // cabac_init_idc
	}
	s.QP = y.qp + r.SE()
	s.QPKnown = r.Err() == nil && validQP(s.QP)
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
func readPrediction264(r *BitReader, kind sliceType, x *spsSyntax, y *ppsSyntax) (weighted bool) {
	if kind == sliceB {
		r.skip(1)
	}
	refs := y.refs
	if r.Flag() {
		for i := range lists(kind) {
			refs[i] = r.UE(31) + 1
		}
	}
	for range lists(kind) {
		if !r.Flag() {
			continue
		}
		for r.UE(5) != 3 && r.Err() == nil { // modification_of_pic_nums_idc
			r.UE(1<<32 - 2)
		}
	}
	if !y.weighs(kind) {
		return false
	}
	r.UE(7) // luma_log2_weight_denom
	if x.chroma {
		r.UE(7)
	}
	for i := range lists(kind) {
		for j := range refs[i] {
			if r.Flag() {
				r.SE()
				r.SE()
				weighted = weighted || i+j == 0
			}
			if x.chroma && r.Flag() {
				for range 4 {
					r.SE()
				}
			}
		}
	}
	return weighted
}

// skipMarking264 passes over dec_ref_pic_marking, H.264 7.3.3.3.
func skipMarking264(r *BitReader, idr bool) {
	if idr {
		r.skip(2)
		return
	}
	if !r.Flag() { // adaptive_ref_pic_marking_mode_flag
		return
	}
	for r.Err() == nil {
		switch r.UE(6) { // memory_management_control_operation
		case 0:
			return
		case 1, 2, 4, 6:
			r.UE(1<<32 - 2)
		case 3:
			r.UE(1<<32 - 2)
			r.UE(1<<32 - 2)
		}
	}
}
