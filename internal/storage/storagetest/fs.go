package storagetest

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// Kind is what a power cut leaves.
type Kind uint8

const (
	// Ext4 keeps the changes of names in order: those that were not synced are forgotten from some
	// moment on. A rename is there or not. Files take space for what was written to them.
	Ext4 Kind = iota
	// FAT forgets any changes of names that were not synced. A rename shows both names, one,
	// neither, or an empty file; a removed file that is back may be empty. The size of a file is
	// stale until SyncDir of its folder. Files take space by their size and end before 4 GiB; what
	// was never written shows, after a power cut, what a removed file had there.
	FAT
)

// ErrPower is the error of every call since the power cut.
var ErrPower = errors.New("storagetest: the power is gone")

// FS is a machine's card slot with a card. Its own methods see the card that is in, as a test does;
// the program under test gets its FS from Dir, with the lock, and has to open it anew after Eject.
// Methods may be called by several goroutines at once.
//
// Operations ("op") are named by their methods: Open, Remove, Rename, Mkdir, List, SyncDir, Space,
// Volume of storage.FS, and ReadAt, WriteAt, Size, Truncate, Sync of storage.File.
type FS struct {
	mu       sync.Mutex
	card     *card // nil while ejected
	ops      int
	cutAt    int // below zero: never
	calls    map[string]int
	written  int64
	fails    []*fault
	breaks   map[string]error
	stalls   map[string]chan struct{}
	delays   map[string]time.Duration
	readOnly bool
	coin     *rand.Rand // what a failed Sync has written all the same
}

// New returns an empty card of so many bytes, in its slot.
func New(kind Kind, bytes int64) *FS {
	return slot(&card{kind: kind, total: bytes, root: newFolder(), volume: storage.Volume{ID: "card"}})
}

func slot(c *card) *FS {
	return &FS{
		card: c, cutAt: -1, calls: map[string]int{}, breaks: map[string]error{}, stalls: map[string]chan struct{}{},
		delays: map[string]time.Duration{}, coin: rand.New(rand.NewPCG(1, 2)),
	}
}

// Dir opens the card as [storage.Dir] does: one at a time, others get a *storage.InUseError. After
// Eject all it returned before fails with ENODEV for ever, and so do its files.
func (f *FS) Dir() (storage.FS, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive(f.card); err != nil {
		return nil, err
	}
	if f.card.locked {
		return nil, &storage.InUseError{Path: "storagetest"}
	}
	f.card.locked = true
	return &dir{f, f.card}, nil
}

// dir is what Dir returned of one card.
type dir struct {
	f *FS
	c *card
}

func (d *dir) Open(name string, flag int) (storage.File, error) { return d.f.open(d.c, name, flag) }
func (d *dir) Remove(name string) error                         { return d.f.remove(d.c, name) }
func (d *dir) Rename(from, to string) error                     { return d.f.rename(d.c, from, to) }
func (d *dir) Mkdir(name string) error                          { return d.f.mkdir(d.c, name) }
func (d *dir) List(name string) ([]fs.FileInfo, error)          { return d.f.list(d.c, name) }
func (d *dir) SyncDir(name string) error                        { return d.f.syncDir(d.c, name) }
func (d *dir) Space() (free, total int64, err error)            { return d.f.space(d.c) }
func (d *dir) Volume() (storage.Volume, error)                  { return d.f.getVolume(d.c) }

// Close gives the lock back.
func (d *dir) Close() error {
	d.f.mu.Lock()
	defer d.f.mu.Unlock()
	d.c.locked = false
	return nil
}

func (f *FS) now() *card {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.card
}

// Open is that of storage.FS.
func (f *FS) Open(name string, flag int) (storage.File, error) { return f.open(f.now(), name, flag) }

// Remove is that of storage.FS.
func (f *FS) Remove(name string) error { return f.remove(f.now(), name) }

// Rename is that of storage.FS.
func (f *FS) Rename(from, to string) error { return f.rename(f.now(), from, to) }

// Mkdir is that of storage.FS.
func (f *FS) Mkdir(name string) error { return f.mkdir(f.now(), name) }

// List is that of storage.FS.
func (f *FS) List(dir string) ([]fs.FileInfo, error) { return f.list(f.now(), dir) }

// SyncDir is that of storage.FS.
func (f *FS) SyncDir(dir string) error { return f.syncDir(f.now(), dir) }

// Space is that of storage.FS.
func (f *FS) Space() (free, total int64, err error) { return f.space(f.now()) }

// Volume is that of storage.FS.
func (f *FS) Volume() (storage.Volume, error) { return f.getVolume(f.now()) }

// Close returns nil: the test has no lock.
func (f *FS) Close() error { return nil }
