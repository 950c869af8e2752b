package codingtree

import (
	"fmt"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/cabac"
	"github.com/smartcam-sdk/smartcam/internal/macroblock"
)

// unit is what a block of 4x4 pixels leaves to those to the right of it and below it.
type unit struct {
	mode  uint8 // IntraPredModeY; DC of what is not predicted from within
	depth uint8 // CtDepth
	skip  uint8 // cu_skip_flag
	qp    int8  // QpY
}

const (
	planar     = 0
	dc         = 1
	horizontal = 10
	vertical   = 26
)

var none = unit{mode: dc} // outside of the slice or the tile

// slice is the state in which the slices of a picture are parsed.
type slice struct {
	cabac.Decoder
	bitstream.SliceHeader
	tree bitstream.SPSTree
	pps  *bitstream.PPSTree
	data []byte
	end  int // of the data, in bits

	counted func(log2 int, kind macroblock.Kind, parts partMode) // for tests: each coding unit
	dst     *macroblock.Map

	// Of the picture.
	bytes         int // of its slices
	size          int // CtbLog2SizeY
	width, height int // in coding tree blocks
	total, next   int // coding trees, in the order of tiles
	order         []int32
	tile          []int32  // TileId of a coding tree block, row by row; empty without tiles
	slices        []int32  // SliceAddrRs
	above         []unit   // the lowest of each column so far
	left          [16]unit // and the rightmost of each row of the coding tree block
	address       int      // SliceAddrRs of the present slice
	saved         [2][cabac.Contexts]uint8

	// Of the coding tree.
	mark    int  // where what has not been shared out begins, in bits
	qp      int  // QpY of the latest coding unit
	groupQP int  // qPY_PRED of the quantization group
	deltaQP bool // IsCuQpDeltaCoded

	// Of the coding unit.
	intra, bypassed bool
	parts           partMode
	x, y, log2      int
	depth           int // MaxTrafoDepth
	lumaMode        [4]uint8
	chromaMode      uint8
	change          int // largest component of a difference of motion vectors
	coded           bool
}

// The contexts that are kept for later.
const (
	afterSecond = iota // of a row of coding tree blocks
	afterSlice         // of a slice segment
)

// picture begins a picture.
func (s *slice) picture(h *bitstream.SliceHeader, dst *macroblock.Map) {
	s.tree, s.dst = h.SPS.Tree, dst
	s.size, s.width, s.height = s.tree.CTB, h.SPS.Columns, h.SPS.Rows
	s.total, s.next = s.width*s.height, 0
	s.slices = resize(s.slices, s.total)
	for i := range s.slices {
		s.slices[i] = -1
	}
	s.above = resize(s.above, s.width<<s.size>>2)
	s.order, s.tile = s.order[:0], s.tile[:0]
	if h.PPS.Tree.Columns != nil {
		s.tiles(&h.PPS.Tree)
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// tiles takes the coding tree blocks into the order of tiles, H.265 6.5.1.
func (s *slice) tiles(p *bitstream.PPSTree) {
	s.tile = resize(s.tile, s.total)
	columns, rows := bounds(p.Columns, s.width, p.Uniform), bounds(p.Rows, s.height, p.Uniform)
	for i := range len(rows) - 1 {
		for j := range len(columns) - 1 {
			for y := rows[i]; y < rows[i+1]; y++ {
				for x := columns[j]; x < columns[j+1]; x++ {
					s.order = append(s.order, int32(y*s.width+x))
					s.tile[y*s.width+x] = int32(i*len(columns) + j)
				}
			}
		}
	}
}

// bounds returns where tiles of some sizes begin and the last one ends.
func bounds(sizes []int, whole int, uniform bool) []int {
	at := make([]int, len(sizes)+1)
	for i, n := range sizes {
		if at[i+1] = min(at[i]+n, whole); uniform {
			at[i+1] = (i + 1) * whole / len(sizes)
		}
	}
	at[len(sizes)] = whole
	return at
}

// block returns the coding tree block of a place in the order of tiles.
func (s *slice) block(ts int) int {
	if len(s.order) > 0 {
		return int(s.order[ts])
	}
	return ts
}

// sameTile reports whether two coding tree blocks are in one tile.
func (s *slice) sameTile(a, b int) bool { return len(s.tile) == 0 || s.tile[a] == s.tile[b] }

// joins reports whether what is coded in the block at x, y counts for the block at.
func (s *slice) joins(at, x, y int) bool {
	if x < 0 || y < 0 || x >= s.width {
		return false
	}
	other := y*s.width + x
	return s.slices[other] == int32(s.address) && s.sameTile(at, other)
}

// parse parses slice_segment_data, H.265 7.3.8.1.
func (s *slice) parse(h bitstream.SliceHeader, r *bitstream.BitReader) error {
	if !h.Dependent { // otherwise it goes on with the header before
		s.SliceHeader, s.address, s.pps = h, h.Address, &h.PPS.Tree
		s.dst.Prediction = max(s.dst.Prediction, h.Kind)
	}
	if s.next >= s.total || h.Address != s.block(s.next) {
		return fmt.Errorf("codingtree: a slice begins at coding tree %d of %d, where another was expected: one is lost", h.Address, s.total)
	}
	s.data, s.end, s.Bad = r.Data, r.End, false
	s.Restart(r.Data, r.Pos/8)
	for first := true; ; first = false {
		at := s.block(s.next)
		s.begin(at, first, h.Dependent)
		s.codingTree(at)
		s.next++
		if s.Bad || s.Position() > s.end+1 || s.Bins > cabac.MaxBins(s.bytes, len(s.dst.Blocks)) {
			return fmt.Errorf("codingtree: the slice from coding tree %d on is damaged, seen at %d of %d", h.Address, at, s.total)
		}
		if s.pps.Sync && s.second(at) {
			s.saved[afterSecond] = s.Ctx
		}
		if s.Terminate() { // end_of_slice_segment_flag
			break
		}
		if s.next == s.total {
			return fmt.Errorf("codingtree: a slice goes on behind the last of %d coding trees", s.total)
		}
		if s.subset(s.block(s.next), at) {
			if !s.Terminate() { // end_of_subset_one_bit
				return fmt.Errorf("codingtree: a part of a slice does not end at coding tree %d", at)
			}
			s.Restart(s.data, (s.Position()+7)/8)
		}
	}
	s.saved[afterSlice] = s.Ctx
	// The bit before it is rbsp_stop_one_bit.
	if last := s.Position() - 1; s.Bad || last>>3 != s.end>>3 || s.data[last>>3]>>(7-last&7)&1 == 0 {
		return fmt.Errorf("codingtree: the slice from coding tree %d on does not end where its data do", h.Address)
	}
	return nil
}

// subset reports whether data of their own begin with a coding tree behind another.
func (s *slice) subset(at, before int) bool {
	return !s.sameTile(at, before) || s.pps.Sync && s.leads(at)
}

// leads reports whether a coding tree is the first in a row of a tile.
func (s *slice) leads(at int) bool { return at%s.width == 0 || !s.sameTile(at, at-1) }

// second reports whether it is the second.
func (s *slice) second(at int) bool {
	x := at % s.width
	return x == 1 && s.sameTile(at, at-1) || x > 1 && s.sameTile(at, at-1) && !s.sameTile(at, at-2)
}

// begin takes the contexts and the neighbours of a coding tree, H.265 9.3.1.
func (s *slice) begin(at int, first, dependent bool) {
	x, y := at%s.width, at/s.width
	s.slices[at] = int32(s.address)
	newTile := s.next == 0 || !s.sameTile(at, s.block(s.next-1))
	row := s.pps.Sync && s.leads(at)
	switch {
	case newTile:
		s.contexts()
	case row && s.joins(at, x+1, y-1):
		s.Ctx = s.saved[afterSecond]
	case first && dependent:
		s.Ctx = s.saved[afterSlice]
	case first || row:
		s.contexts()
	}
	if first && !dependent || newTile || row {
		s.qp = s.QP
	}
	if !s.joins(at, x-1, y) {
		for i := range s.left {
			s.left[i] = none
		}
	}
	over := s.above[x<<s.size>>2 : (x+1)<<s.size>>2]
	if s.joins(at, x, y-1) {
		for i := range over {
			over[i].mode = dc
		}
	} else {
		for i := range over {
			over[i] = none
		}
	}
	s.mark = s.Position()
}

func (s *slice) contexts() {
	kind := int(s.Kind - bitstream.KindI)
	if kind > 0 && s.CABACInit == 1 {
		kind = 3 - kind
	}
	s.initialize(kind, s.QP)
}

// codingTree parses coding_tree_unit, H.265 7.3.8.2.
func (s *slice) codingTree(at int) {
	x, y := at%s.width, at/s.width
	if s.SAO[0] || s.SAO[1] {
		s.offsets(s.joins(at, x-1, y), s.joins(at, x, y-1))
	}
	s.quadtree(x<<s.size, y<<s.size, s.size, 0)
}

// offsets parses sao, H.265 7.3.8.3.
func (s *slice) offsets(left, above bool) {
	if left && s.Bin(ctxSAOMerge) == 1 || above && s.Bin(ctxSAOMerge) == 1 {
		return
	}
	kind := 0
	for c := range 3 {
		if !s.SAO[min(c, 1)] {
			continue
		}
		depth := int(s.SPS.BitDepthLuma)
		if c > 0 {
			depth = int(s.SPS.BitDepthChroma)
		}
		if c < 2 {
			if kind = s.Bin(ctxSAOType); kind == 1 {
				kind += s.Bypass()
			}
		}
		if kind == 0 {
			continue
		}
		offsets := 0
		for range 4 {
			if s.Unary(1<<(min(depth, 10)-5)-1) > 0 {
				offsets++
			}
		}
		switch {
		case kind == 1: // of bands
			s.Number(offsets) // signs
			s.Number(5)
		case c < 2: // of edges
			s.Number(2)
		}
	}
}
