package mkv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// unknownSize is the size of an element that ends where its parent or the
// stream ends, or where an element begins that it cannot hold.
const unknownSize = -1

// vint reads an EBML variable-size integer from the front of b: its width in
// bytes, 0 if b does not hold it whole or its first byte is 0; the value without
// the marker bit; and whether all value bits are ones.
func vint(b []byte) (v uint64, width int, ones bool) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0, false
	}
	width = bits.LeadingZeros8(b[0]) + 1
	if width > len(b) {
		return 0, 0, false
	}
	for _, x := range b[:width] {
		v = v<<8 | uint64(x)
	}
	mask := uint64(1)<<(7*width) - 1
	v &= mask
	return v, width, v == mask
}

// element is one EBML element that is in memory.
type element struct {
	id   uint32
	data []byte
}

// elements calls yield for each child in the contents of a master element, and
// stops at the first error.
func elements(b []byte, yield func(element) error) error {
	for len(b) > 0 {
		idWidth := bits.LeadingZeros8(b[0]) + 1
		if idWidth > 4 || idWidth > len(b) {
			return fmt.Errorf("mkv: invalid element ID in %x", b[:min(4, len(b))])
		}
		var id uint32
		for _, x := range b[:idWidth] {
			id = id<<8 | uint32(x)
		}
		size, width, unknown := vint(b[idWidth:])
		rest := b[idWidth+width:]
		if width == 0 || unknown || size > uint64(len(rest)) {
			return fmt.Errorf("mkv: element %#x does not fit into its parent", id)
		}
		if err := yield(element{id, rest[:size:size]}); err != nil {
			return err
		}
		b = rest[size:]
	}
	return nil
}

// uint returns an unsigned integer. Integers have at most eight bytes; more are
// cut off.
func (e element) uint() (v uint64) {
	for _, x := range e.data[:min(8, len(e.data))] {
		v = v<<8 | uint64(x)
	}
	return v
}

// int returns a signed integer.
func (e element) int() int64 {
	n := min(8, len(e.data))
	return int64(e.uint()<<(64-8*n)) >> (64 - 8*n)
}

// small returns an unsigned integer that is a count or a size in pixels, bits or
// the like; values beyond 31 bits become the greatest such.
func (e element) small() int { return int(min(e.uint(), math.MaxInt32)) }

func (e element) float() float64 {
	switch len(e.data) {
	case 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(e.data)))
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(e.data))
	}
	return 0
}

// string returns text up to a terminating zero.
func (e element) string() string {
	s, _, _ := bytes.Cut(e.data, []byte{0})
	return string(s)
}
