package storagetest_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

// The change at which the power fails may have happened, and everything after it fails.
func TestCut(t *testing.T) {
	script := func(disk *storagetest.FS) error {
		return errors.Join(func() error {
			f, err := disk.Open("a", os.O_RDWR|os.O_CREATE)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte("1"), 0)
			return errors.Join(err, f.Sync(), disk.SyncDir("."))
		}(), disk.Rename("a", "b"))
	}
	whole := storagetest.New(storagetest.Ext4, 1<<20)
	must(t, script(whole))
	if whole.Ops() != 5 {
		t.Fatalf("%d changes", whole.Ops())
	}
	for op := range whole.Ops() {
		disk := storagetest.New(storagetest.Ext4, 1<<20)
		disk.CutAt(op)
		if err := script(disk); !errors.Is(err, storagetest.ErrPower) || disk.Ops() != op+1 {
			t.Fatalf("cut at %d: %v after %d", op, err, disk.Ops())
		}
		if _, err := disk.List("."); !errors.Is(err, storagetest.ErrPower) {
			t.Error("reading goes on without power:", err)
		}
		equal(t, boots(disk, func(d *storagetest.FS) string { return content(t, d, "a") + "," + content(t, d, "b") }),
			[][]string{{"none,none", ",none"}, {"none,none", ",none", "1,none"}, {"none,none", ",none", "1,none"},
				{"none,none", "1,none"}, {"1,none", "none,1"}}[op]...)
	}
	disk := storagetest.New(storagetest.Ext4, 1<<20)
	must(t, script(disk))
	disk.CutAt(2)
	if _, err := disk.List("."); !errors.Is(err, storagetest.ErrPower) {
		t.Error("a cut in the past:", err)
	}
}

func TestFail(t *testing.T) {
	disk := storagetest.New(storagetest.Ext4, 1<<20)
	f := create(t, disk, "a")
	disk.Fail("WriteAt", 1, syscall.EIO)
	disk.Fail("WriteAt", 1, syscall.ENOSPC)
	for i, want := range []error{nil, syscall.EIO, syscall.ENOSPC, nil} {
		if _, err := f.WriteAt([]byte("1"), int64(i)); !errors.Is(err, want) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if s := content(t, disk, "a"); s != "1\x00\x001" || disk.Written() != 2 || disk.Calls("WriteAt") != 4 {
		t.Errorf("%q, %d bytes, %d calls", s, disk.Written(), disk.Calls("WriteAt"))
	}
	disk.Break("List", syscall.EIO)
	for range 2 {
		if _, err := disk.List("."); !errors.Is(err, syscall.EIO) {
			t.Error(err)
		}
	}
	disk.Break("List", nil)
	if _, err := disk.List("."); err != nil {
		t.Error(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("an operation that there is not is taken")
		}
	}()
	disk.Fail("Fsync", 0, syscall.EIO)
}

func TestStallAndDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := storagetest.New(storagetest.Ext4, 1<<20)
		f := create(t, disk, "a")
		begin := time.Now()
		disk.Delay("Sync", 3*time.Second)
		must(t, f.Sync())
		disk.Delay("Sync", 0)
		must(t, f.Sync())
		if d := time.Since(begin); d != 3*time.Second {
			t.Error(d)
		}
		release := disk.Stall("Sync")
		done := make(chan error, 1)
		go func() { done <- f.Sync() }()
		time.Sleep(time.Hour)
		must(t, disk.SyncDir("."))
		select {
		case <-done:
			t.Error("the stalled call returned")
		default:
		}
		release()
		release()
		must(t, <-done)
		must(t, f.Sync())
	})
}

// What was opened before a card was pulled out stays dead, also when the card is back.
func TestEject(t *testing.T) {
	disk := storagetest.New(storagetest.FAT, 1<<20)
	d, err := disk.Dir()
	must(t, err)
	f := synced(t, d, "a", []byte("1"))
	back := disk.Restart(rand.New(rand.NewPCG(1, 1)))
	disk.Eject()
	if _, err := disk.Dir(); !errors.Is(err, syscall.ENODEV) {
		t.Error(err)
	}
	disk.Insert(storagetest.New(storagetest.FAT, 1<<20))
	other, err := disk.Dir()
	must(t, err)
	if s := content(t, other, "a"); s != "none" {
		t.Error(s)
	}
	disk.Eject()
	disk.Insert(back)
	again, err := disk.Dir()
	must(t, err)
	if s := content(t, again, "a"); s != "1" {
		t.Error(s)
	}
	if _, err := d.List("."); !errors.Is(err, syscall.ENODEV) {
		t.Error(err)
	}
	if err := f.Sync(); !errors.Is(err, syscall.ENODEV) {
		t.Error(err)
	}
	must(t, f.Close())
	must(t, d.Close())
}

func TestLock(t *testing.T) {
	disk := storagetest.New(storagetest.FAT, 1<<20)
	d, err := disk.Dir()
	must(t, err)
	if _, err := disk.Dir(); !errors.Is(err, storage.ErrInUse) {
		t.Error(err)
	}
	if _, err := disk.Restart(rand.New(rand.NewPCG(1, 1))).Dir(); err != nil {
		t.Error("a boot finds the directory locked:", err)
	}
	must(t, d.Close())
	if _, err := disk.Dir(); err != nil {
		t.Error(err)
	}
}

func TestReadOnly(t *testing.T) {
	disk := storagetest.New(storagetest.Ext4, 1<<20)
	f := synced(t, disk, "a", []byte("1"))
	disk.ReadOnly(true)
	_, create := disk.Open("b", os.O_RDWR|os.O_CREATE)
	_, open := disk.Open("a", os.O_RDWR)
	_, write := f.WriteAt([]byte("2"), 0)
	for _, err := range []error{create, open, write, f.Truncate(0), f.Sync(), disk.Remove("a"), disk.Rename("a", "b"), disk.Mkdir("c"), disk.SyncDir(".")} {
		if !errors.Is(err, syscall.EROFS) {
			t.Error(err)
		}
	}
	if v, err := disk.Volume(); err != nil || !v.ReadOnly || content(t, disk, "a") != "1" {
		t.Error(v, err)
	}
	disk.ReadOnly(false)
	must(t, disk.Remove("a"))
}

func TestSpace(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			disk := storagetest.New(kind, 64<<10)
			free := func(want int64) {
				t.Helper()
				if got, total, err := disk.Space(); err != nil || got != want || total != 64<<10 {
					t.Errorf("%d bytes of %d are free (%v), want %d", got, total, err, want)
				}
			}
			f := create(t, disk, "a")
			must(t, f.Truncate(32<<10))
			if kind == storagetest.FAT {
				free(32 << 10)
				if err := f.Truncate(100 << 10); !errors.Is(err, syscall.ENOSPC) {
					t.Error(err)
				}
				if err := f.Truncate(4 << 30); !errors.Is(err, syscall.EFBIG) {
					t.Error(err)
				}
			} else {
				free(64 << 10)
			}
			disk.SetFree(8 << 10)
			free(8 << 10)
			n, err := f.WriteAt(make([]byte, 48<<10), 0) // ext4 has no room for what was preallocated
			want := map[storagetest.Kind]int{storagetest.Ext4: 8 << 10, storagetest.FAT: 40 << 10}[kind]
			if !errors.Is(err, syscall.ENOSPC) || n != want {
				t.Error(n, err)
			}
			free(0)
			must(t, disk.Remove("a"))
			free(0) // the file is open
			must(t, f.Close())
			free(int64(want))
			disk.SetFree(64 << 10)
			free(64 << 10)
			g := create(t, disk, "b")
			write(t, g, 0, make([]byte, 20<<10))
			must(t, g.Sync())
			must(t, disk.SyncDir("."))
			next := disk.Restart(rand.New(rand.NewPCG(1, 1)))
			if got, _, _ := next.Space(); got != 44<<10 {
				t.Errorf("%d bytes are free after a boot", got)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	disk := storagetest.New(storagetest.FAT, 1<<20)
	f := synced(t, disk, "a", []byte("123"))
	must(t, disk.Mkdir("d"))
	must(t, disk.Mkdir("d"))
	synced(t, disk, "d/x", nil)
	open := func(name string, flag int) error { _, err := disk.Open(name, flag); return err }
	for i, c := range []struct{ got, want error }{
		{open("../a", os.O_RDONLY), syscall.EINVAL},
		{open("/a", os.O_RDONLY), syscall.EINVAL},
		{open("a:b", os.O_RDWR|os.O_CREATE), syscall.EINVAL},
		{open("none", os.O_RDONLY), fs.ErrNotExist},
		{open("none/x", os.O_RDWR|os.O_CREATE), fs.ErrNotExist},
		{open("a/x", os.O_RDWR|os.O_CREATE), syscall.ENOTDIR},
		{open("a", os.O_RDWR|os.O_CREATE|os.O_EXCL), fs.ErrExist},
		{open("a", os.O_RDWR|os.O_APPEND), syscall.EINVAL},
		{open("d", os.O_RDONLY), syscall.EISDIR},
		{disk.Remove("d"), syscall.ENOTEMPTY},
		{disk.Remove("none"), fs.ErrNotExist},
		{disk.Mkdir("a"), fs.ErrExist},
		{disk.Mkdir("x/y"), fs.ErrNotExist},
		{disk.Rename("d", "d/e"), syscall.EINVAL},
		{disk.SyncDir("a"), syscall.ENOTDIR},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%d: %v, want %v", i, c.got, c.want)
		}
	}
	b := make([]byte, 4)
	if n, err := f.ReadAt(b, 1); n != 2 || err != io.EOF {
		t.Error(n, err)
	}
	r, err := disk.Open("a", os.O_RDONLY)
	must(t, err)
	if _, err := r.WriteAt(b, 0); !errors.Is(err, syscall.EBADF) {
		t.Error(err)
	}
	must(t, r.Close())
	if _, err := r.ReadAt(b, 0); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
}
