package bitstream

import (
	"errors"
	"fmt"
)

// SliceKind is how a slice may be predicted.
type SliceKind uint8

// The kinds of slices. Those of a kind that is not known are of parameter sets that have
// not come.
const (
	KindUnknown SliceKind = iota
	KindI                 // from within the picture
	KindP                 // from one other picture for each block, too
	KindB                 // from two
)

// lists returns how many lists of reference pictures a slice has.
func (k SliceKind) lists() int {
	if k == KindB {
		return 2
	}
	return 1
}

// SliceHeader is the header of a slice: slice_header of H.264 (7.3.3), slice_segment_header of
// H.265 (7.3.6.1).
type SliceHeader struct {
	// Its beginning, which tells the slices of one picture from those of the next (H.264
	// 7.4.1.2.4, H.265 7.4.2.4.5).
	Kind    SliceKind
	Address int  // of its first block: first_mb_in_slice, slice_segment_address
	SPS     *SPS // the parameter sets that it names, nil if they have not come: then no more is known
	PPS     *PPS

	First     bool // it begins a picture: first_mb_in_slice is 0, or first_slice_segment_in_pic_flag
	Dependent bool // H.265: it goes on with what the slice before it says, of which the rest is not set
	idr       bool

	// H.264 only.
	Switching            bool // slice_type is SP or SI
	Field                bool // field_pic_flag
	frameNum, idrID, poc int
	ref, bottom          bool

	// The rest.
	Redundant bool   // H.264: redundant_pic_cnt is not 0
	Refs      [2]int // num_ref_idx_l0_active_minus1 + 1, and of l1
	weighted  bool   // the first reference has a weight
	CABACInit int    // cabac_init_idc of H.264; cabac_init_flag of H.265
	QP        int    // SliceQpY: H.264 7-30, H.265 7-54

	// H.265 only.
	SAO     [2]bool // of luma, of chroma
	ZeroMVD bool    // mvd_l1_zero_flag
	Merge   int     // MaxNumMergeCand
}

// The errors of [ParameterSets.SliceHeader], besides that of a header that ends early. What
// they are about stands before them.
var (
	errNoSets = errors.New("names parameter sets that have not come: begin at a key frame")
	errSets   = fmt.Errorf("names parameter sets that end early, or have slice groups: %w", errors.ErrUnsupported)
)

// SliceHeader reads the header of a slice of H.264, behind which it leaves r, or of H.265 up
// to slice_qp_delta. At the beginning r is at that of the payload of the NAL unit. With an
// error nothing is of use but Kind, Address and the parameter sets, and these only if they
// are there. It matches [errors.ErrUnsupported] if there are slice groups.
func (p *ParameterSets) SliceHeader(r *BitReader, nalu []byte) (h SliceHeader, err error) {
	h.begin(p, r, nalu)
	switch err = r.Err(); {
	case err != nil:
		return SliceHeader{}, err
	case h.SPS == nil:
		return SliceHeader{}, errNoSets
	case h.Dependent:
		return h, nil
	case !h.SPS.whole || !h.PPS.whole:
		return h, errSets
	case p.Codec == H265:
		h.rest265(r)
	default:
		h.rest264(r)
	}
	if h.QP > 51 || h.QP < -6*(int(h.SPS.BitDepthLuma)-8) {
		r.Bad = true
	}
	return h, r.Err()
}

// sliceHead is how many bytes of a slice hold the beginning of its header: at most 124 bits,
// with emulation prevention bytes among them.
const sliceHead = 28

// sliceHeaderBegin reads the beginning of the header of a slice.
func (p *ParameterSets) sliceHeaderBegin(nalu []byte) (h SliceHeader, err error) {
	var buf [sliceHead + padding]byte
	r := NewBitReader(buf[:0], p.Codec.payload(nalu[:min(len(nalu), sliceHead)]))
	h.begin(p, &r, nalu)
	return h, r.Err()
}

func (h *SliceHeader) begin(p *ParameterSets, r *BitReader, nalu []byte) {
	if p.Codec == H265 {
		h.begin265(p, r, nalu[0])
	} else {
		h.begin264(p, r, nalu[0])
	}
}

// avcKinds are the kinds of slices by slice_type modulo 5, H.264 table 7-6. SP and SI
// are forms of P and I.
var avcKinds = [5]SliceKind{KindP, KindB, KindI, KindP, KindI}

// begin264 reads slice_header, H.264 7.3.3, up to pic_order_cnt_lsb.
func (h *SliceHeader) begin264(p *ParameterSets, r *BitReader, header byte) {
	h.Address = r.UE(maxSide * maxSide / 256)
	h.First = h.Address == 0
	kind := r.UE(9) % 5
	h.Kind, h.Switching = avcKinds[kind], kind > 2
	sps, pps := p.setsOf(r.UE(255))
	h.idr, h.ref = header&0x1f == avcIDR, header&0x60 != 0
	if sps == nil {
		return
	}
	if sps.separatePlanes {
		r.skip(2) // colour_plane_id
	}
	h.frameNum = int(r.U(sps.frameNumBits))
	if sps.fields {
		if h.Field = r.Flag(); h.Field {
			h.bottom = r.Flag()
		}
	}
	if h.idr {
		h.idrID = r.UE(65535)
	}
	h.poc = int(r.U(sps.pocBits))
	h.SPS, h.PPS = sps, pps
}

// rest264 reads slice_header behind pic_order_cnt_lsb. What only SP and SI slices have is not
// read.
func (h *SliceHeader) rest264(r *BitReader) {
	sps, pps := h.SPS, h.PPS
	bottom := pps.bottomPOC && !h.Field
	if sps.pocBits > 0 && bottom {
		r.skipGolomb(1) // delta_pic_order_cnt_bottom
	}
	if sps.deltaPOC {
		r.skipGolomb(1)
		if bottom {
			r.skipGolomb(1)
		}
	}
	if pps.redundant {
		h.Redundant = r.UE(127) > 0
	}
	if h.Kind != KindI {
		h.prediction264(r)
	}
	if h.ref {
		skipMarking264(r, h.idr)
	}
	if pps.CABAC && h.Kind != KindI {
		h.CABACInit = r.UE(2)
	}
	h.QP = pps.qp + r.SE()
	if pps.deblocking && !h.Switching && r.UE(2) != 1 {
		r.skipGolomb(2)
	}
}

// prediction264 reads what P and B slices have: direct_spatial_mv_pred_flag,
// num_ref_idx_active_override_flag, ref_pic_list_modification (H.264 7.3.3.1) and
// pred_weight_table (7.3.3.2).
func (h *SliceHeader) prediction264(r *BitReader) {
	lists := h.Kind.lists()
	if h.Kind == KindB {
		r.skip(1)
	}
	h.Refs = h.PPS.refs
	if r.Flag() {
		for i := range lists {
			h.Refs[i] = r.UE(31) + 1
		}
	}
	for range lists {
		for more := r.Flag(); more && !r.Bad; { // ref_pic_list_modification_flag
			if more = r.UE(3) != 3; more { // modification_of_pic_nums_idc
				r.skipGolomb(1)
			}
		}
	}
	if !h.PPS.weighted[lists-1] {
		return
	}
	r.skipGolomb(1) // luma_log2_weight_denom
	if h.SPS.chroma {
		r.skipGolomb(1)
	}
	for i := range lists {
		for j := range h.Refs[i] {
			if r.Flag() {
				r.skipGolomb(2)
				h.weighted = h.weighted || i+j == 0
			}
			if h.SPS.chroma && r.Flag() {
				r.skipGolomb(4)
			}
		}
	}
}

// skipMarking264 passes over dec_ref_pic_marking, H.264 7.3.3.3.
func skipMarking264(r *BitReader, idr bool) {
	if idr {
		r.skip(2)
		return
	}
	for more := r.Flag(); more && !r.Bad; { // adaptive_ref_pic_marking_mode_flag
		switch r.UE(6) { // memory_management_control_operation
		case 0:
			more = false
		case 1, 2, 4, 6:
			r.skipGolomb(1)
		case 3:
			r.skipGolomb(2)
		}
	}
}

// setsOf returns the parameter sets that a slice names, nil if one has not come.
func (p *ParameterSets) setsOf(id int) (*SPS, *PPS) {
	i, found := p.find(kindPPS, id)
	if !found {
		return nil, nil
	}
	pps := p.sets[kindPPS][i].pps
	if i, found = p.find(kindSPS, pps.sps); !found {
		return nil, nil
	}
	return p.sets[kindSPS][i].sps, pps
}

// samePicture reports whether two slices of H.264 belong to one picture, as far as
// their headers tell (7.4.1.2.4). The PPS does not count: encoders change it within one.
func (h *SliceHeader) samePicture(o *SliceHeader) bool {
	return h.frameNum == o.frameNum && h.idr == o.idr && h.idrID == o.idrID && h.poc == o.poc &&
		h.ref == o.ref && h.Field == o.Field && h.bottom == o.bottom
}

// pairs reports whether o is of the second field of the frame whose first field h is
// of (H.264 7.4.1.2.4, 3.30).
func (h *SliceHeader) pairs(o *SliceHeader) bool {
	return h.Field && o.Field && h.bottom != o.bottom && h.frameNum == o.frameNum && !o.idr
}
