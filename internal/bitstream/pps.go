package bitstream

// ppsSyntax is what the headers of slices are read with. What stands below whole is valid
// if that is true.
type ppsSyntax struct {
	sps int // id of the SPS

	// H.265 only.
	dependent  bool // dependent_slice_segments_enabled_flag
	output     bool // output_flag_present_flag
	extraFlags int  // num_extra_slice_header_bits

	whole    bool    // the set was read to where it says how the quantiser is coded
	refs     [2]int  // num_ref_idx_l0_default_active_minus1 + 1, and of l1
	weighted [2]bool // slices of P, and of B, have a table of weights
	qp       int     // of a slice whose slice_qp_delta is 0

	// H.264 only.
	cabac     bool // entropy_coding_mode_flag
	bottomPOC bool // bottom_field_pic_order_in_frame_present_flag
	redundant bool // redundant_pic_cnt_present_flag

	// H.265 only.
	cabacInit bool // cabac_init_present_flag
	reorders  bool // lists_modification_present_flag
	tree      TreePPS
}

// parsePPS reads a picture parameter set: H.264 7.3.2.2, H.265 7.3.2.3.1. It is an error
// only if its beginning cannot be read.
func (c Codec) parsePPS(nalu []byte) (id int, s ppsSyntax, err error) {
	if c == H264 {
		r := newRBSP(nalu, 1)
		id = r.ue(255)
		s.sps = r.ue(31)
		err = r.err()
		s.rest264(r)
		return id, s, err
	}
	r := newRBSP(nalu, 2)
	id = r.ue(63)
	s.sps = r.ue(15)
	s.dependent, s.output = r.flag(), r.flag()
	s.extraFlags = int(r.u(3))
	err = r.err()
	s.rest265(r)
	return id, s, err
}

// rest264 reads on from entropy_coding_mode_flag. Slice groups, which no camera makes,
// are not read.
func (s *ppsSyntax) rest264(r *bitReader) {
	s.cabac, s.bottomPOC = r.flag(), r.flag()
	if r.ue(7) > 0 { // num_slice_groups_minus1
		return
	}
	s.refs = [2]int{r.ue(31) + 1, r.ue(31) + 1}
	s.weighted[0] = r.flag()
	s.weighted[1] = r.u(2) == 1 // weighted_bipred_idc: 2 is implicit
	s.qp = 26 + r.se()
	r.se()    // pic_init_qs_minus26
	r.se()    // chroma_qp_index_offset
	r.skip(2) // deblocking_filter_control_present_flag, constrained_intra_pred_flag
	s.redundant = r.flag()
	s.whole = !r.bad
}

// rest265 reads on from sign_data_hiding_enabled_flag.
func (s *ppsSyntax) rest265(r *bitReader) {
	t := &s.tree
	t.SignHiding = r.flag()
	s.cabacInit = r.flag()
	s.refs = [2]int{r.ue(14) + 1, r.ue(14) + 1}
	s.qp = 26 + r.se()
	r.skip(1) // constrained_intra_pred_flag
	t.TransformSkip = r.flag()
	if t.DeltaQP = r.flag(); t.DeltaQP {
		t.DeltaDepth = r.ue(3)
	}
	r.se() // pps_cb_qp_offset
	r.se() // pps_cr_qp_offset
	t.chromaOffsets = r.flag()
	s.weighted = [2]bool{r.flag(), r.flag()}
	t.Bypass = r.flag()
	tiles := r.flag()
	t.Sync = r.flag()
	if tiles {
		t.readTiles(r)
	}
	t.acrossSlices = r.flag()
	if r.flag() { // deblocking_filter_control_present_flag
		t.overrides = r.flag()
		if t.unfiltered = r.flag(); !t.unfiltered {
			r.se()
			r.se()
		}
	}
	if r.flag() { // pps_scaling_list_data_present_flag
		skipScalingLists265(r)
	}
	s.reorders = r.flag()
	s.whole = !r.bad
	r.ue(4) // log2_parallel_merge_level_minus2
	t.extends = r.flag()
	t.whole = !r.bad
}

// skipScalingLists265 passes over scaling_list_data, H.265 7.3.4.
func skipScalingLists265(r *bitReader) {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6 && !r.bad; matrix += step {
			if !r.flag() { // scaling_list_pred_mode_flag
				r.ue(5)
				continue
			}
			if size > 1 {
				r.se() // scaling_list_dc_coef_minus8
			}
			for range min(64, 16<<(2*size)) {
				r.se()
			}
		}
	}
}
