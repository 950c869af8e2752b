package recorder_test

import (
	"context"
	"iter"
	"math/rand/v2"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// picky is a card that fails where fail says so, by the operation (a method of storage.FS
// or storage.File) and the name of the file. The operation then does nothing, but Close.
type picky struct {
	storage.FS
	fail func(op, name string) error
}

func (p picky) Open(name string, flag int) (storage.File, error) {
	if err := p.fail("Open", name); err != nil {
		return nil, err
	}
	f, err := p.FS.Open(name, flag)
	if err != nil {
		return nil, err
	}
	return &pickyFile{f, name, p.fail}, nil
}

type pickyFile struct {
	storage.File
	name string
	fail func(op, name string) error
}

func (f *pickyFile) Size() (int64, error) {
	if err := f.fail("Size", f.name); err != nil {
		return 0, err
	}
	return f.File.Size()
}

func (f *pickyFile) ReadAt(b []byte, at int64) (int, error) {
	if err := f.fail("ReadAt", f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(b, at)
}

func (f *pickyFile) WriteAt(b []byte, at int64) (int, error) {
	if err := f.fail("WriteAt", f.name); err != nil {
		return 0, err
	}
	return f.File.WriteAt(b, at)
}

func (f *pickyFile) Truncate(size int64) error {
	if err := f.fail("Truncate", f.name); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *pickyFile) Sync() error {
	if err := f.fail("Sync", f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *pickyFile) Close() error {
	err := f.fail("Close", f.name)
	if cerr := f.File.Close(); err == nil {
		err = cerr
	}
	return err
}

// switchable fails as it is told, one rule at a time.
type switchable struct {
	mu   sync.Mutex
	op   string
	part string // of the name
	err  error
	left int // calls that fail yet; below zero: all
	seen int // that failed
}

// set begins to fail calls of op on files with part in their names: n of them, all if n is
// below zero.
func (s *switchable) set(op, part string, err error, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.op, s.part, s.err, s.left, s.seen = op, part, err, n, 0
}

// failed returns how many calls failed since set.
func (s *switchable) failed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *switchable) fail(op, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil || s.left == 0 || op != s.op || !strings.Contains(name, s.part) {
		return nil
	}
	s.left--
	s.seen++
	return s.err
}

// fails has the studio's card fail as the result says.
func (s *studio) fails() *switchable {
	sw := &switchable{}
	s.wrap = func(fsys storage.FS) storage.FS { return picky{fsys, sw.fail} }
	return sw
}

// remake is a tiny film with each frame made into others.
type remake struct {
	*tinyFilm
	each func(n int, f kvsmedia.Frame) []kvsmedia.Frame
}

func (r *remake) Frames(ctx context.Context, preRoll time.Duration) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		for f := range r.tinyFilm.Frames(ctx, preRoll) {
			for _, g := range r.each(number(f), f) {
				if !yield(g) {
					return
				}
			}
		}
	}
}

// resized is a tiny film whose picture has another size where large says so; n is a key
// frame's number.
func resized(film *tinyFilm, large func(n int) bool) *remake {
	other := tinyFilmOf(clips.Day())
	return &remake{film, func(n int, f kvsmedia.Frame) []kvsmedia.Frame {
		if large(n &^ 7) {
			f.Data = other.frame(n).Data
		}
		return []kvsmedia.Frame{f}
	}}
}

// coin is a source of random numbers.
func coin(seed int) *rand.Rand { return rand.New(rand.NewPCG(11, uint64(seed))) }

// put makes an empty file on a card, and its folder.
func put(card storage.FS, name string) error {
	if dir := path.Dir(name); dir != "." {
		if err := card.Mkdir(dir); err != nil {
			return err
		}
	}
	f, err := card.Open(name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	return f.Close()
}

// again runs a recorder, which may have run before.
func (s *studio) again(r *recorder.Recorder) {
	s.Recorder = r
	ctx, cancel := context.WithCancel(s.t.Context())
	before := s.cancel
	s.cancel = func() {
		if cancel(); before != nil {
			before()
		}
	}
	s.works.Go(func() { s.err = s.Run(ctx) })
}
