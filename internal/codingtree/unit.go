package codingtree

import (
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/macroblock"
)

// partMode is PartMode: how a coding unit is divided for prediction.
type partMode uint8

const (
	part2Nx2N partMode = iota
	part2NxN
	partNx2N
	partNxN
	partUneven // 2NxnU, 2NxnD, nLx2N, nRx2N
)

// quadtree parses coding_quadtree, H.265 7.3.8.4.
func (s *slice) quadtree(x, y, log2, depth int) {
	size := 1 << log2
	split := log2 > s.tree.MinCB
	if split && x+size <= s.tree.Width && y+size <= s.tree.Height {
		inc := 0
		if int(s.left[y>>2&15].depth) > depth {
			inc++
		}
		if int(s.above[x>>2].depth) > depth {
			inc++
		}
		split = s.Bin(ctxSplit+inc) == 1
	}
	if depth == 0 || s.pps.DeltaQP && log2 >= s.tree.CTB-s.pps.DeltaDepth {
		s.group(x, y)
	}
	if !split {
		s.unit(x, y, log2, depth)
		return
	}
	half := size / 2
	for i := range 4 {
		if u, v := x+i&1*half, y+i>>1*half; u < s.tree.Width && v < s.tree.Height {
			s.quadtree(u, v, log2-1, depth+1)
		}
	}
}

// unit parses coding_unit, H.265 7.3.8.5.
func (s *slice) unit(x, y, log2, depth int) {
	s.x, s.y, s.log2 = x, y, log2
	s.intra, s.coded, s.parts, s.change = s.Kind == bitstream.KindI, false, part2Nx2N, 0
	if !s.deltaQP {
		s.qp = s.groupQP
	}
	s.bypassed = s.pps.Bypass && s.Bin(ctxBypass) == 1
	kind := macroblock.Inter16x16
	u := unit{mode: dc, depth: uint8(depth)}
	if !s.intra && s.Bin(ctxSkip+int(s.left[y>>2&15].skip)+int(s.above[x>>2].skip)) == 1 {
		s.mergeIdx()
		kind, u.skip = macroblock.Skipped, 1
	} else {
		if !s.intra {
			s.intra = s.Bin(ctxPredMode) == 1
		}
		if !s.intra || log2 == s.tree.MinCB {
			s.parts = s.partition(log2)
		}
		if s.intra {
			kind = macroblock.Intra16x16
			if s.parts == part2Nx2N && s.tree.PCM && log2 >= s.tree.PCMMin && log2 <= s.tree.PCMMax && s.Terminate() {
				kind, s.coded = macroblock.IntraPCM, true
				s.pcm(log2)
			} else {
				s.modes(x, y, log2)
				s.transforms(s.tree.IntraDepth)
			}
		} else if merged := s.predict(depth); merged || s.Bin(ctxRoot) == 1 {
			s.transforms(s.tree.InterDepth)
		}
	}
	u.qp = int8(s.qp)
	over, beside := s.above[x>>2:(x+1<<log2)>>2], s.left[y>>2&15:][:1<<log2>>2]
	if s.intra && kind == macroblock.Intra16x16 { // their modes are there
		for i := range over {
			u.mode = over[i].mode
			over[i] = u
			u.mode = beside[i].mode
			beside[i] = u
		}
	} else {
		for i := range over {
			over[i], beside[i] = u, u
		}
	}
	s.share(x, y, log2)
	s.show(kind)
	if s.counted != nil {
		s.counted(log2, kind, s.parts)
	}
}

// mergeIdx parses merge_idx.
func (s *slice) mergeIdx() {
	if s.Merge > 1 && s.Bin(ctxMergeIdx) == 1 {
		s.Unary(s.Merge - 2)
	}
}

// partition parses part_mode, H.265 9.3.3.7.
func (s *slice) partition(log2 int) partMode {
	if s.Bin(ctxPart) == 1 {
		return part2Nx2N
	}
	if s.intra {
		return partNxN
	}
	wide := s.Bin(ctxPart+1) == 1
	switch {
	case log2 == s.tree.MinCB:
		if !wide && log2 > 3 && s.Bin(ctxPart+2) == 0 {
			return partNxN
		}
	case s.tree.AMP && s.Bin(ctxPart+3) == 0:
		s.Bypass()
		return partUneven
	}
	if wide {
		return part2NxN
	}
	return partNx2N
}

// predict parses the prediction units of an inter coding unit, H.265 7.3.8.6, and reports
// whether it is one that is merged, which always has a residual.
func (s *slice) predict(depth int) bool {
	n := 2
	if s.parts == part2Nx2N {
		n = 1
	} else if s.parts == partNxN {
		n = 4
	}
	merged := false
	for range n {
		if merged = s.Bin(ctxMerge) == 1; merged {
			s.mergeIdx()
			continue
		}
		lists := 1
		if s.Kind == bitstream.KindB {
			lists = s.direction(depth)
		}
		for i := range 2 {
			if lists>>i&1 == 0 {
				continue
			}
			s.reference(s.Refs[i])
			if i == 0 || !s.ZeroMVD || lists != 3 {
				s.difference()
			}
			s.Bin(ctxMVP)
		}
	}
	return merged && n == 1
}

// direction parses inter_pred_idc and returns the lists as bits.
func (s *slice) direction(depth int) int {
	if small := s.log2 == 3 && s.parts != part2Nx2N; !small && s.Bin(ctxDirection+depth) == 1 {
		return 3
	}
	return 1 + s.Bin(ctxDirection+4)
}

// reference parses ref_idx_l0 or ref_idx_l1.
func (s *slice) reference(n int) {
	for i := 0; i < n-1; i++ {
		switch {
		case i < 2:
			if s.Bin(ctxRef+i) == 0 {
				return
			}
		case s.Bypass() == 0:
			return
		}
	}
}

// difference parses mvd_coding, H.265 7.3.8.9.
func (s *slice) difference() {
	var size [2]int
	for i := range size {
		size[i] = s.Bin(ctxMVD)
	}
	for i := range size {
		if size[i] > 0 {
			size[i] += s.Bin(ctxMVD + 1)
		}
	}
	for _, n := range size {
		if n == 0 {
			continue
		}
		if n == 2 {
			n += s.Golomb(1)
		}
		s.Bypass() // mvd_sign_flag
		s.change = max(s.change, n)
	}
}

// modes parses how blocks are predicted from within, and derives the modes: H.265 8.4.2.
func (s *slice) modes(x, y, log2 int) {
	n, size := 1, 1<<log2
	if s.parts == partNxN {
		n, size = 4, size/2
	}
	var likely [4]bool
	for i := range n {
		likely[i] = s.Bin(ctxIntraLuma) == 1
	}
	for i := range n {
		u, v := (x+i&1*size)>>2, (y+i>>1*size)>>2&15
		m := s.mode(s.left[v].mode, s.above[u].mode, likely[i])
		s.lumaMode[i] = m
		for k := range size >> 2 {
			s.left[v+k].mode, s.above[u+k].mode = m, m
		}
	}
	s.chromaMode = s.lumaMode[0]
	if s.Bin(ctxIntraChroma) == 1 {
		m := [4]uint8{planar, vertical, horizontal, dc}[s.Number(2)]
		if m == s.chromaMode {
			m = 34
		}
		s.chromaMode = m
	}
}

// mode parses mpm_idx or rem_intra_luma_pred_mode; a and b are the neighbours' modes.
func (s *slice) mode(a, b uint8, likely bool) uint8 {
	var c [3]uint8
	switch {
	case a != b:
		c = [3]uint8{a, b, planar}
		if a == planar || b == planar {
			c[2] = dc
			if a == dc || b == dc {
				c[2] = vertical
			}
		}
	case a < 2:
		c = [3]uint8{planar, dc, vertical}
	default:
		c = [3]uint8{a, 2 + (a+29)%32, 2 + (a-2+1)%32}
	}
	if likely {
		return c[s.Unary(2)]
	}
	m := uint8(s.Number(5))
	if c[0] > c[1] {
		c[0], c[1] = c[1], c[0]
	}
	if c[0] > c[2] {
		c[0], c[2] = c[2], c[0]
	}
	if c[1] > c[2] {
		c[1], c[2] = c[2], c[1]
	}
	for _, other := range c {
		if m >= other {
			m++
		}
	}
	return m
}

// pcm passes over pcm_sample, H.265 7.3.8.7.
func (s *slice) pcm(log2 int) {
	bits := s.tree.PCMBits[0]<<(2*log2) + s.tree.PCMBits[1]<<(2*log2-1)
	at := (s.Position()+7)&^7 + bits
	if at > s.end {
		s.Bad = true
		return
	}
	s.Restart(s.data, (at+7)/8)
}

// share adds the bits since the last time to the blocks of 16x16 pixels in a square, as many
// to each.
func (s *slice) share(x, y, log2 int) {
	at := s.Position()
	bits := at - s.mark
	s.mark = at
	d := s.dst
	if log2 <= 4 {
		b := &d.Blocks[y>>4*d.Width+x>>4]
		b.Bits = uint16(min(int(b.Bits)+bits, 0xffff))
		return
	}
	n := 1 << (log2 - 4)
	each := uint16(min((bits+n*n/2)>>(2*(log2-4)), 0xffff))
	for v := y >> 4; v < y>>4+n; v++ {
		for u := x >> 4; u < x>>4+n; u++ {
			b := &d.Blocks[v*d.Width+u]
			b.Bits = uint16(min(int(b.Bits)+int(each), 0xffff))
		}
	}
}

// show tells the blocks that a coding unit is in of it.
func (s *slice) show(kind macroblock.Kind) {
	d := s.dst
	n := max(1<<s.log2>>4, 1)
	for v := s.y >> 4; v < s.y>>4+n; v++ {
		for u := s.x >> 4; u < s.x>>4+n; u++ {
			b := &d.Blocks[v*d.Width+u]
			b.Kind = max(b.Kind, kind) // they are in that order
			b.QP = uint8(min(max(s.qp, 0), 51))
			b.Coded = b.Coded || s.coded
			b.Change = max(b.Change, uint16(min(s.change, 0xffff)))
			b.Motion = b.Change
		}
	}
}
