package macroblock

import "errors"

// header is what is needed of a slice header.
type header struct {
	sps       *sps
	pps       *pps
	first     int // first_mb_in_slice
	kind      Prediction
	redundant bool // of a redundant picture
	refs      [2]int
	cabacInit int // cabac_init_idc
	qp        int // SliceQP_Y
}

// sliceHeader reads slice_header, H.264 7.3.3, of a NAL unit of type 1 or 5.
func (p *Parser) sliceHeader(r *reader, nalu byte) (h header, err error) {
	h.first = r.ue(maxMacroblocks - 1)
	kind := r.ue(9) % 5
	h.kind = [5]Prediction{P, B, I, P, I}[kind]
	id := r.ue(255)
	if r.bad {
		return h, errHeader
	}
	if h.sps, h.pps, err = p.setsOf(id); err != nil {
		return h, err
	}
	if kind > 2 {
		return h, unsupported("SP and SI slices")
	}
	r.u(h.sps.frameNumBits)
	if h.sps.fields && r.flag() {
		return h, unsupported("field pictures")
	}
	if h.sps.mbaff {
		return h, unsupported("macroblock-adaptive frames and fields")
	}
	idr := nalu&0x1f == typeIDR
	if idr {
		r.ue(65535) // idr_pic_id
	}
	h.order(r)
	if h.pps.redundant {
		h.redundant = r.ue(127) > 0
	}
	if h.kind == B {
		r.u(1) // direct_spatial_mv_pred_flag
	}
	if h.kind != I {
		h.references(r)
	}
	if nalu&0x60 != 0 { // nal_ref_idc
		skipMarking(r, idr)
	}
	if h.pps.cabac && h.kind != I {
		h.cabacInit = r.ue(2)
	}
	h.qp = h.pps.qp + r.se()
	if h.pps.deblocking && r.ue(2) != 1 {
		r.skipGolomb(2)
	}
	if r.bad || h.qp < 0 || h.qp > 51 {
		return h, errHeader
	}
	return h, nil
}

var errHeader = errors.New("macroblock: the header of a slice ends early or holds a number out of range")

// order passes over the picture order count.
func (h *header) order(r *reader) {
	if h.sps.pocBits > 0 {
		r.u(h.sps.pocBits)
		if h.pps.pocDelta {
			r.skipGolomb(1)
		}
	}
	if h.sps.pocDeltas {
		r.skipGolomb(1)
		if h.pps.pocDelta {
			r.skipGolomb(1)
		}
	}
}

// references reads how many reference pictures there are, and passes over their order and
// weights: H.264 7.3.3.1 and 7.3.3.2.
func (h *header) references(r *reader) {
	lists := 1
	if h.kind == B {
		lists = 2
	}
	h.refs = h.pps.refs
	if r.flag() { // num_ref_idx_active_override_flag
		for i := range lists {
			h.refs[i] = r.ue(31) + 1
		}
	}
	for range lists {
		for more := r.flag(); more && !r.bad; { // ref_pic_list_modification_flag
			if more = r.ue(3) != 3; more {
				r.skipGolomb(1)
			}
		}
	}
	if h.kind == P && h.pps.weighted || h.kind == B && h.pps.bipred == 1 {
		r.skipGolomb(2) // log2 of the denominators
		for i := range lists {
			for range h.refs[i] {
				if r.flag() {
					r.skipGolomb(2) // luma
				}
				if r.flag() {
					r.skipGolomb(4) // chroma
				}
			}
		}
	}
}

// skipMarking passes over dec_ref_pic_marking, H.264 7.3.3.3.
func skipMarking(r *reader, idr bool) {
	if idr {
		r.u(2)
		return
	}
	for more := r.flag(); more && !r.bad; { // adaptive_ref_pic_marking_mode_flag
		switch r.ue(6) {
		case 0:
			more = false
		case 1, 2, 4, 6:
			r.skipGolomb(1)
		case 3:
			r.skipGolomb(2)
		}
	}
}
