package card

import (
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// Card is the storage that is open. Its catalog and Open may be used concurrently; the rest
// is for the goroutine that writes.
type Card struct {
	FS  storage.FS // whose operations the drive's health follows
	Cat *catalog.Catalog
	ID  ulid.ID

	Found []catalog.Change // when it was opened

	drive *Drive
	live  atomic.Pointer[live] // nil if no file is written
}

// live is what others may read of the file that is written.
type live struct {
	seq     uint64
	content *segment.Content
}

// Live lets readers have what is committed of the file that is written; nil ends that.
func (c *Card) Live(seq uint64, content *segment.Content) {
	if content == nil {
		c.live.Store(nil)
		return
	}
	c.live.Store(&live{seq, content})
}

// Open opens a media file for reading, with what is committed of it.
func (c *Card) Open(seq uint64) (*segment.Content, storage.File, error) {
	f, ok := c.Cat.File(seq)
	if !ok || f.Gone || f.Going {
		return nil, nil, fmt.Errorf("recorder: file %d: %w", seq, os.ErrNotExist)
	}
	file, err := c.FS.Open(f.Name(), os.O_RDONLY)
	if err != nil {
		return nil, nil, fmt.Errorf("recorder: %w", err)
	}
	if l := c.live.Load(); l != nil && l.seq == seq {
		return l.content, file, nil
	}
	content, err := segment.Open(file)
	if err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("recorder: %s: %w", f.Name(), err)
	}
	return content, file, nil
}

// Present returns why the card cannot be written to, as far as that can be seen.
func (c *Card) Present() error {
	v, err := c.FS.Volume()
	switch {
	case err != nil:
		return err
	case v.Root && !c.drive.cfg.OnRoot:
		return errRoot
	case v.ReadOnly:
		return c.Unwritable(syscall.EROFS)
	}
	return nil
}

// Unwritable is the error of a write that was not tried because of err.
func (c *Card) Unwritable(err error) error {
	return &fs.PathError{Op: "write", Path: c.drive.cfg.Dir, Err: err}
}

// Close closes the catalog and the storage. What they could not write is found again from
// the files.
func (c *Card) Close() {
	_ = c.Cat.Close()
	_ = c.FS.Close()
}
