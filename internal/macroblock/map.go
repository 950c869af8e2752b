// Package macroblock tells what an H.264 encoder did with each macroblock of a picture,
// without decoding the picture: which it skipped, which it predicted from where, how far
// that moved and how many bits it took. It parses the entropy coding, CAVLC and CABAC, of
// progressive pictures in 4:2:0 with 8 bits a sample, and reconstructs nothing.
package macroblock

import (
	"errors"
	"fmt"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

// NAL unit types, H.264 table 7-1.
const (
	typeSlice = 1
	typeA     = 2 // data partitions: 2 to 4
	typeC     = 4
	typeIDR   = 5
)

// The kinds of slices.
const (
	kindI = bitstream.KindI
	kindP = bitstream.KindP
	kindB = bitstream.KindB
)

// The bounds of a picture. Together they bound the work that one can make.
const (
	maxMacroblocks = 36864     // MaxFS of level 5.2 (H.264 table A-1)
	maxBytes       = 128 << 10 // of its slices: ten times the usual at 1.5 Mbit/s and 15 pictures a second
)

// Kind is how a macroblock is coded.
type Kind uint8

// The kinds of macroblocks.
const (
	Skipped    Kind = iota // P_Skip, B_Skip: nothing is coded
	Direct                 // B_Direct_16x16: motion is inferred
	Inter16x16             // predicted from other pictures as a whole
	Inter16x8              // in two halves, one above the other
	Inter8x16              // in two halves side by side
	Inter8x8               // in quarters, which may be divided further
	IntraNxN               // predicted from its neighbours, in blocks of 4x4 or 8x8
	Intra16x16             // predicted from its neighbours as a whole
	IntraPCM               // not predicted: its samples themselves
)

// Intra reports whether a macroblock is predicted from within the picture, or not at all.
func (k Kind) Intra() bool { return k >= IntraNxN }

// Block is a macroblock: 16x16 pixels.
type Block struct {
	Kind  Kind
	QP    uint8 // quantiser of luma, 0 to 51. Without residual it is that of the one before.
	Coded bool  // has a residual: a coded block pattern that is not 0, or I_PCM

	// Bits is how many bits of the slice the macroblock takes. With CABAC the border
	// between two is off by a bit or two, and a skipped one takes 0 or 1; with CAVLC the
	// length of a run of skipped ones counts for the macroblock behind it.
	Bits uint16

	// Motion is the largest absolute component of the motion vectors, in quarters of a
	// pixel. In B slices it is 0: to infer their motion takes the other pictures.
	Motion uint16

	// Change is the largest absolute component of what is coded of motion vectors: their
	// differences from what the neighbours' let expect, in quarters of a pixel.
	Change uint16
}

// Map is the macroblocks of a picture.
type Map struct {
	Width, Height int                 // in macroblocks
	Blocks        []Block             // row by row; reused by the next Picture
	Prediction    bitstream.SliceKind // the highest of the slices
}

// Parser parses the pictures of a stream. The zero value is ready to use. It is not safe
// for concurrent use. Once it has seen the largest picture it does not allocate.
type Parser struct{ s slice }

// Picture parses all slices of one access unit, NAL units without start codes, into dst. The
// parameter sets among them must have been given to sets. Redundant pictures, auxiliary ones
// and those of other layers are passed over.
//
// The error matches [errors.ErrUnsupported] if the stream has what is not parsed: fields,
// macroblock-adaptive frames, slice groups, data partitions, SP and SI slices, chroma other
// than 4:2:0, more than 8 bits a sample, more than 36,864 macroblocks. Any other error says
// that the picture is damaged or not whole, that its slices have more than 128 KiB, or that
// its parameter sets have not come. With an error dst is of no use, and the next picture can
// be parsed.
func (p *Parser) Picture(sets *bitstream.ParameterSets, nalus [][]byte, dst *Map) error {
	dst.Width, dst.Height, dst.Blocks, dst.Prediction = 0, 0, dst.Blocks[:0], bitstream.KindUnknown
	p.s.bytes, p.s.arith.Bins = 0, 0
	for _, n := range nalus {
		if sets.Codec.IsVCL(n) {
			p.s.bytes += len(n)
		}
	}
	if p.s.bytes > maxBytes {
		return fmt.Errorf("macroblock: a picture of %d bytes, of which at most %d are parsed", p.s.bytes, maxBytes)
	}
	next := 0 // macroblock
	for _, n := range nalus {
		switch t := sets.Codec.Type(n); {
		case t >= typeA && t <= typeC:
			return unsupported("data partitions")
		case t == typeSlice || t == typeIDR:
			var err error
			if next, err = p.slice(sets, n, dst, next); err != nil {
				return err
			}
		}
	}
	if next == 0 || next < len(dst.Blocks) {
		return fmt.Errorf("macroblock: the slices hold %d of %d macroblocks", next, len(dst.Blocks))
	}
	return nil
}

// slice parses a slice that has to begin with macroblock next of dst, and returns with
// which the one after it begins.
func (p *Parser) slice(sets *bitstream.ParameterSets, nalu []byte, dst *Map, next int) (int, error) {
	s := &p.s
	s.r.BitReader = bitstream.NewBitReader(s.r.Data, nalu[1:])
	h, err := sets.SliceHeader(&s.r.BitReader, nalu)
	if err != nil {
		return next, fmt.Errorf("macroblock: the header of a slice %w", err)
	}
	if what := unparsed(&h); what != "" {
		return next, unsupported(what)
	}
	if h.Redundant {
		return next, nil
	}
	width, height := h.SPS.Columns, h.SPS.Rows
	size := width * height
	switch {
	case next == 0:
		dst.Width, dst.Height = width, height
		if cap(dst.Blocks) < size {
			dst.Blocks = make([]Block, size)
		}
		dst.Blocks = dst.Blocks[:size]
	case dst.Width != width || dst.Height != height:
		return next, fmt.Errorf("macroblock: slices of pictures of %dx%d and %dx%d macroblocks in one access unit", dst.Width, dst.Height, width, height)
	}
	if h.Address != next || next == size {
		return next, fmt.Errorf("macroblock: a slice begins with macroblock %d of %d, not with %d: one is lost or they are in arbitrary order", h.Address, size, next)
	}
	dst.Prediction = max(dst.Prediction, h.Kind)
	return s.parse(h, dst.Blocks)
}

// unparsed returns what a slice has that is not parsed.
func unparsed(h *bitstream.SliceHeader) string {
	switch sps := h.SPS; {
	case h.Switching:
		return "SP and SI slices"
	case h.Field:
		return "field pictures"
	case sps.MBAFF:
		return "macroblock-adaptive frames and fields"
	case sps.ChromaFormat != 1:
		return "a chroma format other than 4:2:0"
	case sps.BitDepthLuma > 8 || sps.BitDepthChroma > 8:
		return "more than 8 bits a sample"
	case sps.Columns*sps.Rows > maxMacroblocks:
		return "pictures larger than level 5.2 allows"
	}
	return ""
}

func unsupported(what string) error {
	return fmt.Errorf("macroblock: %s: %w", what, errors.ErrUnsupported)
}
