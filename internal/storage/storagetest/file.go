package storagetest

import (
	"io"
	"io/fs"
	"slices"
	"syscall"
	"time"
)

// longest is the size of the longest file of FAT.
const longest = 4<<30 - 1

// file is an open file.
type file struct {
	f      *FS
	c      *card
	n      *node
	name   string
	writes bool
	closed bool
}

func (h *file) do(op string, body func() error, failed func()) error {
	return h.f.name(h.c, op, h.name, func() error {
		if h.closed {
			return fs.ErrClosed
		}
		return body()
	}, failed)
}

// ReadAt reads what the program sees, whether synced or not.
func (h *file) ReadAt(b []byte, off int64) (n int, err error) {
	end := false
	err = h.do("ReadAt", func() error {
		if off < 0 {
			return syscall.EINVAL
		}
		n = int(min(int64(len(b)), max(0, h.n.size-off)))
		h.n.now.read(b[:n], off)
		end = n < len(b)
		return nil
	}, nil)
	if err == nil && end {
		err = io.EOF
	}
	return n, err
}

// WriteAt writes as much as there is space for.
func (h *file) WriteAt(b []byte, off int64) (n int, err error) {
	err = h.change("WriteAt", func() error {
		if off < 0 {
			return syscall.EINVAL
		}
		if h.c.kind == FAT && off > h.n.size {
			if err := h.resize(off); err != nil {
				return err
			}
		}
		n, err = h.room(b, off)
		if n == 0 {
			return err
		}
		h.c.resize(h.n, func() {
			h.n.now.write(b[:n], off)
			h.n.size = max(h.n.size, off+int64(n))
		})
		h.n.log = append(h.n.log, write{off, slices.Clone(b[:n])})
		h.f.written += int64(n)
		return err
	})
	return n, err
}

// room returns how many of b's bytes there is space for.
func (h *file) room(b []byte, off int64) (int, error) {
	free := h.c.free() / chunkSize
	for n := 0; n < len(b); {
		at := off + int64(n)
		if h.c.kind == FAT && at >= longest {
			return n, syscall.EFBIG
		}
		takes := h.n.now.missing(at)
		if h.c.kind == FAT {
			takes = at >= h.c.space(h.n)
		}
		if takes {
			if free--; free < 0 {
				return n, syscall.ENOSPC
			}
		}
		n += int(chunkSize - at%chunkSize)
	}
	return len(b), nil
}

// Truncate sets the size.
func (h *file) Truncate(size int64) error {
	return h.change("Truncate", func() error {
		if size < 0 {
			return syscall.EINVAL
		}
		return h.resize(size)
	})
}

func (h *file) resize(size int64) error {
	if h.c.kind == FAT {
		more := (size+chunkSize-1)/chunkSize*chunkSize - h.c.space(h.n)
		switch {
		case size > longest:
			return syscall.EFBIG
		case more > 0 && more > h.c.free():
			return syscall.ENOSPC
		}
	}
	if size < h.n.size {
		h.c.bury(h.n)
	}
	h.c.resize(h.n, func() {
		h.n.now.cut(size)
		h.n.size = size
	})
	h.n.log = append(h.n.log, write{off: size})
	return nil
}

// Size returns the size that the program sees.
func (h *file) Size() (size int64, err error) {
	err = h.do("Size", func() error {
		size = h.n.size
		return nil
	}, nil)
	return size, err
}

// Sync makes the content safe, and the size but for FAT.
func (h *file) Sync() error {
	return h.do("Sync", func() error {
		if err := h.f.change(); err != nil {
			return err
		}
		if !h.f.off() {
			h.c.sync(h.n)
		}
		return nil
	}, func() { h.c.forget(h.n, h.f.coin) })
}

// Close frees a file that has no name any more.
func (h *file) Close() error {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	if h.closed {
		return fs.ErrClosed
	}
	h.closed = true
	h.n.opens--
	h.c.drop(h.n)
	return nil
}

// change makes one call that changes the file.
func (h *file) change(op string, body func() error) error {
	return h.do(op, func() error {
		if !h.writes {
			return syscall.EBADF
		}
		if err := h.f.change(); err != nil {
			return err
		}
		h.n.changed = time.Now()
		return body()
	}, nil)
}
