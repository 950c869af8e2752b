package bitstream

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

var startCode = []byte{0, 0, 1}

// Split appends the NAL units of an Annex B buffer to dst. They are parts of
// annexB, without start codes and without zero bytes at their end (a NAL unit
// never ends in one). What stands before the first start code is passed over,
// as are empty NAL units. With room in dst it does not allocate.
func Split(dst [][]byte, annexB []byte) [][]byte {
	i := bytes.Index(annexB, startCode)
	for i >= 0 {
		annexB = annexB[i+3:]
		nalu := annexB
		if i = bytes.Index(annexB, startCode); i >= 0 {
			nalu = annexB[:i]
		}
		if nalu = trimZeros(nalu); len(nalu) > 0 {
			dst = append(dst, nalu)
		}
	}
	return dst
}

// Head appends the NAL units of an Annex B access unit to dst up to the first that
// carries a piece of the picture, whose end is not looked for: it is all that is
// left. They say whether the picture is a key frame and hold its parameter sets.
func (c Codec) Head(dst [][]byte, annexB []byte) [][]byte {
	for i := bytes.Index(annexB, startCode); i >= 0; {
		annexB = annexB[i+3:]
		if c.IsVCL(annexB) {
			return append(dst, annexB[:len(annexB):len(annexB)])
		}
		nalu := annexB
		if i = bytes.Index(annexB, startCode); i >= 0 {
			nalu = annexB[:i]
		}
		if nalu = trimZeros(nalu); len(nalu) > 0 {
			dst = append(dst, nalu)
		}
	}
	return dst
}

// trimZeros cuts trailing zero bytes, and the capacity with them so that
// appending to the result does not write over what follows.
func trimZeros(b []byte) []byte {
	n := len(b)
	for n > 0 && b[n-1] == 0 {
		n--
	}
	return b[:n:n]
}

// SplitPrefixed appends the NAL units of a length-prefixed buffer to dst, each
// length being lengthSize (1 to 4) bytes, most significant first. They are
// parts of b; empty ones are passed over. If b ends inside a NAL unit it returns
// the whole ones and an error.
func SplitPrefixed(dst [][]byte, b []byte, lengthSize int) ([][]byte, error) {
	if lengthSize < 1 || lengthSize > 4 {
		return dst, fmt.Errorf("bitstream: NAL unit length of %d bytes; 1 to 4 are possible", lengthSize)
	}
	for off := 0; off < len(b); {
		if len(b)-off < lengthSize {
			return dst, fmt.Errorf("bitstream: %d bytes after the last NAL unit, too few for a length", len(b)-off)
		}
		var n uint64
		for _, x := range b[off : off+lengthSize] {
			n = n<<8 | uint64(x)
		}
		off += lengthSize
		if n > uint64(len(b)-off) {
			return dst, fmt.Errorf("bitstream: NAL unit of %d bytes at offset %d of an access unit of %d bytes", n, off, len(b))
		}
		end := off + int(n)
		if n > 0 {
			dst = append(dst, b[off:end:end])
		}
		off = end
	}
	return dst, nil
}

// AppendAnnexB appends the NAL units to dst, each after a four-byte start code.
func AppendAnnexB(dst []byte, nalus [][]byte) []byte {
	for _, n := range nalus {
		dst = append(dst, 0, 0, 0, 1)
		dst = append(dst, n...)
	}
	return dst
}

// AppendPrefixed appends the NAL units to dst, each after its length in four
// bytes.
func AppendPrefixed(dst []byte, nalus [][]byte) []byte {
	for _, n := range nalus {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(n)))
		dst = append(dst, n...)
	}
	return dst
}

// Framing is how the NAL units of an access unit are told apart.
type Framing uint8

// The framings.
const (
	UnknownFraming Framing = iota
	AnnexB                 // start codes
	LengthPrefixed         // lengths of four bytes
)

// Detect tells how an access unit is framed. A start code can be read as a length as
// well, of 1 or of 256 to 511 bytes; a buffer is length-prefixed if all lengths add up to
// the whole of it. One NAL unit of a single byte after a start code is Annex B.
func Detect(b []byte) Framing {
	zeros := len(b) - len(bytes.TrimLeft(b, "\x00"))
	switch {
	case wholePrefixed(b) && len(b) > 5:
		return LengthPrefixed
	case zeros >= 2 && zeros < len(b) && b[zeros] == 1:
		return AnnexB
	}
	return UnknownFraming
}

// wholePrefixed reports whether b is NAL units with lengths of four bytes, not all of
// them empty.
func wholePrefixed(b []byte) bool {
	some := false
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		n := uint64(binary.BigEndian.Uint32(b))
		if n > uint64(len(b)-4) || n > 0 && b[4]&0x80 != 0 { // forbidden_zero_bit
			return false
		}
		some = some || n > 0
		b = b[4+n:]
	}
	return some
}
