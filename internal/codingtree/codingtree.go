// Package codingtree tells what an H.265 encoder did with each part of a picture, without
// decoding the picture, as package macroblock does of H.264: which it skipped, which it
// predicted from other pictures or from within, and how many bits that took. It parses the
// coding trees (H.265 7.3.8, 9.3) of the profiles Main and Main 10 and reconstructs nothing.
package codingtree

import (
	"errors"
	"fmt"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/macroblock"
)

// Bounds of what is parsed.
const (
	maxBlocks = 36864     // of 16x16 pixels: MaxLumaPs of level 5.2 (H.265 table A.8), with some more
	maxBytes  = 128 << 10 // of a picture's slices: ten times the usual at 1.5 Mbit/s and 15 pictures a second
)

// Parser parses the pictures of a stream. The zero value is ready to use. It is not safe
// for concurrent use.
type Parser struct {
	r bitstream.BitReader
	s slice
}

// Picture parses all slices of one access unit, NAL units without start codes, into dst,
// which has a block for each 16x16 pixels: of what lies in several coding units the bits are
// added up, of a larger unit they are shared out. The kind of a block is Intra16x16 if any
// unit in it is predicted from within, IntraPCM if any is not predicted, Skipped if all are
// skipped, and otherwise Inter16x16. QP is that of the last unit. Change is the largest
// component of the differences of motion vectors; Motion is the same, for what vectors are
// would take the other pictures.
//
// The parameter sets must have been given to sets. Layers above the first are passed over.
// The error matches [errors.ErrUnsupported] if the stream is of another profile, or has
// pictures of more than 36,864 blocks. Any other error says that the picture is damaged or not
// whole, that its slices have more than 128 KiB, or more bins than these may have, or that its
// parameter sets have not come. With an error dst is of no use, and the next picture can be
// parsed.
func (p *Parser) Picture(sets *bitstream.ParameterSets, nalus [][]byte, dst *macroblock.Map) error {
	dst.Width, dst.Height, dst.Blocks, dst.Prediction = 0, 0, dst.Blocks[:0], bitstream.KindUnknown
	p.s.next, p.s.total, p.s.bytes, p.s.Bins = 0, 0, 0, 0
	for _, n := range nalus {
		if sets.Codec.IsVCL(n) {
			p.s.bytes += len(n)
		}
	}
	if p.s.bytes > maxBytes {
		return fmt.Errorf("codingtree: a picture of %d bytes, of which at most %d are parsed", p.s.bytes, maxBytes)
	}
	for _, n := range nalus {
		// A slice of the first layer, H.265 table 7-1 and 7.4.2.2.
		if t := bitstream.H265.Type(n); len(n) < 3 || t > 9 && t < 16 || t > 21 || n[0]&1 != 0 || n[1]>>3 != 0 {
			continue
		}
		if err := p.slice(sets, n, dst); err != nil {
			return err
		}
	}
	if p.s.next == 0 || p.s.next < p.s.total {
		return fmt.Errorf("codingtree: the slices hold %d of %d coding trees", p.s.next, p.s.total)
	}
	return nil
}

// slice parses a slice segment.
func (p *Parser) slice(sets *bitstream.ParameterSets, nalu []byte, dst *macroblock.Map) error {
	p.r = bitstream.NewBitReader(p.r.Data, nalu[2:])
	h, err := sets.SliceHeader(&p.r, nalu)
	if err == nil {
		err = h.ToData(&p.r)
	}
	if err != nil {
		return fmt.Errorf("codingtree: the header of a slice %w", err)
	}
	s, t := &p.s, &h.SPS.Tree
	width, height := (t.Width+15)/16, (t.Height+15)/16
	switch {
	case h.First != (s.next == 0):
		return errors.New("codingtree: the first slice of a picture is lost, or there are two")
	case h.First && h.Dependent:
		return errors.New("codingtree: the first slice goes on with one before")
	case h.First && width*height > maxBlocks:
		return fmt.Errorf("codingtree: a picture of %d x %d pixels: %w", t.Width, t.Height, errors.ErrUnsupported)
	case h.First:
		dst.Width, dst.Height = width, height
		dst.Blocks = resize(dst.Blocks, width*height)
		clear(dst.Blocks)
		s.picture(&h, dst)
	case s.tree != *t:
		return errors.New("codingtree: slices of pictures of different sizes in one access unit")
	}
	return s.parse(h, &p.r)
}
