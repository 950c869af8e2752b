package macroblock

// Types of macroblocks. P slices have those of B slices that are the same to them.
const (
	mbDirect = 0  // B_Direct_16x16; up to 3: one partition, with the lists as a number
	mbHalves = 4  // B_L0_L0_16x8; up to 21: two, one above the other if even
	mb8x8    = 22 // B_8x8
	mb8x8One = 23 // P_8x8ref0
	mbIntra  = 32 // I_NxN; up to 56: Intra_16x16
	mbPCM    = mbIntra + 25
)

// typesP are the types of P slices by mb_type (H.264 table 7-13).
var typesP = [5]uint8{1, 4, 5, mb8x8, mb8x8One}

// halves are the lists of the two partitions of types from mbHalves on, by half of what a
// type is above it (H.264 table 7-14): bit 0 is list 0, bit 1 list 1.
var halves = [9][2]uint8{{1, 1}, {2, 2}, {1, 2}, {2, 1}, {1, 3}, {2, 3}, {3, 1}, {3, 2}, {3, 3}}

// macroblock parses macroblock_layer, H.264 7.3.5.
func (s *slice) macroblock() {
	*s.block = Block{}
	t := s.mbType()
	if s.intra = t >= mbIntra; !s.intra {
		s.beginBlocks()
		s.interMacroblock(t)
		return
	}
	if s.Kind == kindP || s.Kind == kindB && s.cabac {
		s.spread(refIntra, vector{})
	}
	if t == mbPCM {
		s.pcm()
		return
	}
	if !s.hasLeft {
		s.leftPat |= patternAllDC
	}
	if !s.hasTop {
		s.topPat |= patternAllDC
	}
	s.beginBlocks()
	s.intraMacroblock(t)
}

func (s *slice) mbType() int {
	if s.cabac {
		return s.mbTypeCABAC()
	}
	t := s.r.UE(48)
	switch {
	case s.Kind == kindP && t < 5:
		return int(typesP[t])
	case s.Kind == kindB && t <= mb8x8:
		return t
	case s.Kind == kindP:
		t -= 5
	case s.Kind == kindB:
		t -= 23
	}
	if t > 25 {
		s.r.Bad = true
		t = 25
	}
	return mbIntra + t
}

// pcm passes over the samples of an I_PCM macroblock.
func (s *slice) pcm() {
	if s.cabac {
		s.r.Pos = s.arith.Position()
	}
	if s.r.Pos = (s.r.Pos+7)&^7 + 384*8; s.r.Pos > s.r.End {
		s.r.Bad = true
		s.r.Pos = s.r.End
	}
	if s.cabac {
		s.arith.Restart(s.r.Data, s.r.Pos>>3)
	}
	s.block.Kind, s.block.Coded = IntraPCM, true
	s.deltaQP = false
	s.fill(16)
	s.end(traitCoded|traitNotDirect|traitNotNxN, patternPCM)
}

func (s *slice) intraMacroblock(t int) {
	has := traitCoded | traitNotDirect
	var p pattern
	if t == mbIntra {
		s.block.Kind = IntraNxN
		modes := 16
		if s.PPS.Transform8x8 && s.transformFlag() {
			has |= traitLarge
			modes = 4
		}
		for range modes {
			s.predMode()
		}
	} else {
		s.block.Kind = Intra16x16
		has |= traitNotNxN
		t -= mbIntra + 1
		p = pattern(t / 4 % 3 << 4)
		if t >= 12 {
			p |= 0xf
		}
	}
	if s.chromaMode() {
		has |= traitChromaMode
	}
	if s.block.Kind == IntraNxN {
		p = s.codedPattern()
	}
	s.residual(has, p)
}

// interMacroblock parses one that is predicted from other pictures.
func (s *slice) interMacroblock(t int) {
	has := traitCoded
	large := s.PPS.Transform8x8 // transform_size_8x8_flag may come
	if t == mbDirect {
		s.block.Kind = Direct
		large = large && s.SPS.Direct8x8
		if s.cabac {
			s.spread(0, vector{})
		}
	} else {
		has |= traitNotDirect
		small := s.inter(t)
		large = large && !small
	}
	p := s.codedPattern()
	if large && p&0xf != 0 && s.transformFlag() {
		has |= traitLarge
	}
	s.residual(has, p)
}

// Kinds of residual blocks: ctxBlockCat (H.264 table 9-42).
const (
	lumaDC = iota
	lumaAC
	luma4x4
	chromaDC
	chromaAC
	luma8x8
)

// residual parses mb_qp_delta and residual, H.264 7.3.5.3, and ends the macroblock.
func (s *slice) residual(has traits, p pattern) {
	s.block.Coded = p != 0
	whole := s.block.Kind == Intra16x16
	if p == 0 && !whole {
		s.deltaQP = false
		s.endBlocks()
		s.end(has, 0)
		return
	}
	s.quantiser()
	cat := luma4x4
	if whole {
		cat = lumaAC
		if s.dcBlock(lumaDC, 0) {
			p |= patternDC
			s.block.Coded = true
		}
	}
	for i := range 4 {
		switch {
		case p>>i&1 == 0:
		case has&traitLarge != 0 && s.cabac:
			s.block8x8(int(places[i*4]))
		default:
			for _, at := range places[i*4 : i*4+4] {
				s.block4x4(cat, int(at))
			}
		}
	}
	if p>>4&3 != 0 {
		for i := range 2 {
			if s.dcBlock(chromaDC, i+1) {
				p |= patternDC << (i + 1)
			}
		}
	}
	if p>>4&3 == 2 {
		for _, at := range [8]int{49, 50, 57, 58, 53, 54, 61, 62} {
			s.block4x4(chromaAC, at)
		}
	}
	s.endBlocks()
	s.end(has, p)
}

// quantiser parses mb_qp_delta.
func (s *slice) quantiser() {
	var d int
	if s.cabac {
		d = s.deltaCABAC()
	} else {
		d = s.r.SE()
	}
	s.deltaQP = d != 0
	if s.QP += d; s.QP < 0 {
		s.QP += 52
	} else if s.QP > 51 {
		s.QP -= 52
	}
	if s.QP < 0 || s.QP > 51 { // mb_qp_delta is -26 to 25
		s.r.Bad = true
		s.QP = 0
	}
}

// dcBlock parses DC coefficients, of luma (0), Cb or Cr, and returns whether there are some.
func (s *slice) dcBlock(cat, component int) bool {
	if s.cabac {
		flag := patternDC << component
		inc := 0
		if s.leftPat&flag != 0 {
			inc = 1
		}
		if s.topPat&flag != 0 {
			inc += 2
		}
		return s.arith.block(cat, inc)
	}
	if cat == chromaDC {
		return s.r.chromaDC() > 0
	}
	return s.r.block(s.expected(placeY), 16) > 0
}

// block4x4 parses 15 or 16 coefficients of the block at a place.
func (s *slice) block4x4(cat, at int) {
	if s.cabac {
		mask := uint8(absent - 1)
		if s.intra {
			mask = 0xff
		}
		inc := 0
		if s.nz[at-1]&mask != 0 {
			inc = 1
		}
		if s.nz[at-stride]&mask != 0 {
			inc += 2
		}
		if s.arith.block(cat, inc) {
			s.nz[at] = 1
		}
		return
	}
	size := 16
	if cat != luma4x4 {
		size = 15
	}
	s.nz[at] = uint8(s.r.block(s.expected(at), size))
}

// expected is nC, H.264 9.2.1: how many coefficients the neighbours let expect.
func (s *slice) expected(at int) int {
	n := int(s.nz[at-1]) + int(s.nz[at-stride])
	if n < absent {
		return (n + 1) / 2
	}
	return n & (absent/2 - 1) // of the one that is there
}

// block8x8 parses 64 coefficients, with CABAC.
func (s *slice) block8x8(at int) {
	s.arith.coefficients(luma8x8)
	s.nz[at], s.nz[at+1], s.nz[at+stride], s.nz[at+stride+1] = 1, 1, 1, 1
}
