package storagetest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

var kinds = map[string]storagetest.Kind{"ext4": storagetest.Ext4, "FAT": storagetest.FAT}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, fsys storage.FS, name string) storage.File {
	t.Helper()
	f, err := fsys.Open(name, os.O_RDWR|os.O_CREATE)
	must(t, err)
	return f
}

func write(t *testing.T, f storage.File, off int64, b []byte) {
	t.Helper()
	if n, err := f.WriteAt(b, off); err != nil || n != len(b) {
		t.Fatal(n, err)
	}
}

// synced makes a file that is safe.
func synced(t *testing.T, fsys storage.FS, name string, b []byte) storage.File {
	t.Helper()
	f := create(t, fsys, name)
	write(t, f, 0, b)
	must(t, f.Sync())
	must(t, fsys.SyncDir("."))
	return f
}

// content returns what a file holds, or "none".
func content(t *testing.T, fsys storage.FS, name string) string {
	t.Helper()
	f, err := fsys.Open(name, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return "none"
	}
	must(t, err)
	defer f.Close()
	size, err := f.Size()
	must(t, err)
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && (err != io.EOF || size > 0) {
		t.Fatal(err)
	}
	return string(b)
}

// boots returns what is found after power cuts, by how often.
func boots(disk *storagetest.FS, see func(*storagetest.FS) string) map[string]int {
	seen := map[string]int{}
	for seed := range uint64(400) {
		seen[see(disk.Restart(rand.New(rand.NewPCG(7, seed))))]++
	}
	return seen
}

func equal(t *testing.T, seen map[string]int, want ...string) {
	t.Helper()
	var got []string
	for s := range seen {
		got = append(got, s)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("seen %q, want %q", got, want)
	}
}

// What was synced, content and name, is there after every power cut, whatever was written to other
// files or other sectors since.
func TestSyncedIsKept(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			disk := storagetest.New(kind, 1<<20)
			must(t, disk.Mkdir("d"))
			must(t, disk.SyncDir("."))
			f := create(t, disk, "d/a")
			write(t, f, 0, bytes.Repeat([]byte("a"), 5000))
			must(t, f.Sync())
			must(t, disk.SyncDir("d"))
			write(t, f, 4608, bytes.Repeat([]byte("b"), 512))
			create(t, disk, "d/other")
			for s := range boots(disk, func(d *storagetest.FS) string { return content(t, d, "d/a") }) {
				if len(s) < 5000 || strings.Trim(s[:4608], "a") != "" {
					t.Fatalf("%d bytes, synced ones changed", len(s))
				}
			}
		})
	}
}

// Of what was not synced nothing, all, some sectors, and parts of sectors survive.
func TestUnsyncedIsLost(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			disk := storagetest.New(kind, 1<<20)
			f := synced(t, disk, "a", make([]byte, 8192))
			write(t, f, 256, bytes.Repeat([]byte("x"), 4096))
			none, all, torn, holes := 0, 0, 0, 0
			for s, n := range boots(disk, func(d *storagetest.FS) string { return content(t, d, "a") }) {
				written := strings.Count(s, "x")
				switch {
				case written == 0:
					none += n
				case written == 4096:
					all += n
				case written%512 != 0 && written%512 != 256:
					torn += n
				case strings.Contains(strings.Trim(s, "\x00"), "\x00"):
					holes += n
				}
			}
			if none < 10 || all < 10 || torn < 10 || holes < 10 {
				t.Errorf("none %d, all %d, torn %d, with holes %d of 400", none, all, torn, holes)
			}
		})
	}
}

// A sector that was written twice since the last Sync shows any of its three states.
func TestOlderStates(t *testing.T) {
	disk := storagetest.New(storagetest.Ext4, 1<<20)
	f := synced(t, disk, "a", []byte("1"))
	write(t, f, 0, []byte("2"))
	write(t, f, 0, []byte("3"))
	equal(t, boots(disk, func(d *storagetest.FS) string { return content(t, d, "a") }), "1", "2", "3")
}

func TestSizes(t *testing.T) {
	size := func(d *storagetest.FS) string { return fmt.Sprint(len(content(t, d, "a"))) }
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			disk := storagetest.New(kind, 1<<20)
			f := synced(t, disk, "a", []byte("1"))
			must(t, f.Truncate(9000))
			equal(t, boots(disk, size), "1", "9000")
			must(t, f.Sync())
			if kind == storagetest.FAT {
				equal(t, boots(disk, size), "1", "9000")
			} else {
				equal(t, boots(disk, size), "9000")
			}
			must(t, disk.SyncDir("."))
			equal(t, boots(disk, size), "9000")
			must(t, f.Truncate(100))
			equal(t, boots(disk, size), "100", "9000")
		})
	}
}

func names(t *testing.T, fsys storage.FS, dir string) string {
	t.Helper()
	infos, err := fsys.List(dir)
	must(t, err)
	var s []string
	for _, i := range infos {
		s = append(s, i.Name())
	}
	return strings.Join(s, " ")
}

// Names that were not synced are forgotten, with what is in a folder; ext4 forgets the newest first.
func TestNamesAreForgotten(t *testing.T) {
	root := func(d *storagetest.FS) string { return names(t, d, ".") }
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			disk := storagetest.New(kind, 1<<20)
			synced(t, disk, "old", nil)
			must(t, disk.Remove("old"))
			f := create(t, disk, "a")
			write(t, f, 0, []byte("1"))
			must(t, f.Sync())
			must(t, disk.Mkdir("b"))
			create(t, disk, "b/c")
			must(t, disk.SyncDir("b"))
			if kind == storagetest.FAT {
				equal(t, boots(disk, root), "", "a", "b", "old", "a b", "a old", "b old", "a b old")
			} else {
				equal(t, boots(disk, root), "old", "", "a", "a b")
			}
			must(t, disk.SyncDir("."))
			equal(t, boots(disk, root), "a b")
			equal(t, boots(disk, func(d *storagetest.FS) string { return names(t, d, "b") }), "c")
		})
	}
}

func TestRename(t *testing.T) {
	see := func(d *storagetest.FS) string { return content(t, d, "a") + "," + content(t, d, "b/c") }
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			disk := storagetest.New(kind, 1<<20)
			must(t, disk.Mkdir("b"))
			synced(t, disk, "a", []byte("new"))
			synced(t, disk, "b/c", []byte("old"))
			must(t, disk.SyncDir("b"))
			must(t, disk.Rename("a", "b/c"))
			if kind == storagetest.FAT {
				equal(t, boots(disk, see), "new,old", "none,old", "new,new", "none,new", "none,", "new,")
			} else {
				equal(t, boots(disk, see), "new,old", "none,new")
			}
			must(t, disk.SyncDir("b"))
			if kind == storagetest.FAT {
				equal(t, boots(disk, see), "new,new", "none,new")
			} else {
				equal(t, boots(disk, see), "none,new")
			}
			must(t, disk.SyncDir("."))
			equal(t, boots(disk, see), "none,new")
		})
	}
}

// On FAT a removed file may be back, whole or empty.
func TestRemove(t *testing.T) {
	see := func(d *storagetest.FS) string { return content(t, d, "a") }
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			disk := storagetest.New(kind, 1<<20)
			f := synced(t, disk, "a", []byte("1"))
			must(t, disk.Remove("a"))
			b := make([]byte, 1)
			if _, err := f.ReadAt(b, 0); err != nil || b[0] != '1' {
				t.Error("an open file is not readable once removed:", err)
			}
			if kind == storagetest.FAT {
				equal(t, boots(disk, see), "1", "", "none")
			} else {
				equal(t, boots(disk, see), "1", "none")
			}
			must(t, disk.SyncDir("."))
			equal(t, boots(disk, see), "none")
		})
	}
}

// What was never written reads as zeros; after a power cut FAT shows there what a removed file had.
func TestStaleBlocks(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			disk := storagetest.New(kind, 1<<20)
			must(t, synced(t, disk, "old", bytes.Repeat([]byte("secret"), 1500)).Close())
			must(t, disk.Remove("old"))
			f := synced(t, disk, "new", []byte("1"))
			must(t, f.Truncate(8192))
			must(t, f.Sync())
			must(t, disk.SyncDir("."))
			if strings.Contains(content(t, disk, "new"), "secret") {
				t.Error("stale blocks are seen without a power cut")
			}
			seen := 0
			for s, n := range boots(disk, func(d *storagetest.FS) string { return content(t, d, "new") }) {
				if s[0] != '1' || len(s) != 8192 {
					t.Fatal("what was written is lost")
				}
				if strings.Contains(s, "secret") {
					seen += n
				}
			}
			if (seen > 0) != (kind == storagetest.FAT) {
				t.Errorf("stale blocks are seen %d times", seen)
			}
		})
	}
}

// After a failed Sync a later one returns nil and does not write what the first one should have.
func TestFailedSync(t *testing.T) {
	see := func(d *storagetest.FS) string { return content(t, d, "a") }
	disk := storagetest.New(storagetest.Ext4, 1<<20)
	f := synced(t, disk, "a", []byte("1"))
	lost := 0
	for range 20 {
		write(t, f, 0, []byte("2"))
		disk.Fail("Sync", 0, io.ErrUnexpectedEOF)
		if err := f.Sync(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		must(t, f.Sync())
		if content(t, disk, "a") != "2" {
			t.Fatal("the program does not see what it wrote")
		}
		seen := boots(disk, see)
		if len(seen) != 1 {
			t.Fatal("after Sync it is not decided what is on the card")
		}
		lost += seen["1"]
		write(t, f, 0, []byte("1"))
		must(t, f.Sync())
		equal(t, boots(disk, see), "1")
	}
	if lost == 0 {
		t.Error("a second Sync always wrote what the first one did not")
	}
}

func TestFailedSyncDir(t *testing.T) {
	disk := storagetest.New(storagetest.FAT, 1<<20)
	create(t, disk, "a")
	disk.Fail("SyncDir", 0, io.ErrUnexpectedEOF)
	if err := disk.SyncDir("."); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	create(t, disk, "b")
	must(t, disk.SyncDir("."))
	equal(t, boots(disk, func(d *storagetest.FS) string { return names(t, d, ".") }), "b", "a b")
}

// The file systems before and after a power cut do not see each other's writes.
func TestRestartShares(t *testing.T) {
	disk := storagetest.New(storagetest.Ext4, 1<<20)
	f := synced(t, disk, "a", []byte("12"))
	next := disk.Restart(rand.New(rand.NewPCG(1, 1)))
	third := next.Restart(rand.New(rand.NewPCG(1, 1)))
	write(t, f, 0, []byte("x"))
	must(t, f.Sync())
	g := create(t, next, "a")
	write(t, g, 1, []byte("y"))
	must(t, g.Sync())
	must(t, next.Remove("a"))
	if a, b, c := content(t, disk, "a"), content(t, next, "a"), content(t, third, "a"); a != "x2" || b != "none" || c != "12" {
		t.Error(a, b, c)
	}
}

func BenchmarkRestart(b *testing.B) {
	disk := storagetest.New(storagetest.FAT, 1<<30)
	for i := range 100 {
		f, err := disk.Open(fmt.Sprint(i), os.O_RDWR|os.O_CREATE)
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(f.Truncate(4<<20), f.Sync(), f.Close()); err != nil {
			b.Fatal(err)
		}
	}
	if err := disk.SyncDir("."); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		disk.Restart(r)
	}
}
