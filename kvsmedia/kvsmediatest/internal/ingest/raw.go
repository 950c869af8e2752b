package ingest

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// maxRaw bounds what a rawReader keeps, in bytes.
const maxRaw = mkv.MaxBlock + 1<<20

// Element IDs with their marker bits, RFC 9559 section 5.1.
const (
	idSegment = 0x18538067
	idCluster = 0x1f43b675
	idTags    = 0x1254c367
)

// rawReader keeps what is read through it until it is taken, so that elements
// can be stored as they came. A reader of Matroska holds at most one element and
// its own buffer.
type rawReader struct {
	r     io.Reader
	buf   []byte
	taken int64 // bytes
	read  int64
	err   error
}

func (r *rawReader) Read(p []byte) (int, error) {
	if len(r.buf) > maxRaw {
		r.err = nil
		return 0, fmt.Errorf("an element of more than %d bytes", maxRaw)
	}
	n, err := r.r.Read(p)
	r.buf = append(r.buf, p[:n]...)
	r.read += int64(n)
	r.err = err
	return n, err
}

// take returns what was read up to an offset in the stream and not taken yet. It
// is valid until the next Read.
func (r *rawReader) take(offset int64) []byte {
	n := int(offset - r.taken)
	b := r.buf[:n:n]
	r.taken = offset
	r.buf = r.buf[n:]
	return b
}

// head reads an element's ID and size from the front of b, and how many bytes
// they have; 0 if b does not begin with an element.
func head(b []byte) (id uint32, size uint64, unknown bool, width int) {
	if len(b) == 0 {
		return 0, 0, false, 0
	}
	idWidth := bits.LeadingZeros8(b[0]) + 1
	if idWidth > 4 || len(b) <= idWidth {
		return 0, 0, false, 0
	}
	for _, x := range b[:idWidth] {
		id = id<<8 | uint32(x)
	}
	sizeWidth := bits.LeadingZeros8(b[idWidth]) + 1
	if sizeWidth > 8 || len(b) < idWidth+sizeWidth {
		return 0, 0, false, 0
	}
	for _, x := range b[idWidth : idWidth+sizeWidth] {
		size = size<<8 | uint64(x)
	}
	mask := uint64(1)<<(7*sizeWidth) - 1
	size &= mask
	return id, size, size == mask, idWidth + sizeWidth
}

// split returns the elements before the first one of an ID, and the rest.
func split(b []byte, id uint32) (before, rest []byte) {
	for at := 0; at < len(b); {
		found, size, unknown, width := head(b[at:])
		if found == id {
			return b[:at], b[at:]
		}
		if width == 0 || unknown || size > uint64(len(b)-at-width) {
			break
		}
		at += width + int(size)
	}
	return b, nil
}

// openSegment returns the beginning of a document with the size of its segment
// made unknown, as only a part of it is to follow.
func openSegment(b []byte) []byte {
	before, segment := split(b, idSegment)
	_, _, unknown, width := head(segment)
	if width == 0 || unknown {
		return b
	}
	out := append([]byte(nil), before...)
	out = binary.BigEndian.AppendUint32(out, idSegment)
	out = append(out, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	return append(out, segment[width:]...)
}
