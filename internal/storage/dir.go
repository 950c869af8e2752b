//go:build linux || darwin

package storage

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxEntries bounds what List holds. A FAT folder has at most half of that.
const maxEntries = 1 << 17

// dir is a directory by its handle: what is mounted over its path, or no longer, is another one.
type dir struct {
	path   string
	root   *os.Root
	handle *os.File // of the directory itself; has the lock
}

// Dir opens a directory of the machine and makes its last element if that is missing. It holds the
// directory's flock until Close; the lock ends with the process, however that ends. A lock that is
// held elsewhere, for longer than 0.2 s, is an [*InUseError].
func Dir(path string) (FS, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%w: %w", ErrGone, err)
			}
			return nil, err
		}
		if err := syncFolder(os.Open(filepath.Dir(path))); err != nil && !errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	handle, err := root.Open(".")
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	d := &dir{path, root, handle}
	if err := d.lock(); err != nil {
		_ = d.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &InUseError{path}
		}
		return nil, &fs.PathError{Op: "flock", Path: path, Err: err}
	}
	return d, nil
}

// lock waits a moment for a process that was killed: Linux may give its lock back after the parent
// has seen its end.
func (d *dir) lock() (err error) {
	for range 10 {
		if err = unix.Flock(int(d.handle.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

// Open opens without blocking, so that a pipe or device on the card is refused instead of waited for.
func (d *dir) Open(name string, flag int) (File, error) {
	if err := check("open", name); err != nil {
		return nil, err
	}
	if flag&^(os.O_RDWR|os.O_CREATE|os.O_EXCL) != 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EINVAL}
	}
	f, err := d.root.OpenFile(name, flag|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, d.present(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return file{f}, nil
}

// Remove is that of [FS].
func (d *dir) Remove(name string) error {
	return cmp.Or(check("remove", name), d.present(d.root.Remove(name)))
}

// Rename is that of [FS].
func (d *dir) Rename(from, to string) error {
	return cmp.Or(check("rename", from), check("rename", to), d.present(d.root.Rename(from, to)))
}

// Mkdir is that of [FS].
func (d *dir) Mkdir(name string) error {
	if err := check("mkdir", name); err != nil {
		return err
	}
	err := d.root.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		if info, serr := d.root.Stat(name); serr == nil && info.IsDir() {
			return nil
		}
	}
	return d.present(err)
}

// List is that of [FS].
func (d *dir) List(name string) ([]fs.FileInfo, error) {
	if err := check("list", name); err != nil {
		return nil, err
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, d.present(err)
	}
	defer f.Close()
	infos, err := d.list(f, name, maxEntries)
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return cmp.Compare(a.Name(), b.Name()) })
	return infos, d.present(err)
}

// list asks for each name below the root's handle: File.ReadDir's infos go by the path, which may
// be another card's by now.
func (d *dir) list(f *os.File, folder string, limit int) (infos []fs.FileInfo, err error) {
	for {
		names, err := f.Readdirnames(1024)
		for _, name := range names {
			info, err := d.root.Lstat(filepath.Join(folder, name))
			if errors.Is(err, fs.ErrNotExist) {
				continue // removed meanwhile
			}
			if err != nil {
				return nil, err
			}
			if infos = append(infos, info); len(infos) > limit {
				return nil, &fs.PathError{Op: "list", Path: folder, Err: fmt.Errorf("more than %d names; remove what is not the recorder's", limit)}
			}
		}
		if errors.Is(err, io.EOF) {
			return infos, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// SyncDir is that of [FS].
func (d *dir) SyncDir(name string) error {
	if err := check("sync", name); err != nil {
		return err
	}
	return d.present(syncFolder(d.root.Open(name)))
}

// syncFolder passes over file systems that cannot sync a folder, such as some of FUSE.
func syncFolder(f *os.File, err error) error {
	if err != nil {
		return err
	}
	defer f.Close()
	if err = f.Sync(); errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// Space is that of [FS].
func (d *dir) Space() (free, total int64, err error) {
	st, err := d.statfs()
	if err != nil {
		return 0, 0, err
	}
	size := blockSize(st)
	return product(clamp(st.Bavail), size), product(clamp(st.Blocks), size), nil
}

// Volume is that of [FS].
func (d *dir) Volume() (Volume, error) {
	own, err := d.handle.Stat()
	if err != nil {
		return Volume{}, err
	}
	if !d.inPlace(own) {
		return Volume{}, &fs.PathError{Op: "volume", Path: d.path, Err: ErrGone}
	}
	top, err := os.Stat("/")
	if err != nil {
		return Volume{}, err
	}
	st, err := d.statfs()
	if err != nil {
		return Volume{}, err
	}
	v := Volume{Root: device(own) == device(top), ReadOnly: st.Flags&readOnlyFlag != 0}
	if id := fsid(st); id != [2]int32{} {
		v.ID = fmt.Sprintf("%08x%08x", uint32(id[0]), uint32(id[1]))
	} else {
		v.ID = fmt.Sprintf("device %d", device(own))
	}
	return v, nil
}

// Close is that of [FS].
func (d *dir) Close() error { return errors.Join(d.root.Close(), d.handle.Close()) }

// present tells a missing name from a directory that is no longer there.
func (d *dir) present(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if own, serr := d.handle.Stat(); serr == nil && d.inPlace(own) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrGone, err)
}

func (d *dir) inPlace(own fs.FileInfo) bool {
	there, err := os.Stat(d.path)
	return err == nil && os.SameFile(own, there)
}

func (d *dir) statfs() (*unix.Statfs_t, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(d.handle.Fd()), &st); err != nil {
		return nil, &fs.PathError{Op: "statfs", Path: d.path, Err: err}
	}
	return &st, nil
}

func check(op, name string) error {
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

func device(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return widen(st.Dev)
	}
	return 0
}

type integer interface {
	~int32 | ~uint32 | ~int64 | ~uint64
}

// clamp and widen are generic because the fields' types differ between platforms.
func clamp[T integer](n T) int64 {
	if n < 0 {
		return 0
	}
	return int64(min(uint64(n), math.MaxInt64))
}

func widen[T integer](n T) uint64 { return uint64(n) }

func product(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}

type file struct{ *os.File }

// Size is that of [File].
func (f file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Sync is that of [File].
func (f file) Sync() error { return datasync(f.File) }
