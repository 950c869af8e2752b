package bitstream

import (
	"errors"
	"fmt"
)

// TreeSPS is what the coding trees of H.265 are parsed with of a sequence parameter set.
// Sizes of blocks are logarithms to base 2.
type TreeSPS struct {
	Width, Height          int // of the coded picture, in luma samples
	CTB, MinCB             int // CtbLog2SizeY, MinCbLog2SizeY
	MinTB, MaxTB           int // MinTbLog2SizeY, MaxTbLog2SizeY
	InterDepth, IntraDepth int // max_transform_hierarchy_depth_inter, and _intra
	AMP                    bool
	PCM                    bool   // pcm_enabled_flag
	PCMMin, PCMMax         int    // Log2MinIpcmCbSizeY, Log2MaxIpcmCbSizeY
	PCMBits                [2]int // of a sample of luma, and of chroma
	LumaDepth, ChromaDepth int
	Chroma                 bool // 4:2:0; otherwise there is none

	refused string // why they cannot be parsed
}

// check notes what is not parsed: what no profile but the extended ones has.
func (t *TreeSPS) check(s *SPS) {
	t.LumaDepth, t.ChromaDepth, t.Chroma = int(s.BitDepthLuma), int(s.BitDepthChroma), s.ChromaFormat == 1
	switch {
	case s.ChromaFormat > 1:
		t.refused = "a chroma format other than 4:2:0"
	case s.Profile > 3 || s.Profile == 0:
		t.refused = fmt.Sprint("profile ", s.Profile)
	case t.CTB > 6 || t.CTB < 4 || t.MinTB >= t.MinCB || t.MaxTB > min(t.CTB, 5):
		t.refused = "sizes of blocks that the standard does not allow"
	case t.Width%(1<<t.MinCB) != 0 || t.Height%(1<<t.MinCB) != 0:
		t.refused = "a picture that is no whole number of blocks"
	}
}

// TreePPS is what they are parsed with of a picture parameter set.
type TreePPS struct {
	SignHiding    bool // sign_data_hiding_enabled_flag
	TransformSkip bool // transform_skip_enabled_flag
	DeltaQP       bool // cu_qp_delta_enabled_flag
	DeltaDepth    int  // diff_cu_qp_delta_depth
	Bypass        bool // transquant_bypass_enabled_flag
	Sync          bool // entropy_coding_sync_enabled_flag

	// Columns and Rows are the widths and heights of the tiles in coding tree blocks, 0 of
	// the last one, which takes the rest. With Uniform they are all the same, about.
	Columns, Rows []int
	Uniform       bool

	chromaOffsets bool // pps_slice_chroma_qp_offsets_present_flag
	acrossSlices  bool // pps_loop_filter_across_slices_enabled_flag
	overrides     bool // deblocking_filter_override_enabled_flag
	unfiltered    bool // pps_deblocking_filter_disabled_flag
	extends       bool // slice_segment_header_extension_present_flag
	whole         bool
}

func (t *TreePPS) readTiles(r *bitReader) {
	t.Columns, t.Rows = make([]int, r.ue(19)+1), make([]int, r.ue(21)+1) // level 6.2 has at most 20 by 22
	if t.Uniform = r.flag(); !t.Uniform {
		for _, sizes := range [][]int{t.Columns, t.Rows} {
			for i := range len(sizes) - 1 {
				sizes[i] = r.ue(maxSide) + 1
			}
		}
	}
	r.skip(1) // loop_filter_across_tiles_enabled_flag
}

// TreeSlice is what a slice segment header says of the coding trees behind it.
type TreeSlice struct {
	SPS *TreeSPS // valid until the next Update
	PPS *TreePPS

	First     bool // of the picture
	Address   int  // slice_segment_address
	Dependent bool // the segment goes on with the slice before, and the fields below are not set, but for Data
	Data      int  // where the data begin, in bytes

	Kind      SliceKind
	QP        int     // SliceQpY
	SAO       [2]bool // of luma, of chroma
	Refs      [2]int  // num_ref_idx_l0_active_minus1 + 1, and of l1
	ZeroMVD   bool    // mvd_l1_zero_flag
	CABACInit bool    // cabac_init_flag
	Merge     int     // MaxNumMergeCand

	weighted bool // see Slice.Weighted
}

var errTree = errors.New("bitstream: the header of a slice ends early or holds a number out of range")

// Tree reads the whole header of a slice segment of H.265. The NAL unit's header is given by
// its first byte; payload is what follows its two bytes, without emulation prevention bytes.
// The error matches errors.ErrUnsupported for what no stream of the profiles Main and Main 10
// has.
func (p *ParameterSets) Tree(first byte, payload []byte) (t TreeSlice, err error) {
	r := &bitReader{b: payload}
	h, sets := p.begin265(r, first)
	if r.bad {
		return t, errTree
	}
	if !h.known {
		return t, errors.New("bitstream: the parameter sets of a slice have not come; begin at a key frame")
	}
	x, y := &sets.sps.syntax, &sets.pps.pps
	if !x.whole || !y.whole || !y.tree.whole {
		return t, errors.New("bitstream: the parameter sets of a slice cannot be read to their end")
	}
	if x.tree.refused != "" {
		return t, fmt.Errorf("bitstream: %s: %w", x.tree.refused, errors.ErrUnsupported)
	}
	t.SPS, t.PPS, t.First, t.Address, t.Dependent = &x.tree, &y.tree, h.first, h.address, h.dependent
	if !h.dependent {
		t.read(r, h, x, y)
		t.readFilters(r)
	}
	t.readEntries(r)
	if r.bad || !t.Dependent && (t.Kind == KindUnknown || t.QP < -6*(x.tree.LumaDepth-8) || t.QP > 51 || t.Merge < 1 && t.Kind != KindI) {
		return t, errTree
	}
	return t, nil
}

// read reads slice_segment_header, H.265 7.3.6.1, from pic_output_flag to slice_qp_delta.
func (t *TreeSlice) read(r *bitReader, h slice, x *spsSyntax, y *ppsSyntax) {
	t.Kind = SliceKind(h.kind)
	if y.output {
		r.skip(1) // pic_output_flag
	}
	if x.separatePlanes {
		r.skip(2)
	}
	pictures, mvp := 0, false
	if !h.idr {
		pictures, mvp = x.references(r)
	}
	if x.sao {
		t.SAO[0] = r.flag()
		t.SAO[1] = x.chroma && r.flag()
	}
	if h.kind != sliceI {
		t.readPrediction(r, h.kind, x, y, pictures, mvp)
	}
	t.QP = y.qp + r.se()
}

// readFilters reads on up to slice_loop_filter_across_slices_enabled_flag.
func (t *TreeSlice) readFilters(r *bitReader) {
	y := t.PPS
	if y.chromaOffsets {
		r.se()
		r.se()
	}
	unfiltered := y.unfiltered
	if y.overrides && r.flag() {
		if unfiltered = r.flag(); !unfiltered {
			r.se()
			r.se()
		}
	}
	if y.acrossSlices && (t.SAO[0] || t.SAO[1] || !unfiltered) {
		r.skip(1)
	}
}

// readEntries reads on to the end of the header.
func (t *TreeSlice) readEntries(r *bitReader) {
	if t.PPS.Columns != nil || t.PPS.Sync {
		if n := r.ue(22 * 1056); n > 0 { // num_entry_point_offsets
			r.skip(n * (r.ue(31) + 1))
		}
	}
	if t.PPS.extends {
		r.skip(8 * r.ue(256))
	}
	if !r.flag() { // alignment_bit_equal_to_one
		r.bad = true
	}
	t.Data = (r.pos + 7) / 8
}
