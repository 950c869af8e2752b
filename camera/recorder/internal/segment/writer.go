package segment

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"time"

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

// Step is what a file grows by, in bytes: one that is not closed has a multiple of it, or none.
const Step = 16 << 20

const (
	fullAt     = 4<<30 - 128<<20
	brimAt     = 4<<30 - 64<<20 // FAT takes 4 GiB - 1, and some of its drivers err near that
	longest    = 24 * time.Hour // of a file; clusters' times have 12 days
	maxBehind  = 32 << 20       // bytes that wait for Commit
	maxAgain   = 8 << 20        // bytes of frames kept for another file to begin with
	heldTime   = 4 * time.Second
	heldBytes  = 2 << 20
	blockTime  = 2000 // ms, after which a block ends at a key frame
	blockLong  = 4000 // ms, after which it ends
	blockBytes = 2 << 20
)

// Writer writes a file. All of its methods are called by one goroutine, but File's file may be
// read by any.
type Writer struct {
	name   string
	fsys   storage.FS
	file   storage.File
	size   int64 // that the file has on the card
	head   *Content
	tracks []*kvsmedia.Track
	lead   int // index of the leading track
	mux    *kvsmedia.Muxer
	out    outline
	err    error // after which the file is given up
	closed bool
	whole  *Content // once it is closed

	opened  bool // the leading track's first key frame came
	first   time.Duration
	begun   bool   // the muxer has written the head
	without uint32 // tracks that the file was begun without, by bits
	late    bool   // one of them came
	gap     bool   // frames are left out up to the next key frame
	held    int    // bytes in the muxer
	writes  int    // of the muxer
	dropped int

	done  int64  // bytes of the file that are committed
	buf   []byte // what stands behind them, with trailers
	block block  // that was begun
	marks []mark // ends of complete blocks
	last  mark   // the end of what is committed
	count uint32 // blocks that were begun

	frames  []kvsmedia.Frame // not committed; before them those since the key frame that they refer to
	again   int              // how many those are
	keyAt   int              // index of the frame that the cluster being written begins with
	keyBase int              // clusters before that
}

// block is the block that was begun.
type block struct {
	at         int // in buf
	start, end int64
	some       bool // it has a frame
}

// mark is the end of a block.
type mark struct {
	from, end int // of the block in buf, end behind its trailer
	trailer   trailer
	frames    int       // Writer.frames up to here
	key, base int       // as keyAt and keyBase
	ended     []Cluster // as outline
	open      Cluster
}

// Create makes a file, and its folder if that is missing, and syncs both. expect is the size
// that it will probably have, in bytes, which is preallocated; 0 means 16 MiB, which is
// also the step in which it grows. h.Nonce is made if it is zero. Tracks are as for
// kvsmedia.Muxer, at most 8. A file of the name must not exist.
func Create(fsys storage.FS, name string, h Header, expect int64, tracks ...*kvsmedia.Track) (*Writer, error) {
	if len(tracks) == 0 || len(tracks) > maxTracks || len(h.Event) > MaxEvent {
		return nil, fmt.Errorf("segment: %d tracks and an event of %d bytes; at most %d and %d are possible", len(tracks), len(h.Event), maxTracks, MaxEvent)
	}
	h.Version = Version
	if h.Nonce == [16]byte{} {
		rand.Read(h.Nonce[:])
	}
	w := &Writer{name: name, fsys: fsys, head: &Content{Header: h}, tracks: tracks, buf: make([]byte, 0, blockBytes/2)}
	w.lead = max(0, slices.IndexFunc(tracks, func(t *kvsmedia.Track) bool { return t.Codec.Video() }))
	w.mux = kvsmedia.NewMuxer(sink{w}, tracks...)
	w.mux.Relative, w.mux.OneDocument = true, true
	if err := w.create(min(expect, brimAt)); err != nil {
		return nil, fmt.Errorf("segment: making %s: %w", name, err)
	}
	return w, nil
}

func (w *Writer) create(expect int64) (err error) {
	dir := path.Dir(w.name)
	if dir != "." {
		if err = w.fsys.Mkdir(dir); err == nil {
			err = w.fsys.SyncDir(path.Dir(dir))
		}
	}
	if err != nil {
		return err
	}
	if w.file, err = w.fsys.Open(w.name, os.O_RDWR|os.O_CREATE|os.O_EXCL); err != nil {
		return err
	}
	if err = w.grow(max(expect, 1)); err == nil {
		err = w.flush()
	}
	if err != nil {
		return errors.Join(err, w.file.Close())
	}
	return nil
}

// grow preallocates, so that the file has room up to an end.
func (w *Writer) grow(end int64) error {
	size := (end + Step - 1) / Step * Step
	err := w.file.Truncate(size)
	if err == nil {
		w.size = size
	}
	return err
}

// flush syncs the file, and its folder, where FAT has the size.
func (w *Writer) flush() error {
	err := w.file.Sync()
	if err == nil {
		err = w.syncDir()
	}
	return err
}

func (w *Writer) syncDir() error { return w.fsys.SyncDir(path.Dir(w.name)) }

// Commit writes the complete blocks, with all also the one that was begun, and syncs them.
// What it took survives a power cut once it has returned nil. base is the wall clock time of
// the file's first frame, ms since 1970, 0 while it is not known. It does nothing if there
// is nothing to write. After an error the Writer is given up: Uncommitted goes into
// another file.
func (w *Writer) Commit(base int64, all bool) error {
	if w.err != nil || w.closed {
		return fmt.Errorf("segment: %s: %w", w.name, ErrGivenUp)
	}
	if all {
		if !w.begun {
			w.begin()
		}
		if w.block.some {
			w.endBlock(len(w.frames))
		}
	}
	if len(w.marks) == 0 {
		return nil
	}
	for i := range w.marks {
		w.seal(&w.marks[i], base)
	}
	m := w.marks[len(w.marks)-1]
	if err := w.write(w.buf[:m.end]); err != nil {
		w.err = err
		return fmt.Errorf("segment: writing %s: %w", w.name, err)
	}
	w.done += int64(m.end)
	w.buf = w.buf[:copy(w.buf, w.buf[m.end:])]
	w.block.at -= m.end
	w.head.Base = base
	w.settle(m)
	w.last, w.marks = m, w.marks[:0]
	return nil
}

// seal completes the trailer of a block.
func (w *Writer) seal(m *mark, base int64) {
	m.trailer.base = base
	at := m.end - trailerSize
	m.trailer.append(w.buf[:at], checksum(w.buf[m.from:at]))
}

func (w *Writer) write(b []byte) (err error) {
	grew := w.done+int64(len(b)) > w.size
	if grew {
		if err = w.grow(w.done + int64(len(b))); err != nil {
			return err
		}
	}
	if _, err = w.file.WriteAt(b, w.done); err != nil {
		return err
	}
	if grew {
		return w.flush()
	}
	return w.file.Sync()
}

// settle forgets the frames that are committed, but those that others refer to.
func (w *Writer) settle(m mark) {
	n, again := m.key, 0
	if n >= 0 && n < m.frames {
		for _, f := range w.frames[n:m.frames] {
			again += len(f.Data)
		}
	}
	if n < 0 || again > maxAgain {
		n = m.frames
	}
	w.again = m.frames - n
	w.frames = slices.Delete(w.frames, 0, n)
	w.keyAt -= n
}

// Uncommitted returns the frames that no Commit took, in the order in which they were
// added, and before them those back to the key frame that they refer to, which the file has
// too: another file needs them to begin with. clusters is how many of Content().Clusters stay
// then; the rest is among the frames. A key frame more than 8 MiB away is given up, and with
// it the frames up to the next one.
func (w *Writer) Uncommitted() (frames []kvsmedia.Frame, clusters int) {
	clusters = len(w.Content().Clusters)
	switch {
	case len(w.frames) == w.again:
		return nil, clusters
	case w.again > 0:
		clusters = min(clusters, w.last.base)
	}
	return w.frames, clusters
}

// Abandon gives the Writer up, also one that is well, and returns what another file needs to
// go on: what Uncommitted does, and where everything is committed the frames since the last
// key frame, to which those to come refer.
func (w *Writer) Abandon() (frames []kvsmedia.Frame, clusters int) {
	frames, clusters = w.Uncommitted()
	if w.again > 0 {
		frames, clusters = w.frames, min(clusters, w.last.base)
	}
	if w.err == nil {
		w.err = ErrGivenUp
	}
	return frames, clusters
}

// Content returns what is committed.
func (w *Writer) Content() *Content {
	if w.whole != nil {
		return w.whole
	}
	c := *w.head
	c.Length, c.blocks = w.done, w.count
	c.Clusters = clusters(w.last.ended, w.last.open, w.done)
	if n := len(c.Clusters) - 1; n >= 0 {
		c.Growing = n >= len(w.out.ended) || w.out.ended[n].Bytes != c.Clusters[n].Bytes
	}
	return &c
}

// File returns the file that is written, to read from on any goroutine up to Close.
func (w *Writer) File() storage.File { return w.file }

// Size returns how many bytes of the file are committed or wait to be.
func (w *Writer) Size() int64 { return w.done + int64(len(w.buf)+w.held) }

// Dropped counts the frames that were left out because of errors of theirs.
func (w *Writer) Dropped() int { return w.dropped }

// Close commits what is left, appends cues and the index, cuts the file to its length, syncs
// it, labels it with its duration and where the cues are, syncs that and closes it. A file
// without a frame is removed. It returns the first error; Scan and Repair do the rest at the
// next start. A Writer that was given up is closed without a further write, and returns
// ErrGivenUp.
func (w *Writer) Close(base int64) error {
	if w.closed {
		return nil
	}
	err := w.Commit(base, true)
	if err == nil && w.done > 0 {
		c := w.Content()
		if err = Repair(w.file, w.syncDir, c); err == nil {
			w.whole = c
		}
	}
	w.closed = true
	if closing := w.file.Close(); err == nil {
		err = closing
	}
	if err == nil && w.done == 0 {
		err = w.fsys.Remove(w.name)
	}
	return err
}
