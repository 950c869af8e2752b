package segment

import (
	"bytes"
	"encoding/binary"
)

// Newer returns a file as a newer version would have it.
func Newer(file []byte) []byte {
	b := bytes.Clone(file)
	at := bytes.Index(b, []byte(magicHeader+"\x00\x01"))
	binary.BigEndian.PutUint16(b[at+8:], Version+1)
	end := at + headerLen
	binary.BigEndian.PutUint32(b[end-4:], checksum(b[:end-4]))
	return b
}

// Fill makes the file so much longer, without writing.
func (w *Writer) Fill(bytes int64) { w.done += bytes }

// Torn reports whether a power cut tore the label of a file.
func Torn(c *Content) bool {
	_, whole := c.labelled()
	return !whole
}

// First returns the label of a file as it was at first.
func First(c *Content) []byte { return c.head[page : 2*page] }

// Index returns the index of a file.
func Index(c *Content) []byte { return appendIndex(nil, c) }

// MaxCues bounds the cue points of a file.
const MaxCues = maxCues

// Seal makes the checksum of the index that ends a file right.
func Seal(b []byte) {
	if len(b) < 8 {
		return
	}
	n := int(binary.BigEndian.Uint32(b[len(b)-4:]))
	if n < 8 || n > len(b) {
		return
	}
	binary.BigEndian.PutUint32(b[len(b)-8:], checksum(b[len(b)-n:len(b)-8]))
}
