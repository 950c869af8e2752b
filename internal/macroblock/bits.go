package macroblock

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
)

// padding is how many zero bytes stand behind the data of a reader, so that words can be
// loaded to its end.
const padding = 16

var (
	emulation = []byte{0, 0, 3}
	pad       [padding]byte
)

// unescape replaces what dst holds by the payload of a NAL unit: without its header and
// its emulation prevention bytes (H.264 7.3.1), with padding.
func unescape(dst, nalu []byte) []byte {
	dst, nalu = dst[:0], nalu[1:]
	for {
		i := bytes.Index(nalu, emulation)
		if i < 0 {
			return append(append(dst, nalu...), pad[:]...)
		}
		dst, nalu = append(dst, nalu[:i+2]...), nalu[i+3:]
	}
}

// reader reads bits, most significant first. What it reads is arbitrary from the first
// failure on, which bad tells.
type reader struct {
	b   []byte // with padding
	pos int    // in bits
	end int    // of the data: the position of rbsp_stop_one_bit
	bad bool
}

// reset begins the payload b, which has padding.
func (r *reader) reset(b []byte) {
	*r = reader{b: b}
	for n := len(b) - padding; n > 0; n-- {
		if x := b[n-1]; x != 0 {
			r.end = n*8 - 1 - bits.TrailingZeros8(x)
			return
		}
	}
	r.bad = true
}

// more is more_rbsp_data.
func (r *reader) more() bool { return r.pos < r.end }

// ends reports whether the bit before pos is rbsp_stop_one_bit, in the last byte. Behind it
// x264 sets a bit that should be 0.
func (r *reader) ends(pos int) bool {
	pos--
	return pos>>3 == r.end>>3 && r.b[pos>>3]>>(7-pos&7)&1 == 1
}

// peek returns the next 57 bits or more in the upper part of a word.
func (r *reader) peek() uint64 {
	at := r.pos >> 3
	if uint(at) > uint(len(r.b)-8) {
		r.bad = true
		return 0
	}
	return binary.BigEndian.Uint64(r.b[at:]) << (r.pos & 7)
}

// u reads n bits, at most 32.
func (r *reader) u(n int) uint32 {
	v := uint32(r.peek() >> (64 - n))
	r.pos += n
	return v
}

func (r *reader) flag() bool { return r.u(1) != 0 }

// ue reads an unsigned Exp-Golomb number (H.264 9.1) of at most limit.
func (r *reader) ue(limit uint32) int {
	zeros := bits.LeadingZeros64(r.peek())
	if zeros > 31 {
		r.bad = true
		return 0
	}
	r.pos += zeros
	v := r.u(zeros+1) - 1
	if v > limit {
		r.bad = true
		return 0
	}
	return int(v)
}

// se reads a signed Exp-Golomb number of at most 16 bits.
func (r *reader) se() int {
	v := r.ue(math.MaxUint16 + 1)
	if v&1 == 0 {
		return -v / 2
	}
	return v/2 + 1
}

// skipGolomb passes over n Exp-Golomb numbers of any size.
func (r *reader) skipGolomb(n int) {
	for range n {
		r.ue(math.MaxUint32)
	}
}
