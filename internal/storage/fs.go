package storage

import (
	"errors"
	"io"
	"io/fs"
)

// FS is one directory. Names are as [fs.ValidPath] has them: separated by slashes, without "..",
// and they stay below the directory, also through symbolic links; "." is the directory itself.
// Errors keep the operating system's number, for [Classify] and for [fs.ErrNotExist]. Methods may
// be called by several goroutines at once.
type FS interface {
	// Open opens a regular file. Flags are os.O_RDONLY or os.O_RDWR, with os.O_CREATE and os.O_EXCL.
	// The name of a new file is durable after SyncDir of its folder.
	Open(name string, flag int) (File, error)
	// Remove removes a file or an empty folder. Files that are open stay readable, and their blocks
	// taken, until they are closed.
	Remove(name string) error
	// Rename gives a file another name and replaces what had it. On FAT a power cut may leave both
	// names, neither, or an empty file, so nothing may rest on it that a power cut must not break.
	Rename(from, to string) error
	// Mkdir makes a folder, whose parent has to exist. It returns nil if the folder exists.
	Mkdir(name string) error
	// List returns what is in a folder, ordered by name.
	List(dir string) ([]fs.FileInfo, error)
	// SyncDir makes the names in a folder durable, and on FAT the sizes of its files.
	SyncDir(dir string) error
	// Space returns the bytes that this process may still write, and those of the file system.
	Space() (free, total int64, err error)
	// Volume returns what the directory lies on. Its error is of [Gone] once the directory that was
	// opened is no longer the one at its path: a card was mounted over it, or is no longer.
	Volume() (Volume, error)
	// Close gives the directory's lock back. Files that are open stay open.
	Close() error
}

// File is a file that is used at offsets alone. After a failed WriteAt, Truncate or Sync what is on
// the card is unknown, and a second Sync may report success without having written: give the file
// up, read it anew. Methods may be called by several goroutines at once.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	// Truncate sets the size. What it adds reads as zeros; on FAT, after a power cut, as whatever
	// an earlier file left there. On other file systems it takes no space.
	Truncate(size int64) error
	// Sync returns nil once what was written is on the card, and the size, but on FAT see SyncDir.
	Sync() error
}

// Volume tells a missing or another card from the one of before.
type Volume struct {
	// ID is that of the file system: of ext4, xfs and btrfs its own, of FAT only its device's, so
	// that two FAT cards in one slot have the same. A [Slot] of the card's own tells them apart.
	ID       string
	Root     bool // the directory lies on the root file system: no card is mounted
	ReadOnly bool // mounted read-only, by intention or since the file system found an error in itself
}

// ErrInUse is wrapped by [*InUseError].
var ErrInUse = errors.New("storage: directory in use")

// InUseError reports a directory whose lock another process has, or another FS of this one.
type InUseError struct{ Path string }

func (e *InUseError) Error() string {
	return "storage: " + e.Path + " is in use by another recorder or process; stop that one or choose another directory"
}

// Unwrap returns [ErrInUse].
func (e *InUseError) Unwrap() error { return ErrInUse }

// ErrGone is the error of an FS whose directory was removed, or covered or uncovered by a mount.
// Close the FS and open the directory anew.
var ErrGone = errors.New("storage: the directory is no longer at its path: mount the card again; if it was removed, it is made anew")

// ErrNewer reports a Slot or Journal that newer firmware wrote. It is left as it is.
var ErrNewer = errors.New("storage: written by newer firmware")
