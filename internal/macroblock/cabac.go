package macroblock

import (
	"encoding/binary"
	"math/bits"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

// arith is the arithmetic decoding engine of CABAC, H.264 9.3.3.2.
//
// value holds codIOffset with further bits of the data below it, as many as more says. A
// renormalization thus moves nothing but makes more smaller.
type arith struct {
	b     []byte // with padding
	pos   int    // in b, of what value does not hold
	value uint64
	size  uint64 // codIRange, 256 to 510
	more  int
	bins  int                 // decoded with a context since the picture began
	ctx   [contextCount]uint8 // pStateIdx<<1 | valMPS
	bad   bool
}

// after holds the states that follow a state, after the most probable symbol and, in the
// upper half, after the other one.
var after = func() (t [256]uint8) {
	for state := range uint8(64) {
		for mps := range uint8(2) {
			i := state<<1 | mps
			t[i] = min(state+1, 62)<<1 | mps
			if state == 0 {
				t[128|i] = 1 - mps
			} else {
				t[128|i] = lpsState[state]<<1 | mps
			}
		}
	}
	return t
}()

// begin begins the data of a slice, behind cabac_alignment_one_bits.
func (a *arith) begin(r *reader, h *bitstream.SliceHeader) {
	table := &contextInit[0]
	if h.Kind != kindI {
		table = &contextInit[h.CABACInit+1]
	}
	for i, mn := range table {
		state := min(max(int(mn[0])*h.QP>>4+int(mn[1]), 1), 126)
		if state < 64 {
			a.ctx[i] = uint8(63-state) << 1
		} else {
			a.ctx[i] = uint8(state-64)<<1 | 1
		}
	}
	for r.Pos&7 != 0 {
		if !r.Flag() {
			r.Bad = true
		}
	}
	a.bad = false
	a.restart(r)
}

// restart initializes the engine at r, whose position is that of a byte.
func (a *arith) restart(r *reader) {
	a.b, a.pos = r.Data, r.Pos>>3
	a.value, a.size, a.more = 0, 510, -9
	a.refill()
}

func (a *arith) refill() {
	a.value <<= 48
	a.more += 48
	if a.pos > len(a.b)-8 {
		a.bad = true
		return
	}
	a.value |= binary.BigEndian.Uint64(a.b[a.pos:]) >> 16
	a.pos += 6
}

// position is where the engine has read to, in bits.
func (a *arith) position() int { return a.pos*8 - a.more }

// bin decodes a bin with a context, H.264 9.3.3.2.1.
func (a *arith) bin(i int) int {
	a.bins++
	state := a.ctx[i]
	lps := uint64(lpsRange[uint8(a.size&0xc0)|state>>1])
	size := a.size - lps
	scaled := size << (uint(a.more) & 63)
	other := uint64(int64(scaled-1-a.value) >> 63) // all ones if it is not the most probable symbol
	a.value -= scaled & other
	size += (lps - size) & other
	state |= uint8(other) & 128
	a.ctx[i] = after[state]
	n := bits.LeadingZeros16(uint16(size)) - 7
	a.size = size << (uint(n) & 7)
	if a.more -= n; a.more < 0 {
		a.refill()
	}
	return int(state&1 ^ state>>7)
}

// bypass decodes a bin of even odds, H.264 9.3.3.2.3.
func (a *arith) bypass() int {
	if a.more == 0 {
		a.refill()
	}
	a.more--
	if scaled := a.size << (uint(a.more) & 63); a.value >= scaled {
		a.value -= scaled
		return 1
	}
	return 0
}

// terminate decodes a bin that ends a slice or announces samples, H.264 9.3.3.2.2.3. If it
// does, position is behind the last bit of the coding.
func (a *arith) terminate() bool {
	a.size -= 2
	if a.value >= a.size<<(uint(a.more)&63) {
		return true
	}
	if a.size < 256 {
		a.size <<= 1
		if a.more--; a.more < 0 {
			a.refill()
		}
	}
	return false
}

// golomb decodes the end of a binarization UEGk (H.264 9.3.2.3) and returns it.
func (a *arith) golomb(k int) int {
	n := 0
	for a.bypass() == 1 {
		n += 1 << k
		if k++; k > 20 {
			a.bad = true
			return 0
		}
	}
	for k--; k >= 0; k-- {
		n += a.bypass() << k
	}
	return n
}

// The contexts of coefficients by kind of block, ctxIdxOffset and ctxBlockCatOffset in one.
var (
	ctxBlock       = [5]int{85, 89, 93, 97, 101}
	ctxSignificant = [6]int{105, 120, 134, 149, 152, 280}
	ctxLast        = [6]int{166, 181, 195, 210, 213, 295}
	ctxLevel       = [6]int{227, 237, 247, 257, 266, 304}
	blockSize      = [5]int{16, 15, 16, 4, 15}
)

// block parses residual_block_cabac with its coded_block_flag, and returns the flag.
func (a *arith) block(cat, inc int) bool {
	if a.bin(ctxBlock[cat]+inc) == 0 {
		return false
	}
	a.coefficients(cat)
	return true
}

// coefficients parses residual_block_cabac behind coded_block_flag, H.264 7.3.5.3.3.
func (a *arith) coefficients(cat int) {
	significant, last := ctxSignificant[cat], ctxLast[cat]
	n := 0
	if cat == luma8x8 {
		for i, inc := range significant8x8 {
			if a.bin(significant+int(inc)) == 1 {
				n++
				if a.bin(last+int(last8x8[i])) == 1 {
					a.levels(cat, n)
					return
				}
			}
		}
	} else {
		for i := range blockSize[cat] - 1 {
			if a.bin(significant+i) == 1 {
				n++
				if a.bin(last+i) == 1 {
					a.levels(cat, n)
					return
				}
			}
		}
	}
	a.levels(cat, n+1)
}

// levels parses coeff_abs_level_minus1 and coeff_sign_flag of n coefficients.
func (a *arith) levels(cat, n int) {
	first := ctxLevel[cat]
	one := first + 1    // context of the first bin: more for each 1 so far, least once there was more
	larger := first + 5 // of the further bins: more for each level above 1
	for range n {
		if a.bin(one) == 0 {
			if one > first && one < first+4 {
				one++
			}
		} else {
			level := 1
			for level < 14 && a.bin(larger) == 1 {
				level++
			}
			if level == 14 {
				a.golomb(0)
			}
			one = first
			larger = min(larger+1, first+9)
		}
		a.bypass()
	}
}
