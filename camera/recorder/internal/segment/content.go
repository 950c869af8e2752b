package segment

import (
	"errors"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Version is the format version that this package writes. It reads all versions up to it.
const Version = 1

// MaxEvent bounds [Header].Event, in bytes.
const MaxEvent = 1 << 10

var (
	// ErrForeign says that a file was made by newer firmware: it is to be left alone.
	ErrForeign = errors.New("the file has a newer format")

	// ErrNone says that a file is none of ours, or has no committed block.
	ErrNone = errors.New("the file has no footage of ours")
)

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
	Clusters []Cluster         // the last one has no end yet if Growing
	Length   int64             // bytes from the file's beginning that are committed
	Base     int64             // wall clock of the first frame, ms since 1970, as far as the file knows; 0: unknown
	Closed   bool              // the file ends with its index and has nothing behind it
	Growing  bool              // of a Writer: the last cluster goes on, so that it is to be left out of what is read

	head []byte // the file up to the end of Tracks, without the Void
}

// Scan finds what is committed in a file from its blocks alone, reading all of them. The
// error is ErrForeign, ErrNone, or the file's own.
func Scan(f storage.File) (*Content, error) { panic("not yet") }

// Open finds what is committed in a file by the index at its end, in a few reads. Of a file
// without a valid index, which was not closed, it is Scan.
func Open(f storage.File) (*Content, error) { panic("not yet") }

// Repair closes a file that a crash left open: it appends the index, cuts the file to its
// length and syncs it. c is what Scan returned, and then has Closed set. When power is lost
// meanwhile Scan finds the same again. It does nothing to a file that is closed.
func Repair(f storage.File, c *Content) error { panic("not yet") }
