package segment

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Version is the format version that this package writes. It reads all versions up to it.
const Version = 1

// LeastHead is how many bytes stand before the first cluster of a file at least.
const LeastHead = 2 * page

// MaxEvent bounds [Header].Event, in bytes.
const MaxEvent = 1 << 10

var (
	// ErrForeign says that a file was made by newer firmware: it is to be left alone.
	ErrForeign = errors.New("the file has a newer format")

	// ErrNone says that a file is none of ours, or has no committed block.
	ErrNone = errors.New("the file has no footage of ours")
)

// errDamaged says that a file has other bytes than when its content was found.
var errDamaged = errors.New("the file is damaged")

// Header says what a file is. It stands at the file's beginning and never changes.
type Header struct {
	Version int      // of the format; Create writes Version, whatever stands here
	Seq     uint64   // the file's number, which grows for ever
	Nonce   [16]byte // random, other for each file
	Clip    [16]byte // the ULID of the clip that the file belongs to; zero with a recording of all the time
	Event   []byte   // JSON of what the clip is of, at most MaxEvent bytes
}

// Cluster is a part of a file that begins with a key frame of the leading track, the first
// video track, and has all frames of all tracks up to the next one.
type Cluster struct {
	Offset, Bytes int64         // in the file; trailers of blocks within are counted
	Start, End    time.Duration // of the leading track, from the file's first frame; End is when its last frame ends
	Key           bool          // decoding can start here; false of a cluster that goes on after 32.7 s without a key frame
	Frames        int           // of all tracks
	Media         int64         // bytes of the frames
	Tracks        uint8         // bit i is set if there are frames of Content.Tracks[i]
}

// Content is what is committed of a file. It does not change, and may be shared.
type Content struct {
	Header
	Tracks   []*kvsmedia.Track // that the file has: of those of Create the ones whose configuration was known, with Name
	Clusters []Cluster         // they follow one another without a gap; the last one has no end yet if Growing
	Length   int64             // bytes from the file's beginning that are committed
	Base     int64             // wall clock of the first frame, ms since 1970, as far as the file knows; 0: unknown
	Closed   bool              // the file ends with its index and has nothing behind it
	Growing  bool              // of a Writer: the last cluster goes on, so that it is to be left out of what is read

	head    []byte // the file up to the first cluster, with its label as it was at first
	label   label
	segment int64      // offset of the segment's contents
	list    mkv.Tracks // as Tracks
	raw     []byte     // the element of the list, in head
	tracks  int64      // its offset
	blocks  uint32
	cues    int64 // offset of the block of cues, if it was looked for; 0: there is none
	indexed bool  // the file ends with its index
}

// parseHead reads the beginning of a file up to the first cluster, whose checksum is in the
// first block's trailer or in the index. b is given the label's first state.
func parseHead(b []byte) (*Content, error) {
	c := &Content{}
	for at := 0; ; {
		e, ok := parse(b[at:min(at+elementHead, len(b))])
		if !ok || e.kind == frame || c.Version == 0 && at > 0 && e.kind != void && e.id != mkv.IDSegment {
			return nil, ErrNone
		}
		if e.kind == cluster && c.label.found == nil {
			return nil, ErrNone
		}
		if e.kind == cluster {
			c.head = b[:at:at]
			return c, c.describe()
		}
		end := int64(at+e.head) + e.size
		if end > int64(len(b)) {
			return nil, ErrNone
		}
		switch {
		case e.id == mkv.IDSegment:
			c.segment = end
		case e.id == mkv.IDTracks:
			c.raw, c.tracks = b[at:end:end], int64(at)
		case e.kind == void && c.Version == 0:
			var err error
			if c.Header, err = parseHeader(b[:end], int(e.size)); err != nil {
				return nil, err
			}
		case e.kind == void:
			if err := c.parseLabel(b, b[at+e.head:end], int(end)); err != nil {
				return nil, err
			}
		}
		at = int(end)
	}
}

// describe fills in the tracks.
func (c *Content) describe() (err error) {
	r := mkv.NewReader(bytes.NewReader(c.head))
	for e, err := r.Next(); err == nil; e, err = r.Next() {
		if list, ok := e.(mkv.Tracks); ok {
			c.list = list
		}
	}
	c.Tracks, err = kvsmedia.NewReader(bytes.NewReader(c.head)).Tracks()
	if err != nil || len(c.Tracks) != len(c.list) {
		return ErrNone
	}
	return nil
}

// lead returns the index of the leading track.
func (c *Content) lead() int {
	return max(0, slices.IndexFunc(c.list, func(t *mkv.Track) bool { return t.Type == mkv.VideoTrack }))
}
