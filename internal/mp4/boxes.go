package mp4

import "encoding/binary"

// box is a buffer that boxes are appended to.
type box []byte

// open begins a box, whose size close fills in.
func (b *box) open(kind string) (at int) {
	at = len(*b)
	b.u32(0)
	*b = append(*b, kind...)
	return at
}

// full begins a full box.
func (b *box) full(kind string, version uint8, flags uint32) (at int) {
	at = b.open(kind)
	b.u32(uint32(version)<<24 | flags)
	return at
}

func (b *box) close(at int) { binary.BigEndian.PutUint32((*b)[at:], uint32(len(*b)-at)) }

func (b *box) u8(v uint8)   { *b = append(*b, v) }
func (b *box) u16(v uint16) { *b = binary.BigEndian.AppendUint16(*b, v) }
func (b *box) u32(v ...uint32) {
	for _, x := range v {
		*b = binary.BigEndian.AppendUint32(*b, x)
	}
}
func (b *box) u64(v uint64) { *b = binary.BigEndian.AppendUint64(*b, v) }
func (b *box) zeros(n int)  { *b = append(*b, make([]byte, n)...) }

func (b *box) data(kind string, data []byte) {
	at := b.open(kind)
	*b = append(*b, data...)
	b.close(at)
}

// matrix is the transformation that changes nothing.
func (b *box) matrix() { b.u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000) }

// descriptor appends a descriptor of MPEG-4 systems, ISO/IEC 14496-1, 8.3.3.
func (b *box) descriptor(tag uint8, contents box) {
	b.u8(tag)
	n := len(contents)
	*b = append(*b, 0x80|byte(n>>21), 0x80|byte(n>>14), 0x80|byte(n>>7), byte(n)&0x7f)
	*b = append(*b, contents...)
}
