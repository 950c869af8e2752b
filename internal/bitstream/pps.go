package bitstream

// PPS is what slices are read with of a picture parameter set.
type PPS struct {
	// H.264 only.
	CABAC        bool // entropy_coding_mode_flag
	Transform8x8 bool // transform_8x8_mode_flag
	bottomPOC    bool // bottom_field_pic_order_in_frame_present_flag
	deblocking   bool // deblocking_filter_control_present_flag
	redundant    bool // redundant_pic_cnt_present_flag

	// H.265 only.
	dependent  bool // dependent_slice_segments_enabled_flag
	output     bool // output_flag_present_flag
	extraFlags int  // num_extra_slice_header_bits
	cabacInit  bool // cabac_init_present_flag
	reorders   bool // lists_modification_present_flag
	Tree       PPSTree

	sps      int     // id of the SPS
	whole    bool    // the set was read as far as slices need it
	refs     [2]int  // num_ref_idx_l0_default_active_minus1 + 1, and of l1
	weighted [2]bool // slices of P, and of B, have a table of weights
	qp       int     // of a slice whose slice_qp_delta is 0
}

// parsePPS reads a picture parameter set: H.264 7.3.2.2, H.265 7.3.2.3.1. It is an error
// only if its beginning cannot be read.
func (c Codec) parsePPS(nalu []byte) (id int, s *PPS, err error) {
	r := NewBitReader(nil, c.payload(nalu))
	s = &PPS{}
	if c == H264 {
		id = r.UE(255)
		s.sps = r.UE(31)
		err = r.Err()
		s.rest264(&r)
		return id, s, err
	}
	id = r.UE(63)
	s.sps = r.UE(15)
	s.dependent, s.output = r.Flag(), r.Flag()
	s.extraFlags = int(r.U(3))
	err = r.Err()
	s.rest265(&r)
	return id, s, err
}

// rest264 reads on from entropy_coding_mode_flag. Slice groups, which no camera makes,
// are not read.
func (s *PPS) rest264(r *BitReader) {
	s.CABAC, s.bottomPOC = r.Flag(), r.Flag()
	if r.UE(7) > 0 { // num_slice_groups_minus1
		return
	}
	s.refs = [2]int{r.UE(31) + 1, r.UE(31) + 1}
	s.weighted[0] = r.Flag()
	s.weighted[1] = r.U(2) == 1 // weighted_bipred_idc: 2 is implicit
	s.qp = 26 + r.SE()
	r.skipGolomb(2) // pic_init_qs_minus26, chroma_qp_index_offset
	s.deblocking = r.Flag()
	r.skip(1) // constrained_intra_pred_flag
	s.redundant = r.Flag()
	s.Transform8x8 = r.More() && r.Flag()
	s.whole = r.Err() == nil
}

// rest265 reads on from sign_data_hiding_enabled_flag.
func (s *PPS) rest265(r *BitReader) {
	t := &s.Tree
	t.SignHiding = r.Flag()
	s.cabacInit = r.Flag()
	s.refs = [2]int{r.UE(14) + 1, r.UE(14) + 1}
	s.qp = 26 + r.SE()
	r.skip(1) // constrained_intra_pred_flag
	t.TransformSkip = r.Flag()
	if t.DeltaQP = r.Flag(); t.DeltaQP {
		t.DeltaDepth = r.UE(3)
	}
	r.skipGolomb(2) // pps_cb_qp_offset, pps_cr_qp_offset
	t.chromaOffsets = r.Flag()
	s.weighted = [2]bool{r.Flag(), r.Flag()}
	t.Bypass = r.Flag()
	tiles := r.Flag()
	t.Sync = r.Flag()
	if tiles {
		t.readTiles(r)
	}
	t.acrossSlices = r.Flag()
	if r.Flag() { // deblocking_filter_control_present_flag
		t.overrides = r.Flag()
		if t.unfiltered = r.Flag(); !t.unfiltered {
			r.skipGolomb(2)
		}
	}
	if r.Flag() { // pps_scaling_list_data_present_flag
		skipScalingLists265(r)
	}
	s.reorders = r.Flag()
	s.whole = r.Err() == nil
	r.UE(4) // log2_parallel_merge_level_minus2
	t.extends = r.Flag()
	t.whole = r.Err() == nil
}

// skipScalingLists265 passes over scaling_list_data, H.265 7.3.4.
func skipScalingLists265(r *BitReader) {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6 && r.Err() == nil; matrix += step {
			if !r.Flag() { // scaling_list_pred_mode_flag
				r.UE(5)
				continue
			}
			if size > 1 {
				r.skipGolomb(1) // scaling_list_dc_coef_minus8
			}
			r.skipGolomb(min(64, 16<<(2*size)))
		}
	}
}
