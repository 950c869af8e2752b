package bitstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
)

var errBits = errors.New("ends early or holds a number out of range")

// bitReader reads bits, most significant first. After the first failure it
// returns zeros; the caller looks at err once, at the end.
type bitReader struct {
	b   []byte
	pos int // in bits
	bad bool
}

func (r *bitReader) err() error {
	if r.bad {
		return errBits
	}
	return nil
}

// newRBSP returns a reader of a NAL unit's payload: without its header and
// without emulation prevention bytes (H.264 7.3.1, H.265 7.3.1.1).
func newRBSP(nalu []byte, header int) *bitReader {
	b := nalu[min(header, len(nalu)):]
	if bytes.Contains(b, emulation) {
		raw := make([]byte, len(b))
		b = raw[:unescape(raw, b)]
	}
	return &bitReader{b: b}
}

// unescape copies b to dst without its emulation prevention bytes, as much of it as dst
// has room for, and returns how many bytes that are.
func unescape(dst, b []byte) (n int) {
	zeros := 0
	for _, x := range b {
		if zeros >= 2 && x == 3 {
			zeros = 0
			continue
		}
		if n == len(dst) {
			break
		}
		if zeros++; x != 0 {
			zeros = 0
		}
		dst[n] = x
		n++
	}
	return n
}

// u reads n bits, at most 32.
func (r *bitReader) u(n int) (v uint32) {
	if r.bad || n > len(r.b)*8-r.pos {
		r.bad = true
		return 0
	}
	if word, ok := r.word(); ok {
		r.pos += n
		return uint32(word >> (64 - n))
	}
	for n > 0 {
		left := 8 - r.pos&7 // bits of the byte
		take := min(n, left)
		v = v<<take | uint32(r.b[r.pos>>3])>>(left-take)&(1<<take-1)
		r.pos, n = r.pos+take, n-take
	}
	return v
}

// word returns the next 57 bits or more in the upper part of a word, if there are so many.
func (r *bitReader) word() (uint64, bool) {
	at := r.pos >> 3
	if at+8 > len(r.b) {
		return 0, false
	}
	return binary.BigEndian.Uint64(r.b[at:]) << (r.pos & 7), true
}

func (r *bitReader) flag() bool { return r.u(1) != 0 }

func (r *bitReader) skip(n int) {
	if r.bad || n < 0 || n > len(r.b)*8-r.pos {
		r.bad = true
		return
	}
	r.pos += n
}

// ue reads an unsigned Exp-Golomb number (H.264 9.1) of at most limit.
func (r *bitReader) ue(limit uint32) int {
	if word, ok := r.word(); ok && !r.bad {
		if zeros := bits.LeadingZeros64(word); zeros <= 28 { // 57 bits
			v := uint32(word>>(63-2*zeros)) - 1
			if r.pos += 2*zeros + 1; v > limit {
				r.bad = true
				return 0
			}
			return int(v)
		}
	}
	zeros := 0
	for !r.bad && !r.flag() {
		zeros++
	}
	if zeros > 31 {
		r.bad = true
	}
	v := uint32(1)<<(zeros&31) - 1 + r.u(zeros&31)
	if r.bad || v > limit {
		r.bad = true
		return 0
	}
	return int(v)
}

// se reads a signed Exp-Golomb number of any size.
func (r *bitReader) se() int {
	v := r.ue(1<<31 - 1)
	if v&1 == 0 {
		return -v / 2
	}
	return v/2 + 1
}
