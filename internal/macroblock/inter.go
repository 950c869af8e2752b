package macroblock

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
			if s.kind == B {
				divided, lists = subB[divided][0], subB[divided][1]
				small = small || lists == 0 && !s.sps.direct8x8
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
	if s.kind == P || s.cabac {
		s.endMotion()
	}
	return small
}

// subType parses sub_mb_type.
func (s *slice) subType() int {
	switch {
	case !s.cabac && s.kind == P:
		return s.r.ue(3)
	case !s.cabac:
		return s.r.ue(12)
	case s.kind == P:
		return s.arith.subTypeP()
	}
	return s.arith.subTypeB()
}

// reference parses ref_idx of a partition for a list; first says that it is 0.
func (s *slice) reference(l int, p partition, first bool) {
	ref, n := refIntra, s.refs[l]
	if p.lists>>l&1 != 0 {
		switch ref = 0; {
		case n == 1 || first:
		case s.cabac:
			ref = s.refCABAC(l, int(p.at))
		case n == 2:
			ref = 1 - int(s.r.u(1))
		default:
			ref = s.r.ue(31)
		}
		if ref >= n {
			s.r.bad = true
		}
	}
	if s.kind != P && !s.cabac {
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
		x, y = s.r.se(), s.r.se()
	}
	s.block.Change = max(s.block.Change, uint16(min(max(abs(x), abs(y)), 0xffff)))
	if s.kind != P {
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
