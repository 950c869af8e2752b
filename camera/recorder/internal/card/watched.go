package card

import (
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// While a card is opened, what fails is read again after pauses that double, for so long in
// all: what is known of clips would be given up for a moment of the card otherwise.
const (
	firstPause = 50 * time.Millisecond
	patience   = 4 * time.Second
)

// watched is a storage whose operations health follows.
type watched struct {
	storage.FS
	health *Health
	left   *atomic.Int64 // of patience, ns; zero once the card is open
}

// read tries to read something.
func (w watched) read(try func() error) error {
	for pause := firstPause; ; pause *= 2 {
		err := try()
		if storage.Classify(err) != storage.Failing || w.left.Add(-int64(pause)) < 0 {
			return err
		}
		time.Sleep(pause)
	}
}

func (w watched) Open(name string, flag int) (f storage.File, err error) {
	defer w.health.begin("open")()
	open := func() error {
		f, err = w.FS.Open(name, flag)
		return err
	}
	if flag&os.O_CREATE != 0 {
		_ = open()
	} else {
		_ = w.read(open)
	}
	if err != nil {
		return nil, err
	}
	return watchedFile{f, w}, nil
}

func (w watched) List(dir string) (list []fs.FileInfo, err error) {
	defer w.health.begin("list")()
	_ = w.read(func() error {
		list, err = w.FS.List(dir)
		return err
	})
	return list, err
}

func (w watched) Space() (free, total int64, err error) {
	defer w.health.begin("stat")()
	return w.FS.Space()
}

func (w watched) Remove(name string) error {
	defer w.health.begin("remove")()
	return w.FS.Remove(name)
}

func (w watched) Mkdir(name string) error {
	defer w.health.begin("mkdir")()
	return w.FS.Mkdir(name)
}

func (w watched) SyncDir(dir string) error {
	defer w.health.begin("sync")()
	return w.FS.SyncDir(dir)
}

func (w watched) Volume() (storage.Volume, error) {
	defer w.health.begin("stat")()
	return w.FS.Volume()
}

type watchedFile struct {
	storage.File
	on watched
}

func (f watchedFile) ReadAt(b []byte, at int64) (n int, err error) {
	_ = f.on.read(func() error {
		n, err = f.File.ReadAt(b, at)
		return err
	})
	return n, err
}

func (f watchedFile) Size() (size int64, err error) {
	defer f.on.health.begin("stat")()
	_ = f.on.read(func() error {
		size, err = f.File.Size()
		return err
	})
	return size, err
}

func (f watchedFile) WriteAt(b []byte, at int64) (int, error) {
	defer f.on.health.begin("write")()
	return f.File.WriteAt(b, at)
}

func (f watchedFile) Truncate(size int64) error {
	defer f.on.health.begin("truncate")()
	return f.File.Truncate(size)
}

func (f watchedFile) Sync() error {
	defer f.on.health.begin("sync")()
	return f.File.Sync()
}

func (f watchedFile) Close() error {
	defer f.on.health.begin("close")()
	return f.File.Close()
}
