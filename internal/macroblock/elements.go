package macroblock

// Contexts of syntax elements, H.264 table 9-34: ctxIdxOffset.
const (
	ctxTypeI       = 3
	ctxSkipP       = 11
	ctxTypeP       = 14
	ctxIntraP      = 17
	ctxSubP        = 21
	ctxSkipB       = 24
	ctxTypeB       = 27
	ctxIntraB      = 32
	ctxSubB        = 36
	ctxDifferenceX = 40
	ctxDifferenceY = 47
	ctxReference   = 54
	ctxDeltaQP     = 60
	ctxChromaMode  = 64
	ctxModeFlag    = 68
	ctxMode        = 69
	ctxLuma        = 73
	ctxChroma      = 77
	ctxTransform   = 277 // 399
)

// skipFlag parses mb_skip_flag.
func (s *slice) skipFlag() bool {
	ctx := ctxSkipP
	if s.Kind == kindB {
		ctx = ctxSkipB
	}
	return s.arith.Bin(ctx+s.left.has(traitCoded)+s.top.has(traitCoded)) == 1
}

// mbTypeCABAC parses mb_type, H.264 tables 9-36 and 9-37.
func (s *slice) mbTypeCABAC() int {
	a := &s.arith
	switch {
	case s.Kind == kindB:
		return s.typeB()
	case s.Kind == kindI:
		if a.Bin(ctxTypeI+s.left.has(traitNotNxN)+s.top.has(traitNotNxN)) == 0 {
			return mbIntra
		}
		return a.wholeType(ctxTypeI+2, 1)
	case a.Bin(ctxTypeP) == 1:
		return a.intraType(ctxIntraP)
	case a.Bin(ctxTypeP+1) == 1:
		return mbHalves + 1 - a.Bin(ctxTypeP+3) // P_L0_L0_8x16, P_L0_L0_16x8
	case a.Bin(ctxTypeP+2) == 1:
		return mb8x8
	}
	return 1
}

func (s *slice) typeB() int {
	a := &s.arith
	if a.Bin(ctxTypeB+s.left.has(traitNotDirect)+s.top.has(traitNotDirect)) == 0 {
		return mbDirect
	}
	if a.Bin(ctxTypeB+3) == 0 {
		return 1 + a.Bin(ctxTypeB+5)
	}
	n := a.Bin(ctxTypeB + 4)
	for range 3 {
		n = n<<1 | a.Bin(ctxTypeB+5)
	}
	switch n {
	case 13:
		return a.intraType(ctxIntraB)
	case 14:
		return 11 // B_L1_L0_8x16
	case 15:
		return mb8x8
	}
	if n < 8 {
		return n + 3
	}
	return n<<1 | a.Bin(ctxTypeB+5) - 4
}

// intraType parses the suffix of mb_type in P and B slices.
func (a *arith) intraType(ctx int) int {
	if a.Bin(ctx) == 0 {
		return mbIntra
	}
	return a.wholeType(ctx, 0)
}

// wholeType parses what mb_type says of macroblocks other than I_NxN. In I slices, for
// which apart is 1, its last bins have contexts of their own.
func (a *arith) wholeType(ctx, apart int) int {
	if a.Terminate() {
		return mbPCM
	}
	t := mbIntra + 1 + 12*a.Bin(ctx+1)
	if a.Bin(ctx+2) == 1 {
		t += 4 + 4*a.Bin(ctx+2+apart)
	}
	t += 2 * a.Bin(ctx+3+apart)
	return t + a.Bin(ctx+3+2*apart)
}

// subTypeP parses sub_mb_type in P slices.
func (a *arith) subTypeP() int {
	switch {
	case a.Bin(ctxSubP) == 1:
		return 0
	case a.Bin(ctxSubP+1) == 0:
		return 1
	}
	return 3 - a.Bin(ctxSubP+2)
}

// subTypeB parses sub_mb_type in B slices, H.264 table 9-38.
func (a *arith) subTypeB() int {
	if a.Bin(ctxSubB) == 0 {
		return 0
	}
	if a.Bin(ctxSubB+1) == 0 {
		return 1 + a.Bin(ctxSubB+3)
	}
	t := 3
	if a.Bin(ctxSubB+2) == 1 {
		if a.Bin(ctxSubB+3) == 1 {
			return 11 + a.Bin(ctxSubB+3)
		}
		t = 7
	}
	t += 2 * a.Bin(ctxSubB+3)
	return t + a.Bin(ctxSubB+3)
}

// refCABAC parses ref_idx of a partition at a place.
func (s *slice) refCABAC(l, at int) int {
	ctx := 0
	if s.ref[l][at-1] > 0 {
		ctx = 1
	}
	if s.ref[l][at-stride] > 0 {
		ctx += 2
	}
	ref := 0
	for s.arith.Bin(ctxReference+ctx) == 1 {
		if ref++; ref >= s.Refs[l] {
			break
		}
		ctx = 4 + min(ref-1, 1)
	}
	return ref
}

// differenceCABAC parses mvd of a partition at a place.
func (s *slice) differenceCABAC(l, at int) (x, y int) {
	left, top := s.mvd[l][at-1], s.mvd[l][at-stride]
	x = s.arith.difference(ctxDifferenceX, int(left[0])+int(top[0]))
	y = s.arith.difference(ctxDifferenceY, int(left[1])+int(top[1]))
	return x, y
}

// difference parses a component; the neighbours' have sum.
func (a *arith) difference(ctx, sum int) int {
	inc := 0
	if sum > 2 {
		inc++
	}
	if sum > 32 {
		inc++
	}
	if a.Bin(ctx+inc) == 0 {
		return 0
	}
	n := 1
	for n < 9 && a.Bin(ctx+min(n+2, 6)) == 1 {
		n++
	}
	if n == 9 {
		n += a.Golomb(3)
	}
	if a.Bypass() == 1 {
		return -n
	}
	return n
}

// deltaCABAC parses mb_qp_delta.
func (s *slice) deltaCABAC() int {
	a, ctx := &s.arith, ctxDeltaQP
	if s.deltaQP {
		ctx++
	}
	n := 0
	for ; a.Bin(ctx) == 1; n++ {
		if n > 52 {
			a.Bad = true
			return 0
		}
		ctx = ctxDeltaQP + 2 + min(n, 1)
	}
	if n&1 == 0 {
		return -n / 2
	}
	return n/2 + 1
}

// transformFlag parses transform_size_8x8_flag.
func (s *slice) transformFlag() bool {
	if !s.cabac {
		return s.r.Flag()
	}
	return s.arith.Bin(ctxTransform+s.left.has(traitLarge)+s.top.has(traitLarge)) == 1
}

// predMode passes over the prediction mode of a block of an I_NxN macroblock.
func (s *slice) predMode() {
	if !s.cabac {
		if !s.r.Flag() {
			s.r.U(3)
		}
	} else if s.arith.Bin(ctxModeFlag) == 0 {
		for range 3 {
			s.arith.Bin(ctxMode)
		}
	}
}

// chromaMode parses intra_chroma_pred_mode and returns whether it is not 0.
func (s *slice) chromaMode() bool {
	if !s.cabac {
		return s.r.UE(3) != 0
	}
	a := &s.arith
	if a.Bin(ctxChromaMode+s.left.has(traitChromaMode)+s.top.has(traitChromaMode)) == 0 {
		return false
	}
	if a.Bin(ctxChromaMode+3) == 1 {
		a.Bin(ctxChromaMode + 3)
	}
	return true
}

// codedPattern parses coded_block_pattern.
func (s *slice) codedPattern() pattern {
	if s.cabac {
		return s.patternCABAC()
	}
	n := s.r.UE(47)
	if s.intra {
		return pattern(patternsIntra[n])
	}
	return pattern(patternsInter[n])
}

func (s *slice) patternCABAC() (p pattern) {
	a, left, top := &s.arith, int(^s.leftPat), int(^s.topPat)
	// Blocks without coefficients to the left count 1, those above 2.
	b0 := a.Bin(ctxLuma + left>>1&1 + top>>1&2)
	b1 := a.Bin(ctxLuma + 1 - b0 + top>>2&2)
	b2 := a.Bin(ctxLuma + left>>3&1 + 2 - 2*b0)
	b3 := a.Bin(ctxLuma + 1 - b2 + 2 - 2*b1)
	p = pattern(b0 | b1<<1 | b2<<2 | b3<<3)
	inc := 0
	if s.leftPat>>4&3 != 0 {
		inc = 1
	}
	if s.topPat>>4&3 != 0 {
		inc += 2
	}
	if a.Bin(ctxChroma+inc) == 0 {
		return p
	}
	inc = 4
	if s.leftPat>>4&3 == 2 {
		inc++
	}
	if s.topPat>>4&3 == 2 {
		inc += 2
	}
	return p | pattern(1+a.Bin(ctxChroma+inc))<<4
}
