package mp4

import (
	"encoding/binary"
	"errors"
)

var errDamaged = errors.New("its index is damaged")

// cursor reads big-endian numbers from a box. Past the end it reads zeros and remembers it.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.short = nil, true
		return make([]byte, min(max(n, 0), 64))
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) u8() byte    { return c.take(1)[0] }
func (c *cursor) u16() uint16 { return binary.BigEndian.Uint16(c.take(2)) }
func (c *cursor) u32() uint32 { return binary.BigEndian.Uint32(c.take(4)) }
func (c *cursor) u64() uint64 { return binary.BigEndian.Uint64(c.take(8)) }

// number reads 64 or 32 bits.
func (c *cursor) number(wide bool) uint64 {
	if wide {
		return c.u64()
	}
	return uint64(c.u32())
}

// full reads the version and the flags of a full box.
func (c *cursor) full() (version uint8, flags uint32) {
	v := c.u32()
	return uint8(v >> 24), v & 0xffffff
}

// table returns a cursor over the entries of a full box and their number, and checks that they are there.
func table(box []byte, entry int) (*cursor, int) {
	c := &cursor{b: box}
	c.full()
	n := int64(c.u32())
	if n*int64(entry) > int64(len(c.b)) {
		return &cursor{short: true}, 0
	}
	return c, int(n)
}

// boxes calls f for each box in b, the children of a box or sample entry.
func boxes(b []byte, f func(kind string, body []byte) error) error {
	for len(b) >= 8 {
		c := &cursor{b: b}
		size, kind, head := uint64(c.u32()), string(c.take(4)), uint64(8)
		switch size {
		case 0:
			size = uint64(len(b))
		case 1:
			size, head = c.u64(), 16
		}
		if size < head || size > uint64(len(b)) {
			return errDamaged
		}
		if err := f(kind, b[head:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}
