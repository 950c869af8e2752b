package codingtree

// The first context of each syntax element.
const (
	ctxSAOMerge = iota
	ctxSAOType
	ctxSplit       // split_cu_flag, 3
	ctxBypass      = ctxSplit + 3
	ctxSkip        = ctxBypass + 1 // 3
	ctxDeltaQP     = ctxSkip + 3   // 2
	ctxPredMode    = ctxDeltaQP + 2
	ctxPart        = ctxPredMode + 1 // part_mode, 4
	ctxIntraLuma   = ctxPart + 4     // prev_intra_luma_pred_flag
	ctxIntraChroma = ctxIntraLuma + 1
	ctxMerge       = ctxIntraChroma + 1
	ctxMergeIdx    = ctxMerge + 1
	ctxDirection   = ctxMergeIdx + 1  // inter_pred_idc, 5
	ctxRef         = ctxDirection + 5 // ref_idx_lX, 2
	ctxMVD         = ctxRef + 2       // abs_mvd_greater0_flag, abs_mvd_greater1_flag
	ctxMVP         = ctxMVD + 2
	ctxRoot        = ctxMVP + 1          // rqt_root_cbf
	ctxSplitTU     = ctxRoot + 1         // split_transform_flag, 3
	ctxLuma        = ctxSplitTU + 3      // cbf_luma, 2
	ctxChroma      = ctxLuma + 2         // cbf_cb, cbf_cr, 4
	ctxDirect      = ctxChroma + 4       // transform_skip_flag, of luma and of chroma
	ctxLastX       = ctxDirect + 2       // last_sig_coeff_x_prefix, 18
	ctxLastY       = ctxLastX + 18       // and y, 18
	ctxGroup       = ctxLastY + 18       // coded_sub_block_flag, 4
	ctxSignificant = ctxGroup + 4        // sig_coeff_flag, 42
	ctxAbove1      = ctxSignificant + 42 // coeff_abs_level_greater1_flag, 24
	ctxAbove2      = ctxAbove1 + 24      // coeff_abs_level_greater2_flag, 6
	contexts       = ctxAbove2 + 6
)

// contextInit are the values of initValue, H.265 tables 9-5 to 9-37, by initType; 154 stands
// where slices of a type have no such element.
var contextInit = [3][contexts]uint8{
	{
		153, 200,
		139, 141, 157,
		154,
		154, 154, 154,
		154, 154,
		154,
		184, 154, 154, 154,
		184, 63,
		154, 154,
		154, 154, 154, 154, 154,
		154, 154,
		154, 154,
		154, 154,
		153, 138, 138,
		111, 141,
		94, 138, 182, 154,
		139, 139,
		110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63,
		110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63,
		91, 171, 134, 141,
		111, 111, 125, 110, 110, 94, 124, 108, 124, 107, 125, 141, 179, 153,
		125, 107, 125, 141, 179, 153, 125, 107, 125, 141, 179, 153, 125, 140,
		139, 182, 182, 152, 136, 152, 136, 153, 136, 139, 111, 136, 139, 111,
		140, 92, 137, 138, 140, 152, 138, 139, 153, 74, 149, 92,
		139, 107, 122, 152, 140, 179, 166, 182, 140, 227, 122, 197,
		138, 153, 136, 167, 152, 152,
	},
	{
		153, 185,
		107, 139, 126,
		154,
		197, 185, 201,
		154, 154,
		149,
		154, 139, 154, 154,
		154, 152,
		110, 122,
		95, 79, 63, 31, 31,
		153, 153,
		140, 198,
		168, 79,
		124, 138, 94,
		153, 111,
		149, 107, 167, 154,
		139, 139,
		125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108,
		125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108,
		121, 140, 61, 154,
		155, 154, 139, 153, 139, 123, 123, 63, 153, 166, 183, 140, 136, 153,
		154, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154, 170,
		153, 123, 123, 107, 121, 107, 121, 167, 151, 183, 140, 151, 183, 140,
		154, 196, 196, 167, 154, 152, 167, 182, 182, 134, 149, 136,
		153, 121, 136, 137, 169, 194, 166, 167, 154, 167, 137, 182,
		107, 167, 91, 122, 107, 167,
	},
	{
		153, 160,
		107, 139, 126,
		154,
		197, 185, 201,
		154, 154,
		134,
		154, 139, 154, 154,
		183, 152,
		154, 137,
		95, 79, 63, 31, 31,
		153, 153,
		169, 198,
		168, 79,
		224, 167, 122,
		153, 111,
		149, 92, 167, 154,
		139, 139,
		125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93,
		125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93,
		121, 140, 61, 154,
		170, 154, 139, 153, 139, 123, 123, 63, 124, 166, 183, 140, 136, 153,
		154, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154, 170,
		153, 138, 138, 122, 121, 122, 121, 167, 151, 183, 140, 151, 183, 140,
		154, 196, 167, 167, 154, 152, 167, 182, 182, 134, 149, 136,
		153, 121, 136, 122, 169, 208, 166, 167, 154, 152, 167, 182,
		107, 167, 91, 107, 107, 167,
	},
}

// init begins contexts, H.265 9.3.2.2; kind is initType.
func (s *slice) initialize(kind, qp int) {
	qp = min(max(qp, 0), 51)
	for i, v := range contextInit[kind] {
		s.SetContext(i, (int(v>>4)*5-45)*qp>>4+int(v&15)<<3-16)
	}
}
