package bitstream

import (
	"errors"
	"fmt"
)

// SPSTree is what the coding trees of H.265 are parsed with of a sequence parameter set.
// Sizes of blocks are logarithms to base 2.
type SPSTree struct {
	Width, Height          int // of the coded picture, in luma samples
	CTB, MinCB             int // CtbLog2SizeY, MinCbLog2SizeY
	MinTB, MaxTB           int // MinTbLog2SizeY, MaxTbLog2SizeY
	InterDepth, IntraDepth int // max_transform_hierarchy_depth_inter, and _intra
	AMP                    bool
	PCM                    bool   // pcm_enabled_flag
	PCMMin, PCMMax         int    // Log2MinIpcmCbSizeY, Log2MaxIpcmCbSizeY
	PCMBits                [2]int // of a sample of luma, and of chroma
}

// PPSTree is what they are parsed with of a picture parameter set.
type PPSTree struct {
	SignHiding    bool // sign_data_hiding_enabled_flag
	TransformSkip bool // transform_skip_enabled_flag
	DeltaQP       bool // cu_qp_delta_enabled_flag
	DeltaDepth    int  // diff_cu_qp_delta_depth
	Bypass        bool // transquant_bypass_enabled_flag
	Sync          bool // entropy_coding_sync_enabled_flag

	// Columns and Rows are the widths and heights of the tiles in coding tree blocks; nil if
	// there are none. The last one takes the rest; with Uniform all are the same, about.
	Columns, Rows []int
	Uniform       bool

	chromaOffsets bool // pps_slice_chroma_qp_offsets_present_flag
	acrossSlices  bool // pps_loop_filter_across_slices_enabled_flag
	overrides     bool // deblocking_filter_override_enabled_flag
	unfiltered    bool // pps_deblocking_filter_disabled_flag
	extends       bool // slice_segment_header_extension_present_flag
	whole         bool // the set was read so far
}

func (t *PPSTree) readTiles(r *BitReader) {
	t.Columns, t.Rows = make([]int, r.UE(19)+1), make([]int, r.UE(21)+1) // level 6.2 has at most 20 by 22
	if t.Uniform = r.Flag(); !t.Uniform {
		for _, sizes := range [][]int{t.Columns, t.Rows} {
			for i := range len(sizes) - 1 {
				sizes[i] = r.UE(maxSide) + 1
			}
		}
	}
	r.skip(1) // loop_filter_across_tiles_enabled_flag
}

// unparsed returns what the coding trees of a stream have that this module does not parse:
// what no profile but the extended ones has.
func (s *SPS) unparsed() string {
	switch t := &s.Tree; {
	case s.ChromaFormat != 1:
		return "a chroma format other than 4:2:0"
	case s.Profile > 3 || s.Profile == 0:
		return fmt.Sprint("profile ", s.Profile)
	case t.CTB > 6 || t.CTB < 4 || t.MinTB >= t.MinCB || t.MaxTB > min(t.CTB, 5),
		t.Width%(1<<t.MinCB) != 0, t.Height%(1<<t.MinCB) != 0:
		return "sizes of blocks that the standard does not allow"
	}
	return ""
}

// ToData reads the rest of a slice segment header of H.265, behind slice_qp_delta, and leaves
// r at the data. The error matches [errors.ErrUnsupported] for what no stream of the profiles
// Main and Main 10 has.
func (h *SliceHeader) ToData(r *BitReader) error {
	t := &h.PPS.Tree
	if what := h.SPS.unparsed(); what != "" {
		return fmt.Errorf("has %s: %w", what, errors.ErrUnsupported)
	}
	if !t.whole {
		return errSets
	}
	if !h.Dependent {
		h.skipFilters(r)
	}
	if t.Columns != nil || t.Sync {
		if n := r.UE(22 * 1056); n > 0 { // num_entry_point_offsets
			r.skip(n * (r.UE(31) + 1))
		}
	}
	if t.extends {
		r.skip(8 * r.UE(256))
	}
	if !r.Flag() || !h.Dependent && h.Kind != KindI && h.Merge < 1 { // alignment_bit_equal_to_one
		r.Bad = true
	}
	r.Pos = (r.Pos + 7) &^ 7
	return r.Err()
}

// skipFilters passes over what stands between slice_qp_delta and the entry points.
func (h *SliceHeader) skipFilters(r *BitReader) {
	t := &h.PPS.Tree
	if t.chromaOffsets {
		r.skipGolomb(2)
	}
	unfiltered := t.unfiltered
	if t.overrides && r.Flag() {
		if unfiltered = r.Flag(); !unfiltered {
			r.skipGolomb(2)
		}
	}
	if t.acrossSlices && (h.SAO[0] || h.SAO[1] || !unfiltered) {
		r.skip(1)
	}
}
