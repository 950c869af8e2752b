package codingtree

import (
	"encoding/binary"
	"math/bits"
)

// arith is the arithmetic decoding engine, H.265 9.3.4.3.
//
// value holds ivlOffset with further bits of the data below it, as many as more says. A
// renormalization thus moves nothing but makes more smaller.
type arith struct {
	b     []byte // with padding
	pos   int    // in b, of what value does not hold
	value uint64
	size  uint64 // ivlCurrRange, 256 to 510
	more  int
	ctx   [contexts]uint8 // pStateIdx<<1 | valMps
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

// restart initializes the engine at a byte.
func (a *arith) restart(at int) {
	a.pos = at
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

// bin decodes a bin with a context, H.265 9.3.4.3.2.
func (a *arith) bin(i int) int {
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

// bypass decodes a bin of even odds, H.265 9.3.4.3.4.
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

// number decodes n bins of even odds.
func (a *arith) number(n int) (v int) {
	for range n {
		v = v<<1 | a.bypass()
	}
	return v
}

// unary decodes ones up to a zero, at most limit, of even odds.
func (a *arith) unary(limit int) (n int) {
	for n < limit && a.bypass() == 1 {
		n++
	}
	return n
}

// golomb decodes the binarization EGk, H.265 9.3.3.5.
func (a *arith) golomb(k int) (n int) {
	for a.bypass() == 1 {
		n += 1 << k
		if k++; k > 20 {
			a.bad = true
			return 0
		}
	}
	return n + a.number(k)
}

// terminate decodes a bin that ends data or announces samples, H.265 9.3.4.3.5. If it does,
// position is behind the last bit of the coding.
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
