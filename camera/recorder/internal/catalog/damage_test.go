package catalog_test

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// TestDamage: a file that is shorter than its record, empty, or another one's is told with what its
// clip lost; one that cannot be read is left as it is.
func TestDamage(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		d.mustOpen()
		ids := []ulid.ID{d.clip(8), d.clip(2), d.clip(2)}
		name := func(i int) string {
			v, _ := d.cat.Clip(ids[i])
			return v.Files[0].Name()
		}
		was, _ := d.cat.Clip(ids[0])
		for i, size := range []int64{was.Files[0].Bytes * 6 / 10, 0, 1} {
			f, err := d.fsys.Open(name(i), os.O_RDWR)
			if err != nil || f.Truncate(size) != nil || f.Sync() != nil {
				t.Fatal(err)
			}
			f.Close()
		}
		v, _ := d.cat.Clip(ids[0])
		if err := d.fsys.SyncDir(v.Files[0].Folder()); err != nil || d.cat.Close() != nil {
			t.Fatal(err)
		}
		r := d.cut(1)
		if len(r.Lost) != 3 || len(r.TakenIn) != 0 {
			t.Errorf("%+v", r)
		}
		now, _ := d.cat.Clip(ids[0])
		if len(was.Files) == 0 || len(now.Files) == 0 {
			t.Fatalf("was %+v, is %+v", was, now)
		}
		if s := now.Spans[0]; s.Last >= was.Spans[0].Last || int(s.Last)+1 != d.readable(now.Files[0]) || len(now.Missing) != 1 || now.Missing[0].Reason != catalog.Damaged {
			t.Errorf("%+v", now)
		}
		for _, id := range ids[1:] {
			if v, _ := d.cat.Clip(id); !v.Gone || v.Lacks()[0].Reason != catalog.Damaged {
				t.Errorf("%+v", v)
			}
		}
	})
}

// fsys is a card that lists or opens wrongly.
type fsys struct {
	storage.FS
	list func([]fs.FileInfo) []fs.FileInfo
	open func(name string) error
}

func (f fsys) List(dir string) ([]fs.FileInfo, error) {
	l, err := f.FS.List(dir)
	return f.list(l), err
}

func (f fsys) Open(name string, flag int) (storage.File, error) {
	if err := f.open(name); err != nil {
		return nil, err
	}
	return f.FS.Open(name, flag)
}

// sized is a file that is listed with another size.
type sized struct {
	fs.FileInfo
	size int64
}

func (s sized) Size() int64 { return s.size }

// TestListings: a name that is listed twice is one file, a size that is stale or zero is not
// believed, and a file that cannot be read is neither removed nor forgotten.
func TestListings(t *testing.T) {
	twice := func(l []fs.FileInfo) (out []fs.FileInfo) {
		for _, e := range l {
			out = append(out, e, sized{e, 0})
		}
		return out
	}
	empty := func(l []fs.FileInfo) (out []fs.FileInfo) {
		for _, e := range l {
			out = append(out, sized{e, 0})
		}
		return out
	}
	nothing := func(string) error { return nil }
	broken := func(name string) error {
		if len(name) > 11 && name[10] == '/' {
			return &fs.PathError{Op: "open", Path: name, Err: syscall.EIO}
		}
		return nil
	}
	for name, f := range map[string]fsys{"twice": {list: twice, open: nothing}, "empty": {list: empty, open: nothing}, "broken": {list: empty, open: broken}} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, storagetest.FAT)
			d.mustOpen()
			id := d.clip(3)
			was, _ := d.cat.Clip(id)
			if err := d.cat.Close(); err != nil {
				t.Fatal(err)
			}
			f.FS = d.fsys
			cat, r, err := catalog.Open(f, d.opt)
			if err != nil {
				t.Fatal(err)
			}
			now, _ := cat.Clip(id)
			if fmt.Sprint(now.Spans) != fmt.Sprint(was.Spans) || !now.OnCard || r.Files != 1 || len(r.Lost)+len(r.TakenIn)+r.Foreign != 0 {
				t.Errorf("was %+v, is %+v: %+v", was, now, r)
			}
			if (name == "broken") != (len(r.Unreadable) == 1) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestMany: clips and changes that are never published are bounded, also where the journal is too
// small for them.
func TestMany(t *testing.T) {
	for _, journal := range []int64{4 << 20, 64 << 20} {
		d := newDevice(t, storagetest.Ext4)
		d.opt.Journal, d.opt.Upload = journal, false
		d.mustOpen()
		n := catalog.MaxClips + 100
		if testing.Short() {
			n = 12_000
		}
		var last ulid.ID
		for range n {
			id, err := d.cat.Begin(ulid.ID{}, catalog.Event{ID: d.cat.NewID(), Type: "motion"})
			if err != nil || d.cat.End(id, "no frames") != nil {
				t.Fatal(err)
			}
			last = id
		}
		if err := d.commit(); err != nil {
			t.Fatal(err)
		}
		if room := d.evict(1<<40, 0); room != catalog.Fits {
			t.Errorf("%d", room)
		}
		clips := 0
		for range d.cat.Clips() {
			clips++
		}
		if _, ok := d.cat.Clip(last); !ok || clips > catalog.MaxPending || clips < 1000 {
			t.Errorf("%d clips are left, the last one %v", clips, ok)
		}
		if err := d.commit(); err != nil {
			t.Fatal(err)
		}
		if r := d.cut(1); r.Clips != clips {
			t.Errorf("%d clips became %d", clips, r.Clips)
		}
	}
}
