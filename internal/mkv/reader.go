package mkv

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"time"
)

// Bounds of what a [Reader] takes into memory, in bytes.
const (
	MaxBlock  = 16 << 20 // a block or block group
	MaxMaster = 4 << 20  // Info, Tracks or Tags
)

// Reader reads a stream of Matroska documents. It is not safe for concurrent
// use.
type Reader struct {
	r   *bufio.Reader
	pos int64 // bytes read
	end int64 // offset behind the element that was returned last
	err error

	segment, clusterEnd limit
	needSegment         bool // a header came, and no segment yet
	scale               time.Duration
	tracks              Tracks
	cluster             time.Duration // its timestamp
	stamped             bool          // the timestamp came
	early               []element     // blocks that stand before it
	earlyBytes          int
	queue               []*Block // frames of the block read last
}

// limit is the end of a master element that is being read.
type limit struct {
	open  bool
	known bool
	end   int64
}

// NewReader returns a Reader of r. It reads ahead.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 64<<10), scale: time.Millisecond}
}

// Offset returns how many bytes of the stream the elements returned so far take
// up: the length of the part that was read whole. After a cluster's last block
// a file can be cut there and stays valid.
func (r *Reader) Offset() int64 { return r.end }

// Tracks returns the tracks of the segment being read, nil before they came.
func (r *Reader) Tracks() Tracks { return r.tracks }

// Next returns the next part of the stream. At the end it returns [io.EOF], or
// an error that is [io.ErrUnexpectedEOF] if the stream was cut off.
func (r *Reader) Next() (Element, error) {
	for r.err == nil {
		if len(r.queue) > 0 {
			b := r.queue[0]
			r.queue[0] = nil
			r.queue = r.queue[1:]
			return b, nil
		}
		e, err := r.element()
		r.err = err
		if e != nil && err == nil {
			r.end = r.pos
			return e, nil
		}
		if len(r.queue) > 0 {
			r.end = r.pos
		}
	}
	return nil, r.err
}

// element reads one element of the stream, or enters one, and returns what it
// says if it is of interest.
func (r *Reader) element() (Element, error) {
	if r.clusterEnd.over(r.pos) {
		r.clusterEnd = limit{}
	}
	if r.segment.over(r.pos) {
		r.segment, r.clusterEnd = limit{}, limit{}
	}
	id, size, err := r.head()
	if len(r.early) > 0 && (errors.Is(err, io.EOF) || id == idCluster) {
		return nil, errors.New("mkv: cluster with blocks and without a timestamp")
	}
	if err != nil {
		return nil, err
	}
	if !r.place(id) {
		return nil, fmt.Errorf("mkv: element %#x at offset %d is out of place", id, r.pos)
	}
	if err := r.fits(id, size); err != nil {
		return nil, err
	}
	switch id {
	case idSegment:
		r.needSegment = false
		r.segment = newLimit(r.pos, size)
		return nil, nil
	case idCluster:
		r.clusterEnd = newLimit(r.pos, size)
		r.stamped, r.earlyBytes = false, 0
		return nil, nil
	}
	if size == unknownSize {
		return nil, fmt.Errorf("mkv: element %#x of unknown size", id)
	}
	switch id {
	case idEBML, idInfo, idTracks, idTags, idTimestamp:
		b, err := r.read(id, size, MaxMaster)
		if err != nil {
			return nil, err
		}
		return r.master(id, b)
	case idSimpleBlock, idBlockGroup:
		b, err := r.read(id, size, MaxBlock)
		if err != nil {
			return nil, err
		}
		r.queue = r.queue[:0]
		if r.stamped {
			return nil, r.frames(element{id, b})
		}
		if r.earlyBytes += len(b); r.earlyBytes > MaxBlock {
			return nil, fmt.Errorf("mkv: cluster of more than %d bytes before its timestamp", MaxBlock)
		}
		r.early = append(r.early, element{id, b})
		return nil, nil
	}
	return nil, r.skip(size)
}

// place says whether an element may stand here, and leaves the cluster or
// segment of unknown size that it ends (RFC 8794, section 6.2).
func (r *Reader) place(id uint32) bool {
	switch id {
	case idVoid, idCRC32:
		return true
	case idEBML:
		if r.segment.known || r.clusterEnd.known {
			return false
		}
		r.segment, r.clusterEnd = limit{}, limit{}
		return true
	case idSegment:
		return r.needSegment
	case idInfo, idTracks, idCluster, idTags, idSeekHead, idCues, idAttachments, idChapters:
		if r.clusterEnd.known {
			return false
		}
		r.clusterEnd = limit{}
		return r.segment.open
	case idTimestamp, idSimpleBlock, idBlockGroup:
		return r.clusterEnd.open
	}
	return r.segment.open || r.needSegment
}

// fits checks that an element ends within its parents.
func (r *Reader) fits(id uint32, size int64) error {
	for _, l := range []limit{r.segment, r.clusterEnd} {
		if l.known && size > l.end-r.pos {
			return fmt.Errorf("mkv: element %#x at offset %d is longer than its parent", id, r.pos)
		}
	}
	return nil
}

// master takes an element that is in memory.
func (r *Reader) master(id uint32, b []byte) (Element, error) {
	switch id {
	case idEBML:
		h, err := parseHeader(b)
		r.needSegment, r.scale, r.tracks = true, time.Millisecond, nil
		return h, err
	case idInfo:
		i, err := parseInfo(b)
		r.scale = i.TimestampScale
		return i, err
	case idTracks:
		ts, err := parseTracks(b)
		r.tracks = ts
		return ts, err
	case idTags:
		return parseTags(b)
	}
	ticks := element{data: b}.uint()
	if ticks > math.MaxInt64/uint64(r.scale) {
		return nil, fmt.Errorf("mkv: cluster timestamp %d is out of range", ticks)
	}
	r.cluster, r.stamped = time.Duration(ticks)*r.scale, true
	for _, e := range r.early {
		if err := r.frames(e); err != nil {
			return nil, err
		}
	}
	r.early = nil
	return &Cluster{Timestamp: r.cluster}, nil
}

// frames puts the frames of a SimpleBlock or a BlockGroup into the queue.
func (r *Reader) frames(e element) error {
	if e.id == idBlockGroup {
		return r.group(e.data)
	}
	return r.block(e.data, 0)
}

// head reads an element's ID and size. The end of the stream is io.EOF only
// where a stream may end.
func (r *Reader) head() (id uint32, size int64, err error) {
	b, err := r.r.Peek(1)
	if err != nil {
		if errors.Is(err, io.EOF) && (r.segment.known || r.clusterEnd.known || r.needSegment) {
			err = r.cut("before its announced end")
		}
		return 0, 0, err
	}
	idWidth := bits.LeadingZeros8(b[0]) + 1
	if idWidth > 4 {
		return 0, 0, fmt.Errorf("mkv: no element at offset %d: it would begin with %#x", r.pos, b[0])
	}
	if b, err = r.peek(idWidth + 1); err != nil {
		return 0, 0, err
	}
	sizeWidth := bits.LeadingZeros8(b[idWidth]) + 1
	if sizeWidth > 8 {
		return 0, 0, fmt.Errorf("mkv: element at offset %d has no valid size", r.pos)
	}
	if b, err = r.peek(idWidth + sizeWidth); err != nil {
		return 0, 0, err
	}
	for _, x := range b[:idWidth] {
		id = id<<8 | uint32(x)
	}
	v, _, unknown := vint(b[idWidth:])
	size = int64(v) // 56 bits at most
	if unknown {
		size = unknownSize
	}
	r.pos += int64(idWidth + sizeWidth)
	_, err = r.r.Discard(idWidth + sizeWidth)
	return id, size, err
}

func (r *Reader) peek(n int) ([]byte, error) {
	b, err := r.r.Peek(n)
	if errors.Is(err, io.EOF) {
		err = r.cut("inside an element's head")
	}
	return b, err
}

// read returns the contents of an element. Memory grows with what arrives, not
// with what is announced.
func (r *Reader) read(id uint32, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("mkv: element %#x of %d bytes; at most %d are taken", id, size, limit)
	}
	b := make([]byte, 0, min(size, 64<<10))
	for int64(len(b)) < size {
		if len(b) == cap(b) {
			bigger := make([]byte, len(b), min(size, 4*int64(cap(b))))
			copy(bigger, b)
			b = bigger
		}
		n, err := io.ReadFull(r.r, b[len(b):cap(b)])
		b = b[:len(b)+n]
		r.pos += int64(n)
		if err != nil {
			return nil, r.inside(err)
		}
	}
	return b, nil
}

func (r *Reader) skip(size int64) error {
	n, err := io.CopyN(io.Discard, r.r, size)
	r.pos += n
	return r.inside(err)
}

// inside turns the end of the stream within an element into the error for it.
func (r *Reader) inside(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.cut("inside an element")
	}
	return err
}

func (r *Reader) cut(where string) error {
	return fmt.Errorf("mkv: stream ends %s, at offset %d: %w", where, r.pos, io.ErrUnexpectedEOF)
}

func newLimit(pos, size int64) limit {
	return limit{open: true, known: size != unknownSize, end: pos + size}
}

func (l limit) over(pos int64) bool { return l.known && pos >= l.end }
