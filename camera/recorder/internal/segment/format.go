package segment

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// Magic numbers, at the beginning of the contents of our Voids.
const (
	magicHeader  = "smartcam"
	magicLabel   = "smclabel"
	magicTrailer = "smcblock"
	magicIndex   = "smcindex"
)

const (
	headerLen   = 8 + 2 + 8 + 16 + 16 + 2 + 4 // without the event
	trailerLen  = 8 + 16 + 4 + 4 + 4 + 4 + 8 + 4
	trailerSize = 2 + trailerLen // with the element's head
	clusterLen  = 4 + 4 + 4 + 4 + 4 + 1 + 1
	indexLen    = 8 + 16 + 4 + 4 + 8 + 4 + 4 + 4 // without clusters

	maxClusters = 1 << 16 // of a file
	maxHead     = 1 << 20 // bytes before the first cluster
	maxIndex    = indexLen + maxClusters*clusterLen + mkv.MaxHead
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// appendHeader appends the header's Void to file, all that stands before it. In every version
// it is the first element of the Segment, and begins with the magic number and the
// version; its last four bytes are the checksum of the file up to them.
func appendHeader(file []byte, h *Header) []byte {
	b := mkv.AppendVoid(file, headerLen+len(h.Event))
	b = append(b, magicHeader...)
	b = binary.BigEndian.AppendUint16(b, Version)
	b = binary.BigEndian.AppendUint64(b, h.Seq)
	b = append(append(b, h.Nonce[:]...), h.Clip[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.Event)))
	b = append(b, h.Event...)
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

// parseHeader reads the Void that ends file and has size bytes of contents.
func parseHeader(file []byte, size int) (h Header, err error) {
	b := file[len(file)-size:]
	if size < headerLen || string(b[:8]) != magicHeader ||
		binary.BigEndian.Uint32(b[size-4:]) != checksum(file[:len(file)-4]) {
		return h, ErrNone
	}
	if h.Version = int(binary.BigEndian.Uint16(b[8:])); h.Version > Version {
		return h, ErrForeign
	}
	h.Seq = binary.BigEndian.Uint64(b[10:])
	copy(h.Nonce[:], b[18:])
	copy(h.Clip[:], b[34:])
	if n := int(binary.BigEndian.Uint16(b[50:])); n != size-headerLen || n > MaxEvent {
		return h, ErrNone
	}
	h.Event = slices.Clone(b[52 : size-4])
	return h, nil
}

// trailer is what stands at a block's end.
type trailer struct {
	nonce      [16]byte
	number     uint32 // of the block in the file, from 0 on
	bytes      uint32 // of the block, without the trailer
	start, end int32  // of all tracks' frames, ms from the file's first frame
	base       int64
}

// append appends the trailer to a block; sum is the block's checksum.
func (t *trailer) append(b []byte, sum uint32) []byte {
	at := len(b)
	b = mkv.AppendVoid(b, trailerLen)
	b = append(append(b, magicTrailer...), t.nonce[:]...)
	b = binary.BigEndian.AppendUint32(b, t.number)
	b = binary.BigEndian.AppendUint32(b, t.bytes)
	b = binary.BigEndian.AppendUint32(b, uint32(t.start))
	b = binary.BigEndian.AppendUint32(b, uint32(t.end))
	b = binary.BigEndian.AppendUint64(b, uint64(t.base))
	return binary.BigEndian.AppendUint32(b, crc32.Update(sum, castagnoli, b[at:]))
}

// parseTrailer reads a trailer with the element's head, behind a block whose checksum is
// sum, and reports false if it is none.
func parseTrailer(b []byte, sum uint32) (t trailer, ok bool) {
	if len(b) != trailerSize || string(b[2:10]) != magicTrailer ||
		binary.BigEndian.Uint32(b[trailerSize-4:]) != crc32.Update(sum, castagnoli, b[:trailerSize-4]) {
		return t, false
	}
	copy(t.nonce[:], b[10:])
	t.number = binary.BigEndian.Uint32(b[26:])
	t.bytes = binary.BigEndian.Uint32(b[30:])
	t.start = int32(binary.BigEndian.Uint32(b[34:]))
	t.end = int32(binary.BigEndian.Uint32(b[38:]))
	t.base = int64(binary.BigEndian.Uint64(b[42:]))
	return t, true
}

// appendIndex appends the index's Void, whose last four bytes are its own length with the
// element's head. Clusters follow one another without a gap up to c.Length.
func appendIndex(b []byte, c *Content) []byte {
	at := len(b)
	size := indexLen + len(c.Clusters)*clusterLen
	b = mkv.AppendVoid(b, size)
	b = append(append(b, magicIndex...), c.Nonce[:]...)
	b = binary.BigEndian.AppendUint32(b, checksum(c.head))
	b = binary.BigEndian.AppendUint32(b, uint32(c.Length))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Base))
	b = binary.BigEndian.AppendUint32(b, uint32(len(c.Clusters)))
	for _, k := range c.Clusters {
		b = binary.BigEndian.AppendUint32(b, uint32(k.Bytes))
		b = binary.BigEndian.AppendUint32(b, uint32(k.Start/time.Millisecond))
		b = binary.BigEndian.AppendUint32(b, uint32(k.End/time.Millisecond))
		b = binary.BigEndian.AppendUint32(b, uint32(k.Media))
		b = binary.BigEndian.AppendUint32(b, uint32(k.Frames))
		key := byte(0)
		if k.Key {
			key = 1
		}
		b = append(b, k.Tracks, key)
	}
	b = binary.BigEndian.AppendUint32(b, checksum(b[at:]))
	return binary.BigEndian.AppendUint32(b, uint32(len(b)+4-at))
}

// parseIndex reads an index with the element's head into c, of which the header is known, and
// reports false if it is none.
func parseIndex(b []byte, c *Content) bool {
	h, ok := mkv.ParseHead(b)
	if !ok || h.ID != mkv.IDVoid || h.Size != int64(len(b)-h.Len) || h.Size < indexLen ||
		binary.BigEndian.Uint32(b[len(b)-4:]) != uint32(len(b)) ||
		binary.BigEndian.Uint32(b[len(b)-8:]) != checksum(b[:len(b)-8]) {
		return false
	}
	b = b[h.Len : len(b)-8]
	n := int64(binary.BigEndian.Uint32(b[40:]))
	if string(b[:8]) != magicIndex || [16]byte(b[8:24]) != c.Nonce || binary.BigEndian.Uint32(b[24:]) != checksum(c.head) ||
		n < 1 || n > maxClusters || int64(len(b)-44) != n*clusterLen {
		return false
	}
	c.Length = int64(binary.BigEndian.Uint32(b[28:]))
	c.Base = int64(binary.BigEndian.Uint64(b[32:]))
	c.Clusters = make([]Cluster, 0, n)
	at := int64(len(c.head))
	for b = b[44:]; len(b) > 0; b = b[clusterLen:] {
		k := Cluster{
			Offset: at, Bytes: int64(binary.BigEndian.Uint32(b)),
			Start: ms(int64(int32(binary.BigEndian.Uint32(b[4:])))), End: ms(int64(int32(binary.BigEndian.Uint32(b[8:])))),
			Media: int64(binary.BigEndian.Uint32(b[12:])), Frames: int(binary.BigEndian.Uint32(b[16:])), Tracks: b[20], Key: b[21] == 1,
		}
		if at += k.Bytes; k.Media > k.Bytes || int64(k.Frames) > k.Bytes {
			return false
		}
		c.Clusters = append(c.Clusters, k)
	}
	return at == c.Length
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
