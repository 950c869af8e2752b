package storage_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// mounts runs f in a mount namespace of its own, on a thread that ends with it.
func mounts(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	done, skip := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread is not used again
		if err := errors.Join(unix.Unshare(unix.CLONE_FS|unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")); err != nil {
			skip <- err
			return
		}
		f()
	}()
	<-done
	select {
	case err := <-skip:
		t.Skip(err)
	default:
	}
}

// A card that is mounted over the directory, full, read-only and unmounted.
func TestMounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card")
	mounts(t, func() {
		below, err := storage.Dir(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer below.Close()
		if err := unix.Mount("tmpfs", path, "tmpfs", 0, "size=1m"); err != nil {
			t.Log("tmpfs cannot be mounted:", err)
			return
		}
		if _, err := below.Volume(); storage.Classify(err) != storage.Gone {
			t.Error("a directory below a mount:", err)
		}
		card, err := storage.Dir(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer card.Close()
		if v, err := card.Volume(); err != nil || v.Root || v.ReadOnly {
			t.Error(v, err)
		}
		j, err := storage.OpenJournal(card, "j", 8<<20)
		if err != nil {
			t.Error(err)
			return
		}
		defer j.Close()
		for err == nil {
			_, err = j.Append(make([]byte, 100<<10))
		}
		if storage.Classify(err) != storage.Full || errors.Is(err, storage.ErrJournalFull) || errors.Is(err, storage.ErrBroken) {
			t.Error("a full card:", err)
		}
		if free, total, err := card.Space(); err != nil || total != 1<<20 || free > 200<<10 {
			t.Error(free, total, err)
		}
		if n := len(records(j)); n < 3 {
			t.Errorf("%d records", n)
		}
		if err := unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err == nil {
			t.Error("a file open for writing keeps a file system from being made read-only")
		}
		_ = j.Close()
		if err := unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Error(err)
		}
		if v, err := card.Volume(); err != nil || !v.ReadOnly {
			t.Error(v, err)
		}
		if j, err = storage.OpenJournal(card, "j", 8<<20); err != nil {
			t.Error(err)
			return
		}
		if _, err := j.Append(nil); storage.Classify(err) != storage.ReadOnly {
			t.Error("a read-only card:", err)
		}
		_ = j.Close()
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
		if _, err := card.Volume(); storage.Classify(err) != storage.Gone {
			t.Error("a card that was taken out:", err)
		}
		if _, err := below.Volume(); err != nil {
			t.Error(err)
		}
	})
}

// A directory of the root file system is told from a card.
func TestRoot(t *testing.T) {
	path := t.TempDir()
	var own, top unix.Stat_t
	must(t, errors.Join(unix.Stat(path, &own), unix.Stat("/", &top)))
	if own.Dev != top.Dev {
		t.Skip("another file system")
	}
	if v, err := dir(t, path).Volume(); err != nil || !v.Root {
		t.Error(v, err)
	}
}
