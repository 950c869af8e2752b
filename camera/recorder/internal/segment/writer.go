package segment

import (
	"errors"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

var (
	// ErrNewFile says that a frame needs a new file: Close this one, Create another, and Add
	// the frame there. Nothing of the frame was taken.
	ErrNewFile = errors.New("the frame needs a new file")

	// ErrGivenUp is the error of a Writer after a write or a sync of it failed.
	ErrGivenUp = errors.New("the file was given up after an error")
)

// Writer writes a file. All of its methods are called by one goroutine.
type Writer struct{}

// Create makes a file, and its folder if that is missing, and syncs both. expect is the size
// that it will probably have, in bytes, which is preallocated; 0 means 16 MiB, which is
// also the step in which it grows. h.Nonce is made if it is zero. Tracks are as for
// kvsmedia.Muxer, at most 8. A file of the name must not exist.
func Create(fsys storage.FS, name string, h Header, expect int64, tracks ...*kvsmedia.Track) (*Writer, error) {
	panic("not yet")
}

// Add takes a frame into memory; its data is kept by reference up to the Commit that takes
// it. It does no I/O.
//
// The error is ErrNewFile if the frame, a key frame of the leading track, has other
// parameter sets or does not come after the one before, if a track begins late that the
// file was begun without, or if the file is full, which is at 4 GiB - 64 MiB. Other errors
// are of this frame alone, which is left out, and with it the following ones of a video
// track up to its next key frame.
//
// The file begins with the leading track's first key frame; frames before it are left out
// without an error. Frames wait for at most 4 s for a second video track's key frame; the
// file is then begun without that track.
func (w *Writer) Add(f kvsmedia.Frame) error { panic("not yet") }

// Due reports whether a block is complete: its first 2 s ended at a key frame, or it has 4 s,
// or 2 MiB.
func (w *Writer) Due() bool { panic("not yet") }

// Commit writes the complete blocks, with all also the one that was begun, and syncs them.
// What it took survives a power cut once it has returned nil. base is the wall clock time of
// the file's first frame, ms since 1970, 0 while it is not known. It does nothing if there
// is nothing to write. After an error the Writer is given up: Uncommitted goes into
// another file.
func (w *Writer) Commit(base int64, all bool) error { panic("not yet") }

// Uncommitted returns the frames that no Commit took, in the order in which they were
// added; again counts those before them, back to the key frame that they refer to, which
// the file already has: another file needs them to begin with, and this one's clusters from
// that key frame on are then to be left out (their number is len(Content().Clusters)-1 if
// again is not 0). A key frame more than 8 MiB away is given up, and with it the frames up
// to the next one.
func (w *Writer) Uncommitted() (frames []kvsmedia.Frame, again int) { panic("not yet") }

// Content returns what is committed.
func (w *Writer) Content() *Content { panic("not yet") }

// File returns the file that is written, to read from on any goroutine up to Close.
func (w *Writer) File() storage.File { panic("not yet") }

// Size returns how many bytes of the file are committed or wait to be.
func (w *Writer) Size() int64 { panic("not yet") }

// Dropped counts the frames that were left out because of errors of theirs.
func (w *Writer) Dropped() int { panic("not yet") }

// Close commits what is left, appends the index, cuts the file to its length, syncs and
// closes it. A file without a frame is removed. It returns the error of the first that fails;
// Scan and Repair do the rest at the next start. A Writer that was given up is closed
// without a further write.
func (w *Writer) Close(base int64) error { panic("not yet") }
