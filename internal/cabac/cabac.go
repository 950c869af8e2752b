// Package cabac is the arithmetic decoding engine that H.264 (9.3.3.2) and H.265 (9.3.4.3) have
// in common. What the bins mean, and which context each has, is in packages macroblock and
// codingtree. Its double is package cabactest, an encoder.
package cabac

import (
	"encoding/binary"
	"math/bits"
)

// Contexts is how many contexts a Decoder has: as many as macroblock uses, codingtree uses less.
const Contexts = 314

// MaxBins returns how many bins the slices of a picture may have, by their bytes and its blocks
// of 16x16 pixels: what H.264 (7.4.2.10) and H.265 (7.4.3.10) allow, but with twice the bytes, as
// x264 exceeds that at fine quantisers. It bounds the work for a picture: some hundred bins can
// come of a byte.
func MaxBins(bytes, blocks int) int { return 2*bytes*32/3 + blocks*3072/32 }

// Decoder decodes the data of a slice. The zero value waits for SetContext and Restart.
//
// value holds the offset into the range with further bits of the data below it, as many as more
// says. A renormalization thus moves nothing but makes more smaller.
type Decoder struct {
	Bins int             // decoded with a context, since it was set to 0
	Bad  bool            // the data ended too early, or a number is too large; it stays until it is set to false
	Ctx  [Contexts]uint8 // pStateIdx<<1 | valMPS

	b     []byte // with padding
	pos   int    // in b, of what value does not hold
	value uint64
	size  uint64 // of the range, 256 to 510
	more  int
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

// Code returns the part of a range that the less probable symbol of a context has, and the
// contexts that follow the more and the less probable one.
func Code(size int, ctx uint8) (less int, afterMore, afterLess uint8) {
	return int(lpsRange[uint8(size&0xc0)|ctx>>1]), after[ctx], after[ctx|128]
}

// SetContext begins a context with preCtxState, which is clipped (H.264 9.3.1.1, H.265 9.3.2.2).
func (d *Decoder) SetContext(i, state int) {
	if state = min(max(state, 1), 126); state < 64 {
		d.Ctx[i] = uint8(63-state) << 1
	} else {
		d.Ctx[i] = uint8(state-64)<<1 | 1
	}
}

// Restart begins to decode b at a byte. At least eight bytes of padding follow the data in b.
func (d *Decoder) Restart(b []byte, at int) {
	d.b, d.pos = b, at
	d.value, d.size, d.more = 0, 510, -9
	d.refill()
}

func (d *Decoder) refill() {
	d.value <<= 48
	d.more += 48
	if d.pos > len(d.b)-8 {
		d.Bad = true
		return
	}
	d.value |= binary.BigEndian.Uint64(d.b[d.pos:]) >> 16
	d.pos += 6
}

// Position is where the decoder has read to, in bits.
func (d *Decoder) Position() int { return d.pos*8 - d.more }

// Bin decodes a bin with a context, H.264 9.3.3.2.1.
func (d *Decoder) Bin(i int) int {
	d.Bins++
	state := d.Ctx[i]
	lps := uint64(lpsRange[uint8(d.size&0xc0)|state>>1])
	size := d.size - lps
	scaled := size << (uint(d.more) & 63)
	other := uint64(int64(scaled-1-d.value) >> 63) // all ones if it is not the most probable symbol
	d.value -= scaled & other
	size += (lps - size) & other
	state |= uint8(other) & 128
	d.Ctx[i] = after[state]
	n := bits.LeadingZeros16(uint16(size)) - 7
	d.size = size << (uint(n) & 7)
	if d.more -= n; d.more < 0 {
		d.refill()
	}
	return int(state&1 ^ state>>7)
}

// Bypass decodes a bin of even odds, H.264 9.3.3.2.3.
func (d *Decoder) Bypass() int {
	if d.more == 0 {
		d.refill()
	}
	d.more--
	if scaled := d.size << (uint(d.more) & 63); d.value >= scaled {
		d.value -= scaled
		return 1
	}
	return 0
}

// Number decodes n bins of even odds, the highest first.
func (d *Decoder) Number(n int) (v int) {
	for range n {
		v = v<<1 | d.Bypass()
	}
	return v
}

// Unary decodes ones of even odds up to a zero, at most limit.
func (d *Decoder) Unary(limit int) (n int) {
	for n < limit && d.Bypass() == 1 {
		n++
	}
	return n
}

// Golomb decodes an Exp-Golomb code of order k in bins of even odds (H.264 9.3.2.3, H.265
// 9.3.3.5).
func (d *Decoder) Golomb(k int) (n int) {
	for d.Bypass() == 1 {
		n += 1 << k
		if k++; k > 20 {
			d.Bad = true
			return 0
		}
	}
	return n + d.Number(k)
}

// Terminate decodes a bin that ends data or announces samples, H.264 9.3.3.2.2.3. If it does,
// Position is behind the last bit of the coding.
func (d *Decoder) Terminate() bool {
	d.size -= 2
	if d.value >= d.size<<(uint(d.more)&63) {
		return true
	}
	if d.size < 256 {
		d.size <<= 1
		if d.more--; d.more < 0 {
			d.refill()
		}
	}
	return false
}
