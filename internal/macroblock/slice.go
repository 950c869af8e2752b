package macroblock

import (
	"fmt"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/cabac"
)

// Blocks of 4x4 pixels have places in arrays in which their macroblock has a border: the
// row of blocks above and the column to the left of it. Luma block x, y is at 9+x+8y. In
// nz Cb follows at 49+x+8y and Cr at 53+x+8y.
const (
	stride  = 8
	placeY  = 9
	placeCb = 49
	placeCr = 53
)

// places are those of the luma blocks by luma4x4BlkIdx (H.264 6.4.3).
var places = [16]uint8{9, 10, 17, 18, 11, 12, 19, 20, 25, 26, 33, 34, 27, 28, 35, 36}

// absent is the number of coefficients of a block outside of the slice.
const absent = 64

// traits are what syntax elements ask of the neighbours. A macroblock outside of the slice
// has none.
type traits uint8

const (
	traitCoded      traits = 1 << iota // not skipped
	traitNotDirect                     // neither B_Skip nor B_Direct_16x16
	traitNotNxN                        // not I_NxN
	traitLarge                         // transform_size_8x8_flag
	traitChromaMode                    // intra_chroma_pred_mode is not 0
)

// has returns 1 or 0.
func (t traits) has(x traits) int {
	if t&x != 0 {
		return 1
	}
	return 0
}

// pattern is coded_block_pattern, luma in bits 0 to 3 and chroma in bits 4 and 5, and from
// bit 8 on coded_block_flag of the DC coefficients of luma, Cb and Cr.
type pattern uint16

const (
	patternDC     pattern = 1 << 8 // and two more
	patternAllDC  pattern = 7 << 8
	patternAbsent pattern = 0xf // outside of the slice
	patternPCM            = patternAllDC | 2<<4 | 0xf
)

// column is what a macroblock leaves to those below it: itself and its lowest blocks.
type column struct {
	traits  traits
	pattern pattern
	nz      [4]uint8
	nzC     [4]uint8 // of Cb and Cr
	ref     [2][4]int8
	mvd     [2][4]difference
	mv      [4]vector
}

// slice is the state in which a slice is parsed.
type slice struct {
	bitstream.SliceHeader
	r     reader // of the header and CAVLC
	arith arith  // of CABAC
	cabac bool
	place int // where the last macroblock ends, in bits
	bytes int // of all slices of the picture

	addr, x int
	block   *Block
	intra   bool // the macroblock is
	deltaQP bool // mb_qp_delta of the last one was not 0

	above           []column
	left, top       traits
	leftPat, topPat pattern
	hasLeft, hasTop bool

	nz [8 * stride]uint8 // coefficients of blocks; with CABAC only whether there are some
	motion
}

// parse parses slice_data, H.264 7.3.4, behind the header h, into the blocks of the
// picture, and returns the macroblock behind it.
func (s *slice) parse(h bitstream.SliceHeader, blocks []Block) (next int, err error) {
	s.SliceHeader, s.cabac = h, h.PPS.CABAC
	s.addr, s.x, s.hasLeft, s.deltaQP = h.Address, h.Address%h.SPS.Columns, false, false
	if cap(s.above) < h.SPS.Columns {
		s.above = make([]column, h.SPS.Columns)
	}
	s.above = s.above[:h.SPS.Columns]
	s.motion.begin(h.Kind)
	if s.cabac {
		s.parseCABAC(blocks)
	} else {
		s.parseCAVLC(blocks)
	}
	if s.r.Bad {
		return s.addr, fmt.Errorf("macroblock: the slice from macroblock %d on is damaged, seen at %d of %d", h.Address, s.addr, len(blocks))
	}
	return s.addr, nil
}

// parseCAVLC sets bad unless the slice ends where its data does.
func (s *slice) parseCAVLC(blocks []Block) {
	r := &s.r
	s.place = r.Pos
	for more := true; more && !r.Bad; more = r.More() {
		if s.Kind != kindI {
			run := r.UE(uint32(len(blocks) - s.addr)) // mb_skip_run
			for range run {
				s.begin(&blocks[s.addr])
				s.skip()
			}
			if run > 0 && !r.More() {
				break
			}
		}
		if s.addr == len(blocks) {
			r.Bad = true
			return
		}
		s.begin(&blocks[s.addr])
		s.macroblock()
	}
	r.Bad = r.Bad || r.Pos != r.End
}

// parseCABAC does the same.
func (s *slice) parseCABAC(blocks []Block) {
	r, a := &s.r, &s.arith
	a.begin(r, &s.SliceHeader)
	most := cabac.MaxBins(s.bytes, len(blocks))
	s.place = a.Position()
	for end := false; !end && !r.Bad; end = a.Terminate() { // end_of_slice_flag
		if s.addr == len(blocks) {
			r.Bad = true
			return
		}
		s.begin(&blocks[s.addr])
		if s.Kind != kindI && s.skipFlag() {
			s.skip()
		} else {
			s.macroblock()
		}
		r.Bad = r.Bad || a.Bad || a.Position() > r.End+1 || a.Bins > most
	}
	r.Bad = r.Bad || !r.ends(a.Position())
}

// begin looks at the neighbours of a macroblock.
func (s *slice) begin(b *Block) {
	s.block = b
	s.hasTop = s.addr-s.Address >= len(s.above)
	s.top, s.topPat = 0, patternAbsent
	if s.hasTop {
		c := &s.above[s.x]
		s.top, s.topPat = c.traits, c.pattern
	}
	if !s.hasLeft {
		s.left, s.leftPat = 0, patternAbsent
	}
	if s.Kind == kindP || s.Kind == kindB && s.cabac {
		s.beginMotion()
	}
}

// end shows a macroblock to the neighbours that follow it.
func (s *slice) end(t traits, p pattern) {
	at := s.r.Pos
	if s.cabac {
		at = s.arith.Position()
	}
	s.block.Bits = uint16(min(at-s.place, 0xffff))
	s.block.QP = uint8(s.QP)
	s.place = at
	c := &s.above[s.x]
	c.traits, c.pattern = t, p
	s.left, s.leftPat, s.hasLeft = t, p, true
	s.addr++
	if s.x++; s.x == len(s.above) {
		s.x, s.hasLeft = 0, false
	}
}

// skip takes a macroblock of which nothing is coded.
func (s *slice) skip() {
	*s.block = Block{Kind: Skipped}
	s.deltaQP = false
	if s.Kind == kindP {
		v := s.skipVector()
		s.block.Motion = v.size()
		s.spread(0, v)
	} else if s.cabac {
		s.spread(0, vector{})
	}
	s.fill(0)
	s.end(0, 0)
}

// fill shows n coefficients in each block of the macroblock to the neighbours that follow.
func (s *slice) fill(n uint8) {
	c, nz := &s.above[s.x], &s.nz
	c.nz, c.nzC = [4]uint8{n, n, n, n}, [4]uint8{n, n, n, n}
	nz[8], nz[16], nz[24], nz[32] = n, n, n, n
	nz[48], nz[56], nz[52], nz[60] = n, n, n, n
}

// beginBlocks looks at the blocks of the neighbours; those of the macroblock are empty.
func (s *slice) beginBlocks() {
	nz := &s.nz
	if s.hasTop {
		c := &s.above[s.x]
		copy(nz[1:5], c.nz[:])
		copy(nz[41:43], c.nzC[:2])
		copy(nz[45:47], c.nzC[2:])
	} else {
		nz[1], nz[2], nz[3], nz[4] = absent, absent, absent, absent
		nz[41], nz[42], nz[45], nz[46] = absent, absent, absent, absent
	}
	if !s.hasLeft {
		nz[8], nz[16], nz[24], nz[32] = absent, absent, absent, absent
		nz[48], nz[56], nz[52], nz[60] = absent, absent, absent, absent
	}
	for y := 9; y < 41; y += stride {
		clear(nz[y : y+4])
	}
	for y := 49; y < 65; y += stride {
		clear(nz[y : y+2])
		clear(nz[y+4 : y+6])
	}
}

// endBlocks shows the blocks to the neighbours that follow.
func (s *slice) endBlocks() {
	c, nz := &s.above[s.x], &s.nz
	copy(c.nz[:], nz[33:37])
	copy(c.nzC[:2], nz[57:59])
	copy(c.nzC[2:], nz[61:63])
	nz[8], nz[16], nz[24], nz[32] = nz[12], nz[20], nz[28], nz[36]
	nz[48], nz[56], nz[52], nz[60] = nz[50], nz[58], nz[54], nz[62]
}
