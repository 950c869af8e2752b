package codingtree

// transforms parses the transform tree of the coding unit, which has so many levels below the
// first (max_transform_hierarchy_depth).
func (s *slice) transforms(depth int) {
	if s.depth = depth; s.intra && s.parts == partNxN {
		s.depth++
	}
	s.transformTree(s.x, s.y, s.log2, 0, 0, 3)
}

// transformTree parses transform_tree, H.265 7.3.8.8: part is blkIdx, and chroma is cbf_cb
// and cbf_cr of the tree above, as bits.
func (s *slice) transformTree(x, y, log2, depth, part, chroma int) {
	var split bool
	quarters := s.intra && s.parts == partNxN && depth == 0
	if log2 <= s.tree.MaxTB && log2 > s.tree.MinTB && depth < s.depth && !quarters {
		split = s.Bin(ctxSplitTU+5-log2) == 1
	} else {
		split = log2 > s.tree.MaxTB || quarters ||
			s.tree.InterDepth == 0 && !s.intra && s.parts != part2Nx2N && depth == 0
	}
	if log2 > 2 {
		above := chroma
		chroma = 0
		for i := range 2 {
			if above>>i&1 == 1 {
				chroma |= s.Bin(ctxChroma+depth) << i
			}
		}
	}
	if split {
		half := 1 << (log2 - 1)
		for i := range 4 {
			s.transformTree(x+i&1*half, y+i>>1*half, log2-1, depth+1, i, chroma)
		}
		return
	}
	luma := true
	if s.intra || depth > 0 || chroma != 0 {
		inc := 0
		if depth == 0 {
			inc = 1
		}
		luma = s.Bin(ctxLuma+inc) == 1
	}
	s.transformUnit(x, y, log2, depth, part, luma, chroma)
}

// transformUnit parses transform_unit, H.265 7.3.8.10.
func (s *slice) transformUnit(x, y, log2, depth, part int, luma bool, chroma int) {
	if !luma && chroma == 0 {
		return
	}
	s.coded = true
	s.quantiser()
	if luma {
		mode := s.lumaMode[0]
		if s.parts == partNxN && depth > 0 {
			// The quarter of the coding unit that it is in.
			half := s.log2 - 1
			mode = s.lumaMode[(x-s.x)>>half|(y-s.y)>>half<<1]
		}
		s.residual(log2, 0, s.scanOf(log2 <= 3, mode))
	}
	size := log2 - 1
	if log2 == 2 {
		size = 2
	}
	if log2 > 2 || part == 3 {
		for i := range 2 {
			if chroma>>i&1 == 1 {
				s.residual(size, 1, s.scanOf(size == 2, s.chromaMode))
			}
		}
	}
	s.share(x, y, log2)
}

// scanOf is scanIdx, H.265 7.4.9.11.
func (s *slice) scanOf(small bool, mode uint8) int {
	switch {
	case !s.intra || !small:
	case mode >= 6 && mode <= 14:
		return scanVertical
	case mode >= 22 && mode <= 30:
		return scanHorizontal
	}
	return scanDiagonal
}

// quantiser parses cu_qp_delta_abs and its sign, unless that was done in the quantization
// group.
func (s *slice) quantiser() {
	if !s.pps.DeltaQP || s.deltaQP {
		return
	}
	s.deltaQP = true
	delta := s.Bin(ctxDeltaQP)
	if delta == 1 {
		for delta < 5 && s.Bin(ctxDeltaQP+1) == 1 {
			delta++
		}
		if delta == 5 {
			delta += s.Golomb(0)
		}
		if s.Bypass() == 1 {
			delta = -delta
		}
	}
	more := 6 * (int(s.SPS.BitDepthLuma) - 8) // QpBdOffsetY
	if delta < -26-more/2 || delta > 25+more/2 {
		s.Bad = true
		return
	}
	s.qp = (s.qp+delta+52+2*more)%(52+more) - more
}

// group begins a quantization group, H.265 8.6.1.
func (s *slice) group(x, y int) {
	a, b, mask := s.qp, s.qp, 1<<s.tree.CTB-1
	if x&mask > 0 {
		a = int(s.left[y>>2&15].qp)
	}
	if y&mask > 0 {
		b = int(s.above[x>>2].qp)
	}
	s.deltaQP, s.groupQP = false, (a+b+1)>>1
}
