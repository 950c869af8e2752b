package bitstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// padding is how many zero bytes stand behind the data of a BitReader, so that words can be
// loaded to its end.
const padding = 16

var (
	emulation = []byte{0, 0, 3}
	pad       [padding]byte

	errBits = errors.New("ends early or holds a number out of range")
)

// BitReader reads bits, most significant first. What it reads is arbitrary from the first
// failure on, which Err tells at the end.
type BitReader struct {
	Data []byte // with zeros behind it
	Pos  int    // in bits
	End  int    // the position of rbsp_stop_one_bit
	Bad  bool   // a number was out of range, or much is read behind the data
}

// NewBitReader returns a reader of the payload of a NAL unit: of a copy of it in the place of
// buf, without emulation prevention bytes (H.264 7.3.1, H.265 7.3.1.1).
func NewBitReader(buf, payload []byte) BitReader { return readerOf(unescape(buf[:0], payload)) }

// unescape appends b to dst without its emulation prevention bytes.
func unescape(dst, b []byte) []byte {
	for {
		i := bytes.Index(b, emulation)
		if i < 0 {
			return append(dst, b...)
		}
		dst, b = append(dst, b[:i+2]...), b[i+3:]
	}
}

// readerOf returns a reader of data, which it extends.
func readerOf(data []byte) BitReader {
	r := BitReader{Data: append(data, pad[:]...), Bad: true}
	for n := len(data); n > 0 && r.Bad; n-- {
		if x := data[n-1]; x != 0 {
			r.End, r.Bad = n*8-1-bits.TrailingZeros8(x), false
		}
	}
	return r
}

// Err returns what is wrong with what was read.
func (r *BitReader) Err() error {
	if r.Bad || r.Pos > 8*(len(r.Data)-padding) {
		return errBits
	}
	return nil
}

// More is more_rbsp_data.
func (r *BitReader) More() bool { return r.Pos < r.End }

// Peek returns the next 57 bits or more in the upper part of a word.
func (r *BitReader) Peek() uint64 {
	at := r.Pos >> 3
	if uint(at) > uint(len(r.Data)-8) {
		r.Bad = true
		return 0
	}
	return binary.BigEndian.Uint64(r.Data[at:]) << (r.Pos & 7)
}

// U reads n bits, at most 32.
func (r *BitReader) U(n int) uint32 {
	v := uint32(r.Peek() >> (64 - n))
	r.Pos += n
	return v
}

// Flag reads a bit.
func (r *BitReader) Flag() bool { return r.U(1) != 0 }

// UE reads an unsigned Exp-Golomb number (H.264 9.1) of at most limit.
func (r *BitReader) UE(limit uint32) int {
	zeros := bits.LeadingZeros64(r.Peek())
	if zeros > 31 {
		r.Bad = true
		return 0
	}
	r.Pos += zeros
	v := r.U(zeros+1) - 1
	if v > limit {
		r.Bad = true
		return 0
	}
	return int(v)
}

// SE reads a signed Exp-Golomb number of at most 30 bits.
func (r *BitReader) SE() int {
	v := r.UE(1<<31 - 1)
	if v&1 == 0 {
		return -v / 2
	}
	return v/2 + 1
}

// skip passes over n bits.
func (r *BitReader) skip(n int) { r.Pos += n }

// skipGolomb passes over n Exp-Golomb numbers of any size.
func (r *BitReader) skipGolomb(n int) {
	for range n {
		r.UE(math.MaxUint32)
	}
}
