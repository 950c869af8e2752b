package bitstream

// Slice is what one slice of a picture says of how it is coded.
type Slice struct {
	Kind  SliceKind
	Bytes int // of its NAL unit

	// QP is the quantiser that it begins with (SliceQpY: H.264 7-30, H.265 7-54): six more
	// double the step. It is below 0 in streams of more than 8 bits alone.
	QP      int
	QPKnown bool

	// Weighted is true if the picture before counts lighter or darker as a whole
	// (pred_weight_table has a weight for the first reference): encoders that can do that
	// do so when the light changes.
	Weighted bool

	// Layer tells pictures apart that are predicted from others: the temporal layer in
	// H.265; in H.264 0, and 1 if no other picture is predicted from this one.
	Layer uint8

	// At is where it begins, as a share of the picture from its top: 0 to below 1. It is 0
	// where that is not known.
	At float64
}

// SliceKind is how a slice may be predicted.
type SliceKind uint8

// The kinds of slices. Those of a kind that is not known are of parameter sets that have
// not come.
const (
	KindUnknown SliceKind = SliceKind(sliceUnknown)
	KindI       SliceKind = SliceKind(sliceI)
	KindP       SliceKind = SliceKind(sliceP)
	KindB       SliceKind = SliceKind(sliceB)
)

// wholeHead is how many bytes of a slice are looked at for its whole header. Those of
// cameras have less than 20; tables of weights make them longer.
const wholeHead = 256

// AppendSlices appends the slices of an access unit to dst, in their order. No more than
// the first 256 bytes of each is read. The parameter sets among the NAL units must have
// been given to Update. A slice whose header cannot be read has Bytes alone.
func (p *ParameterSets) AppendSlices(dst []Slice, nalus [][]byte) []Slice {
	for _, n := range nalus {
		t := p.Codec.Type(n)
		var s Slice
		switch {
		case t == noType:
			continue
		case p.Codec == H264 && (t == avcSlice || t == avcIDR):
			s = p.whole264(n)
		case p.Codec == H265 && hevcPicture(t) && layer(n) == 0:
			if s = p.whole265(n); s.Kind == KindUnknown && len(dst) > 0 {
				s.Kind, s.QP, s.QPKnown = dst[len(dst)-1].Kind, dst[len(dst)-1].QP, dst[len(dst)-1].QPKnown // a dependent segment
			}
		default:
			continue
		}
		s.Bytes = len(n)
		dst = append(dst, s)
	}
	return dst
}

// at returns where the block of an address is.
func (x *spsSyntax) at(address int) float64 {
	if x.fields || x.rows == 0 || address >= x.columns*x.rows {
		return 0
	}
	return float64(address/x.columns) / float64(x.rows)
}
