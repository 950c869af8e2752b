//go:build linux || darwin

package storage_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

func dir(t *testing.T, path string) storage.FS {
	t.Helper()
	d, err := storage.Dir(path)
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func file(t *testing.T, d storage.FS, name string, flag int) storage.File {
	t.Helper()
	f, err := d.Open(name, flag)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestDir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card")
	d := dir(t, path)
	must(t, d.Mkdir("a"))
	must(t, d.Mkdir("a"))
	f := file(t, d, "a/x", os.O_RDWR|os.O_CREATE)
	_, err := f.WriteAt([]byte("12345"), 5)
	must(t, err)
	must(t, f.Truncate(7))
	must(t, f.Sync())
	must(t, d.SyncDir("a"))
	must(t, d.SyncDir("."))
	if n, err := f.Size(); n != 7 || err != nil {
		t.Error(n, err)
	}
	file(t, d, "b", os.O_RDWR|os.O_CREATE|os.O_EXCL)
	must(t, d.Rename("b", "a/b"))
	infos, err := d.List("a")
	if err != nil || len(infos) != 2 || infos[0].Name() != "b" || infos[1].Size() != 7 || infos[1].Mode() != 0o600 {
		t.Error(infos, err)
	}
	must(t, d.Remove("a/b"))
	must(t, d.Remove("a/x"))
	b := make([]byte, 2)
	if _, err := f.ReadAt(b, 5); err != nil || string(b) != "12" {
		t.Error("an open file is not readable once removed:", err)
	}
	must(t, d.Remove("a"))
	var st syscall.Statfs_t
	must(t, syscall.Statfs(path, &st))
	free, total, err := d.Space()
	if want := float64(st.Bavail) * float64(st.Bsize); err != nil || float64(free) < want/2 || float64(free) > want*2 || total < free {
		t.Errorf("%d of %d are free (%v), want about %.0f", free, total, err, want)
	}
	v, err := d.Volume()
	if err != nil || v.ID == "" || v.ReadOnly {
		t.Error(v, err)
	}
	must(t, d.Close())
	if _, err := d.List("."); err == nil {
		t.Error("a closed directory is listed")
	}
}

// Nothing outside of the directory is reached, and nothing but files is opened.
func TestDirBounds(t *testing.T) {
	parent := t.TempDir()
	must(t, os.WriteFile(filepath.Join(parent, "outside"), nil, 0o600))
	path := filepath.Join(parent, "card")
	d := dir(t, path)
	must(t, os.Symlink("../outside", filepath.Join(path, "link")))
	must(t, os.Symlink("..", filepath.Join(path, "up")))
	must(t, syscall.Mkfifo(filepath.Join(path, "pipe"), 0o600))
	must(t, d.Mkdir("folder"))
	file(t, d, "plain", os.O_RDWR|os.O_CREATE)
	open := func(name string, flag int) error { _, err := d.Open(name, flag); return err }
	list := func(name string) error { _, err := d.List(name); return err }
	for i, err := range []error{
		open("../outside", os.O_RDONLY), open("/etc/passwd", os.O_RDONLY), open("a/../../outside", os.O_RDONLY), open("", os.O_RDONLY),
		open("link", os.O_RDONLY), open("up/outside", os.O_RDWR), open("up/new", os.O_RDWR|os.O_CREATE), open("pipe", os.O_RDONLY), open("folder", os.O_RDONLY),
		open("plain", os.O_WRONLY), open("plain", os.O_RDWR|os.O_TRUNC), open("plain", os.O_RDWR|os.O_APPEND),
		list(".."), list("up"), d.Remove("../outside"), d.Remove("up/outside"), d.Mkdir("up/new"), d.Mkdir("plain"), d.Mkdir("no/parent"),
		d.Rename("plain", "../x"), d.Rename("../outside", "x"), d.Rename("plain", "up/x"), d.SyncDir(".."), d.SyncDir("up"),
	} {
		if err == nil {
			t.Errorf("%d is allowed", i)
		}
	}
	if _, err := os.Stat(filepath.Join(parent, "outside")); err != nil {
		t.Error(err)
	}
	if _, err := storage.Dir(filepath.Join(parent, "no", "card")); storage.Classify(err) != storage.Gone {
		t.Error("a directory whose parent is missing:", err)
	}
	if _, err := storage.Dir(filepath.Join(parent, "outside")); err == nil {
		t.Error("a file is taken for a directory")
	}
}

// A directory that is replaced or removed beneath is not mistaken for the one that was opened.
func TestDirGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card")
	d := dir(t, path)
	if _, err := d.Open("none", os.O_RDONLY); !errors.Is(err, fs.ErrNotExist) || storage.Classify(err) != storage.Other {
		t.Error(err)
	}
	must(t, os.Rename(path, path+"-other"))
	other := dir(t, path)
	if _, err := d.Volume(); !errors.Is(err, storage.ErrGone) {
		t.Error(err)
	}
	if _, err := other.Volume(); err != nil {
		t.Error(err)
	}
	must(t, os.RemoveAll(path))
	if _, err := other.Open("new", os.O_RDWR|os.O_CREATE); storage.Classify(err) != storage.Gone {
		t.Error(err)
	}
	for _, err := range []error{other.Mkdir("x"), other.Remove("x"), other.Rename("x", "y")} {
		if storage.Classify(err) != storage.Gone {
			t.Error(err)
		}
	}
	if _, err := storage.OpenJournal(other, "j", 1<<20); storage.Classify(err) != storage.Gone {
		t.Error(err)
	}
}

// child runs what a test needs another process for.
func child(t *testing.T, task, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), "STORAGE_CHILD="+task, "STORAGE_DIR="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}

func TestChild(t *testing.T) {
	path := os.Getenv("STORAGE_DIR")
	switch os.Getenv("STORAGE_CHILD") {
	case "":
		t.Skip("not a child")
	case "lock":
		dir(t, path)
		fmt.Println("locked")
		time.Sleep(time.Hour) // until it is killed
	case "append":
		j, err := storage.OpenJournal(dir(t, path), "j", storage.MinJournal)
		must(t, err)
		for {
			seq := j.Next()
			ops := []storage.Op{{Record: fmt.Appendf(nil, "record %d %s", seq, strings.Repeat("x", 3000))}}
			if seq > 20 {
				ops = append(ops, storage.Op{Seq: seq - 20})
			}
			_, err := j.Commit(ops...)
			must(t, err)
			fmt.Println(seq)
		}
	}
}

// One process has the directory, and one FS of it. The lock ends with the process.
func TestDirLock(t *testing.T) {
	path := t.TempDir()
	cmd, out := child(t, "lock", path)
	if !out.Scan() || out.Text() != "locked" {
		t.Fatal(out.Text())
	}
	var inUse *storage.InUseError
	if _, err := storage.Dir(path); !errors.As(err, &inUse) || !errors.Is(err, storage.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed
	d := dir(t, path)
	if _, err := storage.Dir(path); !errors.Is(err, storage.ErrInUse) {
		t.Error(err)
	}
	must(t, d.Close())
	dir(t, path)
}

// A journal whose process is killed has all that was committed, and at most one batch more.
func TestKill(t *testing.T) {
	path := t.TempDir()
	want := map[uint64]string{}
	kills := 12
	if testing.Short() {
		kills = 3
	}
	for i := range kills {
		cmd, out := child(t, "append", path)
		for n := 0; n < 17*(i+1)%90+1 && out.Scan(); n++ {
		}
		must(t, cmd.Process.Kill())
		last := out.Text()
		for out.Scan() {
			last = out.Text()
		}
		_ = cmd.Wait() // killed
		d := dir(t, path)
		j := open(t, d, storage.MinJournal)
		got := records(j)
		seqs := slices.Sorted(maps.Keys(got))
		if len(seqs) == 0 || len(seqs) > 20 || j.Damage() != (storage.Damage{}) {
			t.Fatal(seqs, j.Damage())
		}
		for i, seq := range seqs {
			if seq != seqs[0]+uint64(i) || !strings.HasPrefix(got[seq], fmt.Sprintf("record %d x", seq)) {
				t.Fatalf("%d: %.20q", seq, got[seq])
			}
		}
		if newest := fmt.Sprint(seqs[len(seqs)-1]); newest != last && fmt.Sprint(seqs[len(seqs)-1]-1) != last {
			t.Fatalf("%s was committed, %s is there", last, newest)
		}
		want = got
		must(t, j.Close())
		must(t, d.Close())
	}
	if len(want) == 0 {
		t.Error("nothing was written")
	}
}
