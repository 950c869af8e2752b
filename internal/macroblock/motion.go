package macroblock

import "github.com/smartcam-sdk/smartcam/internal/bitstream"

// Reference indices of blocks that have none.
const (
	refIntra  = -1 // of the list
	refAbsent = -2 // outside of the slice
)

// vector is a motion vector, in quarters of a pixel.
type vector struct{ x, y int16 }

// size is the largest absolute component.
func (v vector) size() uint16 { return max(magnitude(v.x), magnitude(v.y)) }

func magnitude(x int16) uint16 {
	if x < 0 {
		return uint16(-int(x))
	}
	return uint16(x)
}

// difference is the absolute components of mvd, at most 255 each.
type difference [2]uint8

// motion is what macroblocks know of the motion of blocks: with P slices references and
// vectors, with CABAC references and what is coded of vectors.
type motion struct {
	lists int // of references: one in P slices, two in B slices
	ref   [2][5 * stride]int8
	mvd   [2][5 * stride]difference
	mv    [5 * stride]vector // of list 0, in P slices
}

func (m *motion) begin(kind bitstream.SliceKind) {
	m.lists = int(kind - kindI)
	m.ref[0][4], m.mv[4] = refAbsent, vector{} // above, to the left of the first one
}

// beginMotion looks at the neighbours of a macroblock.
func (s *slice) beginMotion() {
	c := &s.above[s.x]
	if s.Kind == kindP {
		s.ref[0][0], s.mv[0] = s.ref[0][4], s.mv[4]
		if s.x == 0 {
			s.ref[0][0], s.mv[0] = refAbsent, vector{}
		}
		s.ref[0][5], s.mv[5] = refAbsent, vector{}
		if s.x+1 < len(s.above) && s.addr+1-s.Address >= len(s.above) {
			next := &s.above[s.x+1]
			s.ref[0][5], s.mv[5] = next.ref[0][0], next.mv[0]
		}
		if s.hasTop {
			copy(s.mv[1:5], c.mv[:])
		} else {
			clear(s.mv[1:5])
		}
		if !s.hasLeft {
			s.mv[8], s.mv[16], s.mv[24], s.mv[32] = vector{}, vector{}, vector{}, vector{}
		}
	}
	for l := range s.lists {
		ref, mvd := &s.ref[l], &s.mvd[l]
		if s.hasTop {
			copy(ref[1:5], c.ref[l][:])
			copy(mvd[1:5], c.mvd[l][:])
		} else {
			ref[1], ref[2], ref[3], ref[4] = refAbsent, refAbsent, refAbsent, refAbsent
			clear(mvd[1:5])
		}
		if !s.hasLeft {
			ref[8], ref[16], ref[24], ref[32] = refAbsent, refAbsent, refAbsent, refAbsent
			mvd[8], mvd[16], mvd[24], mvd[32] = difference{}, difference{}, difference{}, difference{}
		}
	}
}

// spread shows one reference and vector, of which nothing is coded, to the neighbours that
// follow.
func (s *slice) spread(ref int8, v vector) {
	c := &s.above[s.x]
	for l := range s.lists {
		r, mvd := &s.ref[l], &s.mvd[l]
		c.ref[l] = [4]int8{ref, ref, ref, ref}
		r[8], r[16], r[24], r[32] = ref, ref, ref, ref
		c.mvd[l] = [4]difference{}
		mvd[8], mvd[16], mvd[24], mvd[32] = difference{}, difference{}, difference{}, difference{}
	}
	c.mv = [4]vector{v, v, v, v}
	s.mv[8], s.mv[16], s.mv[24], s.mv[32] = v, v, v, v
}

// endMotion shows the blocks to the neighbours that follow.
func (s *slice) endMotion() {
	c := &s.above[s.x]
	for l := range s.lists {
		ref, mvd := &s.ref[l], &s.mvd[l]
		copy(c.ref[l][:], ref[33:37])
		copy(c.mvd[l][:], mvd[33:37])
		ref[8], ref[16], ref[24], ref[32] = ref[12], ref[20], ref[28], ref[36]
		mvd[8], mvd[16], mvd[24], mvd[32] = mvd[12], mvd[20], mvd[28], mvd[36]
	}
	copy(c.mv[:], s.mv[33:37])
	s.mv[8], s.mv[16], s.mv[24], s.mv[32] = s.mv[12], s.mv[20], s.mv[28], s.mv[36]
}

// skipVector is the vector of a macroblock that a P slice skips, H.264 8.4.1.1.
func (s *slice) skipVector() vector {
	if !s.hasLeft || !s.hasTop || s.still(placeY-1) || s.still(placeY-stride) {
		return vector{}
	}
	return s.median(placeY, 4, 0)
}

func (s *slice) still(at int) bool { return s.ref[0][at] == 0 && s.mv[at] == vector{} }

// later marks the places, by the width of a partition there, to whose upper right is a
// block that is parsed later than the partition.
var later = [5]uint64{
	1: 1<<18 | 1<<20 | 1<<28 | 1<<34 | 1<<36,
	2: 1<<17 | 1<<19 | 1<<27 | 1<<33 | 1<<35,
	4: 1 << 25,
}

// corner returns the place of neighbour C of a partition, or of D if C is not available
// (H.264 8.4.1.3.2).
func (m *motion) corner(at, wide int) int {
	c := at - stride + wide
	if later[wide]>>at&1 != 0 || m.ref[0][c] == refAbsent {
		return at - stride - 1
	}
	return c
}

// predict is what the neighbours let expect of the vector of a partition, H.264 8.4.1.3.
func (m *motion) predict(at, wide, high int) vector {
	ref := m.ref[0][at]
	switch {
	case wide == 4 && high == 2 && at == placeY && m.ref[0][at-stride] == ref:
		return m.mv[at-stride]
	case (wide == 4 && high == 2 && at != placeY || wide == 2 && high == 4 && at == placeY) && m.ref[0][at-1] == ref:
		return m.mv[at-1]
	case wide == 2 && high == 4 && at != placeY:
		if c := m.corner(at, wide); m.ref[0][c] == ref {
			return m.mv[c]
		}
	}
	return m.median(at, wide, ref)
}

func (m *motion) median(at, wide int, ref int8) vector {
	at1, at2, at3 := at-1, at-stride, m.corner(at, wide)
	a, b, c := m.mv[at1], m.mv[at2], m.mv[at3]
	refA, refB, refC := m.ref[0][at1], m.ref[0][at2], m.ref[0][at3]
	if refB == refAbsent && refC == refAbsent && refA != refAbsent {
		return a
	}
	switch isA, isB, isC := refA == ref, refB == ref, refC == ref; {
	case isA && !isB && !isC:
		return a
	case isB && !isA && !isC:
		return b
	case isC && !isA && !isB:
		return c
	}
	return vector{middle(a.x, b.x, c.x), middle(a.y, b.y, c.y)}
}

func middle(a, b, c int16) int16 { return max(min(a, b), min(max(a, b), c)) }

// partition is a part of a macroblock that has references of its own.
type partition struct {
	at, wide, high uint8 // in blocks of 4x4 pixels
	lists          uint8 // of its references: bit 0 is list 0, bit 1 list 1
	divided        uint8 // how a sub-macroblock is: see divisions
}

// divisions are the partitions of sub-macroblocks, with places relative to theirs: 8x8,
// 8x4, 4x8, 4x4.
var divisions = [4][]partition{
	{{wide: 2, high: 2}},
	{{wide: 2, high: 1}, {at: stride, wide: 2, high: 1}},
	{{wide: 1, high: 2}, {at: 1, wide: 1, high: 2}},
	{{wide: 1, high: 1}, {at: 1, wide: 1, high: 1}, {at: stride, wide: 1, high: 1}, {at: stride + 1, wide: 1, high: 1}},
}

// subB are how sub-macroblocks of B slices are divided and the lists of their references,
// by sub_mb_type (H.264 table 7-18). The first is B_Direct_8x8.
var subB = [13][2]uint8{{0, 0}, {0, 1}, {0, 2}, {0, 3}, {1, 1}, {2, 1}, {1, 2}, {2, 2}, {1, 3}, {2, 3}, {3, 1}, {3, 2}, {3, 3}}

// inter parses mb_pred or sub_mb_pred, H.264 7.3.5.1 and 7.3.5.2, of a type from 1 up, and
// returns whether there are partitions smaller than 8x8 pixels.
func (s *slice) inter(t int) (small bool) {
	var parts [4]partition
	n := 2
	switch {
	case t < mbHalves:
		s.block.Kind = Inter16x16
		parts[0] = partition{at: placeY, wide: 4, high: 4, lists: uint8(t)}
		n = 1
	case t >= mb8x8:
		s.block.Kind = Inter8x8
		n = 4
		for i := range parts {
			divided, lists := uint8(s.subType()), uint8(1)
			if s.Kind == kindB {
				divided, lists = subB[divided][0], subB[divided][1]
				small = small || lists == 0 && !s.SPS.Direct8x8
			}
			small = small || divided > 0
			parts[i] = partition{places[i*4], 2, 2, lists, divided}
		}
	default:
		two := halves[(t-mbHalves)/2]
		if t&1 == 0 {
			s.block.Kind = Inter16x8
			parts[0] = partition{at: placeY, wide: 4, high: 2, lists: two[0]}
			parts[1] = partition{at: placeY + 2*stride, wide: 4, high: 2, lists: two[1]}
		} else {
			s.block.Kind = Inter8x16
			parts[0] = partition{at: placeY, wide: 2, high: 4, lists: two[0]}
			parts[1] = partition{at: placeY + 2, wide: 2, high: 4, lists: two[1]}
		}
	}
	for l := range s.lists {
		for _, p := range parts[:n] {
			s.reference(l, p, t == mb8x8One)
		}
	}
	for l := range s.lists {
		if s.cabac {
			for at := placeY; at < placeY+4*stride; at += stride {
				clear(s.mvd[l][at : at+4])
			}
		}
		for _, p := range parts[:n] {
			if p.lists>>l&1 == 0 {
				continue
			}
			if n < 4 {
				s.vector(l, p)
				continue
			}
			for _, d := range divisions[p.divided] {
				d.at += p.at
				s.vector(l, d)
			}
		}
	}
	if s.Kind == kindP || s.cabac {
		s.endMotion()
	}
	return small
}

// subType parses sub_mb_type.
func (s *slice) subType() int {
	switch {
	case !s.cabac && s.Kind == kindP:
		return s.r.UE(3)
	case !s.cabac:
		return s.r.UE(12)
	case s.Kind == kindP:
		return s.arith.subTypeP()
	}
	return s.arith.subTypeB()
}

// reference parses ref_idx of a partition for a list; first says that it is 0.
func (s *slice) reference(l int, p partition, first bool) {
	ref, n := refIntra, s.Refs[l]
	if p.lists>>l&1 != 0 {
		switch ref = 0; {
		case n == 1 || first:
		case s.cabac:
			ref = s.refCABAC(l, int(p.at))
		case n == 2:
			ref = 1 - int(s.r.U(1))
		default:
			ref = s.r.UE(31)
		}
		if ref >= n {
			s.r.Bad = true
		}
	}
	if s.Kind != kindP && !s.cabac {
		return
	}
	for y := range p.high {
		row := s.ref[l][p.at+y*stride:][:p.wide]
		for x := range row {
			row[x] = int8(ref)
		}
	}
}

// vector parses mvd_l0 or mvd_l1 of a partition.
func (s *slice) vector(l int, p partition) {
	at := int(p.at)
	var x, y int
	if s.cabac {
		x, y = s.differenceCABAC(l, at)
		d := difference{uint8(min(abs(x), 255)), uint8(min(abs(y), 255))}
		for i := range int(p.high) {
			row := s.mvd[l][at+i*stride:][:p.wide]
			for j := range row {
				row[j] = d
			}
		}
	} else {
		x, y = s.r.SE(), s.r.SE()
	}
	s.block.Change = max(s.block.Change, uint16(min(max(abs(x), abs(y)), 0xffff)))
	if s.Kind != kindP {
		return
	}
	v := s.predict(at, int(p.wide), int(p.high))
	v.x += int16(x)
	v.y += int16(y)
	s.block.Motion = max(s.block.Motion, v.size())
	for i := range int(p.high) {
		row := s.mv[at+i*stride:][:p.wide]
		for j := range row {
			row[j] = v
		}
	}
}

func abs(x int) int { return max(x, -x) }
