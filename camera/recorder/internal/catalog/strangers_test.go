package catalog_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// content returns what a file has; nothing if it is not there.
func (d *device) content(name string) []byte {
	d.Helper()
	f, err := d.fsys.Open(name, os.O_RDONLY)
	if err != nil {
		return nil
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		d.Fatal(err)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); size > 0 && err != nil {
		d.Fatal(err)
	}
	return b
}

// drop puts a file of somebody else's on the card for good.
func (d *device) drop(folder, name string, b []byte) {
	d.Helper()
	if folder != "." {
		if err := errors.Join(d.fsys.Mkdir(folder), d.fsys.SyncDir(".")); err != nil {
			d.Fatal(err)
		}
		name = folder + "/" + name
	}
	d.put(name, b)
	if err := d.fsys.SyncDir(folder); err != nil {
		d.Fatal(err)
	}
}

// TestNamesLikeOurs: files of somebody else's that have the very names of ours stay as they are,
// also where a file of ours may have been lost, and ours are found beside them.
func TestNamesLikeOurs(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		d.mustOpen()
		id := d.clip(2)
		f := d.file(id)
		ours := d.content(f.Name())
		film, photo := []byte("a film of the holidays"), append(bytes.Repeat([]byte{0xff, 0xd8, 0xff}, 900), 0xff, 0xd9)
		theirs := map[string][]byte{}
		for _, x := range []struct {
			folder string
			seq    uint64
			ext    string
			b      []byte
		}{
			{"2026-11-28", f.Seq, "mkv", film}, {"2026-11-29", f.Seq, "jpg", photo}, {"2026-12-24", f.Seq, "mkv", ours},
			{f.Folder(), f.Seq, "jpg", photo}, {f.Folder(), f.Seq + 3, "mkv", film}, {f.Folder(), f.Seq + 4, "jpg", photo}, {f.Folder(), 0x20261130, "jpg", photo},
		} {
			name := fmt.Sprintf("%08x.%s", x.seq, x.ext)
			d.drop(x.folder, name, x.b)
			theirs[x.folder+"/"+name] = x.b
		}
		d.drop(".", "2026-12-01", film)
		theirs["2026-12-01"] = film
		for boot := range uint64(3) {
			if boot == 2 { // the journal is lost
				list, err := d.fsys.List("journal")
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range list {
					if err := d.fsys.Remove("journal/" + x.Name()); err != nil {
						t.Fatal(err)
					}
				}
				if err := d.fsys.SyncDir("journal"); err != nil {
					t.Fatal(err)
				}
			}
			r := d.cut(boot)
			if r.Others != len(theirs) || r.Other == "" || r.Foreign != 0 || r.Removed != 0 || len(r.Lost) != 0 || r.Clips != 1 {
				t.Errorf("boot %d: %+v", boot, r)
			}
			if v, ok := d.cat.Clip(id); !ok || !v.OnCard || len(v.Files) != 1 || boot < 2 && v.Files[0].Name() != f.Name() {
				t.Errorf("boot %d: %+v", boot, v)
			}
			d.evict(1<<40, 0)
			for name, b := range theirs {
				if !bytes.Equal(d.content(name), b) {
					t.Errorf("boot %d: %s has %d bytes, of %d", boot, name, len(d.content(name)), len(b))
				}
			}
		}
		d.opt.Now = noon.Add(12 * time.Hour)
		d.cut(9)
		next := d.clip(2) // on the day whose folder cannot be
		d.cut(10)
		if v, ok := d.cat.Clip(next); !ok || !v.OnCard || v.Files[0].Folder() != "2026-11-30" {
			t.Errorf("%+v", v)
		}
	})
}

// TestTaken: a file that somebody put where ours was to be is not removed.
func TestTaken(t *testing.T) {
	d := newDevice(t, 0)
	d.mustOpen()
	before := d.file(d.clip(1))
	id, err := d.cat.Begin(ulid.ID{}, catalog.Event{ID: d.cat.NewID()})
	if err != nil {
		t.Fatal(err)
	}
	for seq := before.Seq + 1; seq < before.Seq+9; seq++ {
		d.put(fmt.Sprintf("%s/%08x.mkv", before.Folder(), seq), []byte("a film"))
	}
	s, err := d.shoot(id)
	if !errors.Is(err, fs.ErrExist) {
		t.Fatal(s, err)
	}
	v, _ := d.cat.Clip(id)
	d.cat.Taken(v.Spans[0].File)
	d.cat.Taken(v.Spans[0].File) // is forgotten already
	d.evict(1<<40, 0)
	if v, _ = d.cat.Clip(id); len(v.Spans) != 0 {
		t.Errorf("%+v", v)
	}
	for seq := before.Seq + 1; seq < before.Seq+9; seq++ {
		if b := d.content(fmt.Sprintf("%s/%08x.mkv", before.Folder(), seq)); string(b) != "a film" {
			t.Errorf("file %d has %q", seq, b)
		}
	}
}
