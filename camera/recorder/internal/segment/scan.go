package segment

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// Bounds of a block: what Writer lets wait, and a frame.
const maxBlock = 64 << 20

// Scan finds what is committed in a file from its blocks alone, reading all of them. The
// error is ErrForeign, ErrNone, or the file's own. A part of the file that the card cannot read
// ends it, as a block does that is not whole.
//
// Until its first commit a preallocated file on FAT shows what an earlier file left there, which may
// be that file from its beginning on, whole: Seq tells, and has to be the one that the
// file was created with.
func Scan(f storage.File) (*Content, error) {
	c, size, err := beginning(f)
	if err != nil {
		return nil, err
	}
	s := scanner{c: c, in: cursor{f: f, end: size, buf: make([]byte, 64<<10)}}
	if !s.out.number(c.list) {
		return nil, ErrNone
	}
	var ended []Cluster
	var open Cluster
	for s.block() {
		ended, open = s.out.ended, s.out.open
	}
	c.Clusters, c.blocks = clusters(ended, open, c.Length), s.number
	if err := s.in.err; err != nil && storage.Classify(err) != storage.Failing {
		return nil, fmt.Errorf("segment: reading: %w", err)
	}
	if len(c.Clusters) == 0 {
		return nil, ErrNone
	}
	c.indexed = isIndexed(f, c, size)
	written, whole := c.labelled()
	c.Closed = c.indexed && written && whole
	return c, nil
}

// Open finds what is committed in a file by the index at its end, in a few reads. Of a file
// without a valid index, which was not closed, it is Scan.
func Open(f storage.File) (*Content, error) {
	c, size, err := beginning(f)
	if err != nil {
		return nil, err
	}
	b := tail(f, size)
	if b == nil || !parseIndex(b, c) || c.Length+int64(len(b)) != size {
		return Scan(f)
	}
	c.indexed = true
	written, whole := c.labelled()
	if c.Closed = written && whole; !c.Closed {
		c.findCues(f)
	}
	return c, nil
}

// Repair closes a file that a crash left open: it appends cues and the index, cuts the file to
// its length and syncs it, and with syncDir its folder, where FAT has the size; then it labels
// the file and syncs that. c is what Scan or Open returned, and then has what is appended and
// Closed set. When power is lost meanwhile Scan finds the same frames again. It does nothing to
// a file that is closed.
func Repair(f storage.File, syncDir func() error, c *Content) error {
	if c.Closed {
		return nil
	}
	whole := *c
	if err := whole.finish(f, syncDir); err != nil {
		return fmt.Errorf("segment: closing a file: %w", err)
	}
	*c = whole
	return nil
}

// finish does what is left of closing a file. A label never tells of what is not on the card.
func (c *Content) finish(f storage.File, syncDir func() error) error {
	if written, _ := c.labelled(); written { // torn, or of footage that is lost
		if err := c.writeLabel(f, c.head[page:][:page]); err != nil {
			return err
		}
	}
	if !c.indexed {
		if err := c.writeEnd(f); err != nil {
			return err
		}
	}
	if err := syncDir(); err != nil {
		return err
	}
	if c.cues > 0 {
		if err := c.writeLabel(f, c.claims()); err != nil {
			return err
		}
	}
	c.Growing, c.Closed = false, true
	return nil
}

// writeEnd writes what follows the last block of a file, cuts the file there and syncs it.
func (c *Content) writeEnd(f storage.File) error {
	at := c.Length
	var b []byte
	if c.cues == 0 {
		b = c.appendCues(b)
	}
	b = appendIndex(b, c)
	_, err := f.WriteAt(b, at)
	if err == nil {
		err = f.Truncate(at + int64(len(b)))
	}
	if err == nil {
		err = f.Sync()
	}
	c.indexed = err == nil
	return err
}

// beginning reads a file's head.
func beginning(f storage.File) (*Content, int64, error) {
	size, err := f.Size()
	if err != nil {
		return nil, 0, fmt.Errorf("segment: size of a file: %w", err)
	}
	for n := int64(16 << 10); ; n *= 4 { // a head is small; one with other firmware's long records is not
		b := make([]byte, min(n, size, maxHead))
		torn, err := readHead(f, b)
		if err != nil {
			return nil, 0, fmt.Errorf("segment: reading a head: %w", err)
		}
		c, err := parseHead(b)
		switch {
		case errors.Is(err, ErrNone) && int64(len(b)) == n:
		case torn != nil && err != nil:
			return nil, 0, fmt.Errorf("segment: reading a head: %w", torn)
		default:
			return c, size, err
		}
	}
}

// tail reads what may be the index that ends a file; nil if it is none.
func tail(f storage.File, size int64) []byte {
	var last [4]byte
	if _, err := f.ReadAt(last[:], max(0, size-4)); size < 4 || err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	n := int64(last[0])<<24 | int64(last[1])<<16 | int64(last[2])<<8 | int64(last[3])
	if n > min(size, maxIndex) {
		return nil
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, size-n); err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	return b
}

// isIndexed reports whether the file ends with the index of c, and has nothing behind it.
func isIndexed(f storage.File, c *Content, size int64) bool {
	b := tail(f, size)
	found := *c
	return b != nil && parseIndex(b, &found) && found.Length == c.Length && c.Length+int64(len(b)) == size &&
		found.Base == c.Base && slices.Equal(found.Clusters, c.Clusters)
}

// scanner goes through a file block by block.
type scanner struct {
	c      *Content
	in     cursor
	out    outline
	number uint32 // of the block at hand
}

// block takes the next block into c, and reports false if there is none that is whole.
func (s *scanner) block() bool {
	from, cues := s.in.pos, int64(0)
	s.in.sum = 0
	if from == 0 { // what stands before clusters, and was read
		s.in.pos, s.in.sum = int64(len(s.c.head)), checksum(s.c.head)
	}
	for s.in.pos-from < maxBlock {
		b := s.in.peek(elementHead)
		e, ok := parse(b)
		if !ok {
			return false
		}
		at := s.in.pos
		if e.id == mkv.IDCues && at == from {
			cues = at
		}
		if e.kind != void {
			if _, ok := s.out.take(&e, at); !ok || !s.in.skip(int64(e.head)+e.size) {
				return false
			}
			continue
		}
		sum := s.in.sum
		t, ok := parseTrailer(s.in.peek(trailerSize), sum)
		if !ok || t.nonce != s.c.Nonce || t.number != s.number || int64(t.bytes) != at-from || !s.in.skip(trailerSize) {
			return false
		}
		s.number++
		s.c.Length, s.c.Base, s.c.cues = s.in.pos, t.base, cues
		return s.out.has
	}
	return false
}

// cursor reads a file from the beginning to the end through a buffer.
type cursor struct {
	f        io.ReaderAt
	pos, end int64
	buf      []byte
	have     []byte // of buf, from pos on
	sum      uint32 // checksum of what was skipped
	quick    bool   // skip does not read, and makes no sum
	err      error  // of the file, if it is not its end
}

// peek returns the next n bytes, or as many as there are; n is at most len(buf).
func (c *cursor) peek(n int) []byte {
	if n = int(min(int64(n), c.end-c.pos)); n > len(c.have) {
		c.fill()
	}
	return c.have[:min(max(n, 0), len(c.have))]
}

func (c *cursor) fill() {
	n, err := c.f.ReadAt(c.buf[:max(0, min(int64(len(c.buf)), c.end-c.pos))], c.pos)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err, n = err, 0
	}
	c.have = c.buf[:n]
}

// skip goes on by n bytes, and reports false if there are fewer.
func (c *cursor) skip(n int64) bool {
	if n > c.end-c.pos {
		return false
	}
	for n > 0 && !(c.quick && n > int64(len(c.have))) {
		if len(c.have) == 0 {
			if c.fill(); len(c.have) == 0 {
				return false
			}
		}
		k := int(min(n, int64(len(c.have))))
		if !c.quick {
			c.sum = crc32.Update(c.sum, castagnoli, c.have[:k])
		}
		c.have, c.pos, n = c.have[k:], c.pos+int64(k), n-int64(k)
	}
	if n > 0 {
		c.have, c.pos = nil, c.pos+n
	}
	return true
}
