package codingtree

const (
	scanDiagonal = iota
	scanHorizontal
	scanVertical
)

// scan is an order of places in a square, H.265 6.5.3 to 6.5.5: x and y of each, and back.
type scan struct {
	x, y [64]uint8
	of   [8][8]uint8 // by y, x
}

// scans are those of squares of a side of 1, 2, 4 and 8, by scanIdx.
var scans = func() (t [4][3]scan) {
	for i := range t {
		side := 1 << i
		n := 0
		for sum := range 2*side - 1 {
			for x := range side {
				if y := sum - x; y >= 0 && y < side {
					t[i][scanDiagonal].put(n, x, y)
					n++
				}
			}
		}
		for n := range side * side {
			t[i][scanHorizontal].put(n, n%side, n/side)
			t[i][scanVertical].put(n, n/side, n%side)
		}
	}
	return t
}()

func (s *scan) put(n, x, y int) {
	s.x[n], s.y[n], s.of[y][x] = uint8(x), uint8(y), uint8(n)
}

// significantOf is sigCtx of a place in a sub-block, by which of the sub-blocks to the right
// (1) and below (2) are coded, H.265 9.3.4.2.5; significant4 is that in blocks of 4x4.
var (
	significantOf = func() (t [4][4][4]uint8) {
		for y := range 4 {
			for x := range 4 {
				t[0][y][x] = [7]uint8{2, 1, 1, 0, 0, 0, 0}[x+y]
				t[1][y][x] = [4]uint8{2, 1, 0, 0}[y]
				t[2][y][x] = [4]uint8{2, 1, 0, 0}[x]
				t[3][y][x] = 2
			}
		}
		return t
	}()
	significant4 = [4][4]uint8{{0, 1, 4, 5}, {2, 3, 4, 5}, {6, 6, 8, 8}, {7, 7, 8, 8}}
)

// last parses last_sig_coeff_x_prefix or _y_prefix.
func (s *slice) last(ctx, log2, chroma int) int {
	offset, shift := 15, log2-2
	if chroma == 0 {
		offset, shift = 3*(log2-2)+(log2-1)>>2, (log2+1)>>2
	}
	n := 0
	for n < 2*log2-1 && s.Bin(ctx+offset+n>>shift) == 1 {
		n++
	}
	return n
}

// lastSuffix parses the suffix, if there is one, and returns the whole.
func (s *slice) lastSuffix(prefix int) int {
	if prefix < 4 {
		return prefix
	}
	n := prefix>>1 - 1
	return 1<<n*(2+prefix&1) + s.Number(n)
}

// residual parses residual_coding, H.265 7.3.8.11, of luma (0) or chroma (1).
func (s *slice) residual(log2, chroma, order int) {
	if s.pps.TransformSkip && !s.bypassed && log2 == 2 {
		s.Bin(ctxDirect + chroma)
	}
	x, y := s.last(ctxLastX, log2, chroma), s.last(ctxLastY, log2, chroma)
	x = s.lastSuffix(x)
	y = s.lastSuffix(y)
	if order == scanVertical {
		x, y = y, x
	}
	groups, places := &scans[log2-2][order], &scans[2][order]
	last := int(groups.of[y>>2&7][x>>2&7])
	from := int(places.of[y&3][x&3])
	var coded [9]uint16 // sub-blocks, a bit for each x
	offset, dcOffset := 21, 0
	switch {
	case chroma == 1 && log2 == 3:
		offset = 27 + 9
	case chroma == 1:
		offset = 27 + 12
	case log2 == 3 && order == scanDiagonal:
		offset = 9
	case log2 == 3:
		offset = 15
	}
	if chroma == 1 {
		dcOffset = 27
	}
	carried := 1 // greater1Ctx that the sub-block before ended with
	for i := last; i >= 0; i-- {
		gx, gy := groups.x[i]&7, groups.y[i]&7
		near := int(coded[gy]>>(gx+1)&1) | int(coded[gy+1]>>gx&1)<<1
		infer := false // that the first coefficient is not 0, if all others are
		var found [16]uint8
		n, top := 0, 15
		if i == last {
			found[0], n, top = uint8(from), 1, from-1
		} else if i > 0 {
			if s.Bin(ctxGroup+2*chroma+min(near, 1)) == 0 {
				continue
			}
			infer = true
		}
		coded[gy] |= 1 << gx
		base := ctxSignificant + offset
		if chroma == 0 && i > 0 {
			base += 3
		}
		table := &significantOf[near]
		if log2 == 2 {
			base, table = ctxSignificant+dcOffset, &significant4
		}
		for k := top; k > 0; k-- {
			if s.Bin(base+int(table[places.y[k]&3][places.x[k]&3])) == 1 {
				found[n&15] = uint8(k)
				n++
			}
		}
		switch {
		case top < 0:
		case infer && n == 0:
			n = 1
		default:
			ctx := base + int(table[0][0])
			if i == 0 {
				ctx = ctxSignificant + dcOffset
			}
			if s.Bin(ctx) == 1 {
				found[n&15] = 0
				n++
			}
		}
		if n > 0 {
			carried = s.levels(&found, n, i, chroma, carried)
		}
	}
}

// levels parses the levels of n coefficients of sub-block i, whose places are found, and
// returns greater1Ctx as it is then.
func (s *slice) levels(found *[16]uint8, n, i, chroma, carried int) int {
	set := 2
	if i == 0 || chroma == 1 {
		set = 0
	}
	if carried == 0 {
		set++
	}
	ctx := ctxAbove1 + 16*chroma + 4*set
	one := 1
	var level [16]uint8
	above := -1 // the first above 1
	flags := min(n, 8)
	for k := range flags {
		level[k] = 1
		if s.Bin(ctx+one) == 1 {
			level[k] = 2
			if one = 0; above < 0 {
				above = k
			}
		} else if one > 0 && one < 3 {
			one++
		}
	}
	if above >= 0 && s.Bin(ctxAbove2+4*chroma+set) == 1 {
		level[above&15] = 3
	}
	signs := n
	if s.pps.SignHiding && !s.bypassed && found[0] > found[(n-1)&15]+3 {
		signs--
	}
	s.Number(signs)
	rice := 0
	for k := range n {
		base := 1
		if k < flags {
			if base = 2; k == above {
				base = 3
			}
			if int(level[k&15]) < base {
				continue
			}
		}
		if base += s.remaining(rice); base > 3<<rice {
			rice = min(rice+1, 4)
		}
	}
	return one
}

// remaining parses coeff_abs_level_remaining, H.265 9.3.3.11.
func (s *slice) remaining(rice int) int {
	n := s.Unary(32)
	if n <= 3 {
		return n<<rice + s.Number(rice)
	}
	if n == 32 {
		s.Bad = true
		return 0
	}
	return (1<<(n-3)+3-1)<<rice + s.Number(n-3+rice)
}
