package bitstream

import "math"

// vuiReorder reads vui_parameters, H.264 E.1.1, and returns max_num_reorder_frames,
// -1 if they do not say or end early, as those of some encoders do.
func vuiReorder(r *bitReader) int {
	if r.flag() && r.u(8) == 255 { // aspect_ratio_info_present_flag, Extended_SAR
		r.skip(32)
	}
	if r.flag() { // overscan_info_present_flag
		r.skip(1)
	}
	if r.flag() { // video_signal_type_present_flag
		r.skip(4)
		if r.flag() { // colour_description_present_flag
			r.skip(24)
		}
	}
	if r.flag() { // chroma_loc_info_present_flag
		r.ue(5)
		r.ue(5)
	}
	if r.flag() { // timing_info_present_flag
		r.skip(65)
	}
	nal := r.flag()
	if nal {
		skipHRD(r)
	}
	vcl := r.flag()
	if vcl {
		skipHRD(r)
	}
	if nal || vcl {
		r.skip(1) // low_delay_hrd_flag
	}
	r.skip(1)      // pic_struct_present_flag
	if !r.flag() { // bitstream_restriction_flag
		return -1
	}
	r.skip(1)     // motion_vectors_over_pic_boundaries_flag
	for range 4 { // max_bytes_per_pic_denom up to log2_max_mv_length_vertical
		r.ue(16)
	}
	reorder := r.ue(16)
	if r.bad {
		return -1
	}
	return reorder
}

// skipHRD passes over hrd_parameters, H.264 E.1.2.
func skipHRD(r *bitReader) {
	n := r.ue(31) + 1 // cpb_cnt_minus1
	r.skip(8)
	for range n {
		r.ue(math.MaxUint32)
		r.ue(math.MaxUint32)
		r.skip(1)
	}
	r.skip(20)
}
