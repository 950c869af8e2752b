package macroblock

import (
	"errors"
	"fmt"
)

// maxSet bounds a parameter set, in bytes. Real ones have less than 200.
const maxSet = 8 << 10

// maxMacroblocks and maxSide bound a picture, in macroblocks: MaxFS of level 6.2
// (H.264 table A-1) and the side that it allows (A.3.1), the square root of 8 MaxFS.
const (
	maxMacroblocks = 139264
	maxSide        = 1055
)

// sps is what slices are read with of a sequence parameter set.
type sps struct {
	valid         bool
	unsupported   string // what of it this room does not read
	width, height int    // of a frame, in macroblocks

	frameNumBits int
	pocBits      int  // of pic_order_cnt_lsb; 0 if slice headers have none
	pocDeltas    bool // slice headers have delta_pic_order_cnt
	fields       bool // frame_mbs_only_flag is 0
	mbaff        bool // mb_adaptive_frame_field_flag
	direct8x8    bool // direct_8x8_inference_flag
}

// pps is what slices are read with of a picture parameter set.
type pps struct {
	valid        bool
	unsupported  string
	sps          int
	cabac        bool // entropy_coding_mode_flag
	pocDelta     bool // bottom_field_pic_order_in_frame_present_flag
	refs         [2]int
	weighted     bool // weighted_pred_flag
	bipred       int  // weighted_bipred_idc
	qp           int  // 26 + pic_init_qp_minus26
	deblocking   bool // deblocking_filter_control_present_flag
	redundant    bool // redundant_pic_cnt_present_flag
	transform8x8 bool // transform_8x8_mode_flag
}

// setSPS remembers a sequence parameter set. One that cannot be read is passed over.
func (p *Parser) setSPS(nalu []byte) {
	if len(nalu) > maxSet {
		return
	}
	p.rbsp = unescape(p.rbsp, nalu)
	var r reader
	r.reset(p.rbsp)
	if id, s := parseSPS(&r); !r.bad {
		p.sps[id] = s
	}
}

// parseSPS reads seq_parameter_set_data up to the cropping, H.264 7.3.2.1.1.
func parseSPS(r *reader) (id int, s sps) {
	profile := r.u(8)
	r.u(16)
	id = r.ue(31)
	s.valid = true
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		s.unsupported = r.format()
	}
	s.frameNumBits = r.ue(12) + 4
	switch r.ue(2) { // pic_order_cnt_type
	case 0:
		s.pocBits = r.ue(12) + 4
	case 1:
		s.pocDeltas = !r.flag() // delta_pic_order_always_zero_flag
		r.skipGolomb(2)
		r.skipGolomb(r.ue(255)) // offset_for_ref_frame
	}
	r.ue(64) // max_num_ref_frames; 16 are legal
	r.u(1)   // gaps_in_frame_num_value_allowed_flag
	s.width = r.ue(maxSide-1) + 1
	s.height = r.ue(maxSide-1) + 1
	if s.fields = !r.flag(); s.fields {
		s.height *= 2
		s.mbaff = r.flag()
	}
	s.direct8x8 = r.flag()
	if s.width*s.height > maxMacroblocks {
		s.unsupported = "pictures larger than level 6.2 allows"
	}
	return id, s
}

// format reads what the SPS of a High profile says of samples and scaling, and returns
// what of it is not supported.
func (r *reader) format() (unsupported string) {
	if chroma := r.ue(3); chroma != 1 {
		unsupported = "a chroma format other than 4:2:0"
		if chroma == 3 {
			r.u(1) // separate_colour_plane_flag
		}
	}
	if luma, chroma := r.ue(6), r.ue(6); luma+chroma > 0 {
		unsupported = "more than 8 bits a sample"
	}
	r.u(1) // qpprime_y_zero_transform_bypass_flag
	if r.flag() && unsupported == "" {
		r.skipScaling(8)
	}
	return unsupported
}

// skipScaling passes over n scaling lists with their flags, H.264 7.3.2.1.1.1.
func (r *reader) skipScaling(n int) {
	for i := range n {
		if !r.flag() {
			continue
		}
		size := 16
		if i >= 6 {
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
}

// setPPS remembers a picture parameter set. One that cannot be read is passed over.
func (p *Parser) setPPS(nalu []byte) {
	if len(nalu) > maxSet {
		return
	}
	p.rbsp = unescape(p.rbsp, nalu)
	var r reader
	r.reset(p.rbsp)
	if id, s := parsePPS(&r); !r.bad {
		p.pps[id] = s
	}
}

// parsePPS reads pic_parameter_set_rbsp up to transform_8x8_mode_flag, H.264 7.3.2.2.
func parsePPS(r *reader) (id int, s pps) {
	id = r.ue(255)
	s.valid = true
	s.sps = r.ue(31)
	s.cabac = r.flag()
	s.pocDelta = r.flag()
	if r.ue(7) > 0 { // num_slice_groups_minus1
		s.unsupported = "slice groups"
		return id, s
	}
	s.refs[0], s.refs[1] = r.ue(31)+1, r.ue(31)+1
	s.weighted = r.flag()
	s.bipred = int(r.u(2))
	s.qp = 26 + r.se()
	r.skipGolomb(2) // pic_init_qs_minus26, chroma_qp_index_offset
	s.deblocking = r.flag()
	r.u(1) // constrained_intra_pred_flag
	s.redundant = r.flag()
	s.transform8x8 = r.more() && r.flag()
	return id, s
}

// setsOf returns the parameter sets that a slice names, if this room can read its stream.
func (p *Parser) setsOf(id int) (*sps, *pps, error) {
	ps := &p.pps[id]
	ss := &p.sps[ps.sps]
	if !ps.valid || !ss.valid {
		return nil, nil, errNoSets
	}
	for _, what := range []string{ss.unsupported, ps.unsupported} {
		if what != "" {
			return nil, nil, unsupported(what)
		}
	}
	return ss, ps, nil
}

var errNoSets = errors.New("macroblock: the parameter sets of a slice have not come; begin at a key frame")

func unsupported(what string) error {
	return fmt.Errorf("macroblock: %s: %w", what, errors.ErrUnsupported)
}
