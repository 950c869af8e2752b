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

// wholeHead is how many bytes of a slice are looked at for its whole header. Those of
// cameras have less than 20; tables of weights make them longer.
const wholeHead = 256

// AppendSlices appends the slices of an access unit to dst, in their order. No more than
// the first 256 bytes of each is read. The parameter sets among the NAL units must have
// been given to Update. A slice whose header cannot be read has Bytes alone.
func (p *ParameterSets) AppendSlices(dst []Slice, nalus [][]byte) []Slice {
	for _, n := range nalus {
		if !p.Codec.hasSliceHeader(n) {
			continue
		}
		var buf [wholeHead + padding]byte
		r := NewBitReader(buf[:0], p.Codec.payload(n[:min(len(n), wholeHead)]))
		h, err := p.SliceHeader(&r, n)
		s := Slice{Kind: h.Kind, Bytes: len(n), QP: h.QP, QPKnown: err == nil, Weighted: h.weighted, At: h.at()}
		switch {
		case p.Codec == H265:
			s.Layer = n[1]&7 - 1
		case h.SPS != nil && !h.ref:
			s.Layer = 1
		}
		if s.Kind == KindUnknown {
			if s.QPKnown = false; p.Codec == H265 && len(dst) > 0 { // a dependent segment
				before := &dst[len(dst)-1]
				s.Kind, s.QP, s.QPKnown = before.Kind, before.QP, before.QPKnown
			}
		}
		dst = append(dst, s)
	}
	return dst
}

// at returns where the first block of a slice is.
func (h *SliceHeader) at() float64 {
	s := h.SPS
	if s == nil || s.fields || s.Rows == 0 || h.Address >= s.Columns*s.Rows {
		return 0
	}
	return float64(h.Address/s.Columns) / float64(s.Rows)
}
