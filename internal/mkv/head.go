package mkv

import (
	"encoding/binary"
	"math/bits"
)

// IDs of the elements that a file of clusters is made of.
const (
	IDEBML        = idEBML
	IDSegment     = idSegment
	IDInfo        = idInfo
	IDTracks      = idTracks
	IDCluster     = idCluster
	IDCues        = idCues
	IDTimestamp   = idTimestamp
	IDSimpleBlock = idSimpleBlock
	IDVoid        = idVoid
)

// MaxHead is the most bytes that a Head takes.
const MaxHead = 12

// Head is the head of an element.
type Head struct {
	ID   uint32
	Len  int   // bytes of the head itself
	Size int64 // of the contents; -1 if it is unknown
}

// ParseHead reads an element's head from the front of b, and reports false if b does not
// begin with a whole one.
func ParseHead(b []byte) (Head, bool) {
	if len(b) == 0 || b[0] < 0x10 { // IDs have at most four bytes
		return Head{}, false
	}
	idWidth := bits.LeadingZeros8(b[0]) + 1
	if idWidth > len(b) {
		return Head{}, false
	}
	var h Head
	for _, x := range b[:idWidth] {
		h.ID = h.ID<<8 | uint32(x)
	}
	size, width, unknown := vint(b[idWidth:])
	if h.Size = int64(size); unknown { // 56 bits at most
		h.Size = unknownSize
	}
	h.Len = idWidth + width
	return h, width > 0
}

// ParseBlock reads the head of a SimpleBlock's contents as AppendBlock writes it, and its length. It
// reports false of another one, such as one with lacing.
func ParseBlock(b []byte) (number uint8, relative int16, key bool, n int, ok bool) {
	if len(b) < 4 || b[0] < 0x81 || b[3]&lacing != 0 {
		return 0, 0, false, 0, false
	}
	return b[0] & 0x7f, int16(binary.BigEndian.Uint16(b[1:])), b[3]&flagKey != 0, 4, true
}

// AppendVoid appends the head of a Void, whose contents of size bytes are to follow.
func AppendVoid(dst []byte, size int) []byte { return appendHead(dst, idVoid, size) }
