package card

import (
	"os"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// watched is a storage whose operations health follows.
type watched struct {
	storage.FS
	health *Health
}

func (w watched) Open(name string, flag int) (storage.File, error) {
	defer w.health.begin("open")()
	f, err := w.FS.Open(name, flag)
	if err != nil || flag == os.O_RDONLY {
		return f, err
	}
	return watchedFile{f, w.health}, nil
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

// watchedFile is a file that is written.
type watchedFile struct {
	storage.File
	health *Health
}

func (f watchedFile) WriteAt(b []byte, at int64) (int, error) {
	defer f.health.begin("write")()
	return f.File.WriteAt(b, at)
}

func (f watchedFile) Truncate(size int64) error {
	defer f.health.begin("truncate")()
	return f.File.Truncate(size)
}

func (f watchedFile) Sync() error {
	defer f.health.begin("sync")()
	return f.File.Sync()
}

func (f watchedFile) Close() error {
	defer f.health.begin("close")()
	return f.File.Close()
}
