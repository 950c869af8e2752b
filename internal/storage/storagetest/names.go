package storagetest

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// find returns the folder of a name, the last element, and what has the name, if anything.
func (c *card) find(name string) (folder *node, last string, n *node, err error) {
	if !fs.ValidPath(name) || c.kind == FAT && strings.ContainsAny(name, `\:*?"<>|`) {
		return nil, "", nil, syscall.EINVAL
	}
	if name == "." {
		return nil, ".", c.root, nil
	}
	folder = c.root
	parent, last := path.Split(name)
	for element := range strings.SplitSeq(strings.TrimSuffix(parent, "/"), "/") {
		if element == "" {
			continue
		}
		switch next := folder.names[element]; {
		case next == nil:
			return nil, "", nil, syscall.ENOENT
		case !next.folder():
			return nil, "", nil, syscall.ENOTDIR
		default:
			folder = next
		}
	}
	return folder, last, folder.names[last], nil
}

// name makes one call that concerns a name.
func (f *FS) name(c *card, op, name string, body func() error, failed func()) error {
	if err := f.do(c, op, body, failed); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

func (f *FS) open(c *card, name string, flag int) (storage.File, error) {
	var h *file
	err := f.name(c, "Open", name, func() error {
		if flag&^(os.O_RDWR|os.O_CREATE|os.O_EXCL) != 0 {
			return syscall.EINVAL
		}
		folder, last, n, err := c.find(name)
		switch {
		case err != nil:
			return err
		case n == nil && flag&os.O_CREATE == 0:
			return syscall.ENOENT
		case n == nil:
			if err := f.change(); err != nil {
				return err
			}
			n = &node{changed: time.Now()}
			n.opens++
			c.change(&rename{n: n, to: folder, toAs: last})
		case n.folder():
			return syscall.EISDIR
		case flag&os.O_EXCL != 0:
			return syscall.EEXIST
		case f.readOnly && flag&os.O_RDWR != 0:
			return syscall.EROFS
		default:
			n.opens++
		}
		h = &file{f: f, c: c, n: n, name: name, writes: flag&os.O_RDWR != 0}
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (f *FS) remove(c *card, name string) error {
	return f.name(c, "Remove", name, func() error {
		folder, last, n, err := c.find(name)
		switch {
		case err != nil:
			return err
		case n == nil:
			return syscall.ENOENT
		case folder == nil:
			return syscall.EBUSY
		case len(n.names) > 0:
			return syscall.ENOTEMPTY
		}
		if err := f.change(); err != nil {
			return err
		}
		c.change(&rename{n: n, from: folder, fromAs: last})
		return nil
	}, nil)
}

func (f *FS) rename(c *card, from, to string) error {
	return f.name(c, "Rename", from, func() error {
		a, fromAs, n, err := c.find(from)
		if err != nil {
			return err
		}
		b, toAs, old, err := c.find(to)
		switch {
		case err != nil:
			return err
		case n == nil:
			return syscall.ENOENT
		case a == nil || b == nil || n.folder() && strings.HasPrefix(to, from+"/"):
			return syscall.EINVAL
		case old == n:
			return nil
		case old != nil && (old.folder() || n.folder()):
			return syscall.EEXIST
		}
		if err := f.change(); err != nil {
			return err
		}
		c.change(&rename{n: n, from: a, fromAs: fromAs, to: b, toAs: toAs})
		return nil
	}, nil)
}

func (f *FS) mkdir(c *card, name string) error {
	return f.name(c, "Mkdir", name, func() error {
		folder, last, n, err := c.find(name)
		switch {
		case err != nil:
			return err
		case n != nil && n.folder():
			return nil
		case n != nil:
			return syscall.EEXIST
		}
		if err := f.change(); err != nil {
			return err
		}
		c.change(&rename{n: newFolder(), to: folder, toAs: last})
		return nil
	}, nil)
}

func (f *FS) list(c *card, name string) (infos []fs.FileInfo, err error) {
	err = f.name(c, "List", name, func() error {
		_, _, n, err := c.find(name)
		switch {
		case err != nil:
			return err
		case n == nil:
			return syscall.ENOENT
		case !n.folder():
			return syscall.ENOTDIR
		}
		for name, child := range n.names {
			infos = append(infos, info{name, child.size, child.changed, child.folder()})
		}
		slices.SortFunc(infos, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
		return nil
	}, nil)
	return infos, err
}

func (f *FS) syncDir(c *card, name string) error {
	return f.name(c, "SyncDir", name, func() error {
		_, _, n, err := c.find(name)
		switch {
		case err != nil:
			return err
		case n == nil:
			return syscall.ENOENT
		case !n.folder():
			return syscall.ENOTDIR
		}
		if err := f.change(); err != nil {
			return err
		}
		if !f.off() {
			c.settle(n)
		}
		return nil
	}, func() {
		if _, _, n, _ := c.find(name); n != nil {
			for _, r := range c.renames {
				r.lost = r.lost || r.touches(n)
			}
		}
	})
}

func (f *FS) space(c *card) (free, total int64, err error) {
	err = f.name(c, "Space", ".", func() error {
		free, total = c.free(), c.total
		return nil
	}, nil)
	return free, total, err
}

func (f *FS) getVolume(c *card) (v storage.Volume, err error) {
	err = f.name(c, "Volume", ".", func() error {
		v = c.volume
		v.ReadOnly = v.ReadOnly || f.readOnly
		return nil
	}, nil)
	return v, err
}

type info struct {
	name    string
	size    int64
	changed time.Time
	folder  bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.changed }
func (i info) IsDir() bool        { return i.folder }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
