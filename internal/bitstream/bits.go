package bitstream

import (
	"bytes"
	"errors"
)

var errBits = errors.New("ends early or holds a number out of range")

// bitReader reads bits, most significant first. After the first failure it
// returns zeros; the caller looks at err once, at the end.
type bitReader struct {
	b   []byte
	pos int // in bits
	err error
}

// newRBSP returns a reader of a NAL unit's payload: without its header and
// without emulation prevention bytes (H.264 7.3.1, H.265 7.3.1.1).
func newRBSP(nalu []byte, header int) *bitReader {
	b := nalu[min(header, len(nalu)):]
	if bytes.Contains(b, []byte{0, 0, 3}) {
		raw := make([]byte, 0, len(b))
		zeros := 0
		for _, x := range b {
			if zeros >= 2 && x == 3 {
				zeros = 0
				continue
			}
			if x == 0 {
				zeros++
			} else {
				zeros = 0
			}
			raw = append(raw, x)
		}
		b = raw
	}
	return &bitReader{b: b}
}

// u reads n bits, at most 32.
func (r *bitReader) u(n int) (v uint32) {
	if r.err != nil || n > len(r.b)*8-r.pos {
		r.err = errBits
		return 0
	}
	for range n {
		v = v<<1 | uint32(r.b[r.pos/8]>>(7-r.pos%8)&1)
		r.pos++
	}
	return v
}

func (r *bitReader) flag() bool { return r.u(1) != 0 }

func (r *bitReader) skip(n int) {
	if r.err != nil || n < 0 || n > len(r.b)*8-r.pos {
		r.err = errBits
		return
	}
	r.pos += n
}

// ue reads an unsigned Exp-Golomb number (H.264 9.1) of at most limit.
func (r *bitReader) ue(limit uint32) int {
	zeros := 0
	for r.err == nil && !r.flag() {
		zeros++
	}
	if zeros > 31 {
		r.err = errBits
	}
	v := uint32(1)<<(zeros&31) - 1 + r.u(zeros&31)
	if r.err != nil || v > limit {
		r.err = errBits
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
