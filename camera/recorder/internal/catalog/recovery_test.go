package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

var kindsOfCards = map[string]storagetest.Kind{"ext4": storagetest.Ext4, "FAT": storagetest.FAT}

// each runs a test on both kinds of cards.
func each(t *testing.T, test func(t *testing.T, d *device)) {
	for name, kind := range kindsOfCards {
		t.Run(name, func(t *testing.T) { test(t, newDevice(t, kind)) })
	}
}

// TestReopen: what was committed is there after an orderly stop, nothing is read, and sequences
// go on.
func TestReopen(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		if r := d.mustOpen(); !r.New || r.Boot != 1 {
			t.Errorf("a new card is %+v", r)
		}
		id := d.clip(3)
		if err := d.cat.Protect(id, true); err != nil {
			t.Fatal(err)
		}
		before, _ := d.cat.Clip(id)
		if err := d.cat.Close(); err != nil {
			t.Fatal(err)
		}
		opened := d.card.Calls("Open")
		r := d.cut(1)
		if n := d.card.Calls("Open"); n > opened+8 && r.Files == 1 {
			t.Errorf("%d files were opened", n-opened)
		}
		after, ok := d.cat.Clip(id)
		if !ok || fmt.Sprint(after.Spans, after.Start, after.End, after.Events) != fmt.Sprint(before.Spans, before.Start, before.End, before.Events) || !after.Protected || !after.OnCard {
			t.Errorf("was %+v, is %+v", before, after)
		}
		if r.New || r.Boot != 2 || r.Clips != 1 || r.Files != 1 || len(r.PowerLoss)+len(r.TakenIn)+len(r.Lost)+r.Foreign != 0 {
			t.Errorf("report %+v", r)
		}
		if got := kinds(d.cat.Pending(9), id); got != "started ended " {
			t.Errorf("pending: %s", got)
		}
		next, _, err := d.cat.NewFile(ulid.ID{}, 0)
		if err != nil || next.Seq <= after.Spans[0].File {
			t.Errorf("file %d follows %d, %v", next.Seq, after.Spans[0].File, err)
		}
	})
}

// TestPowerLoss: a clip that was being recorded ends once, with what is on the card; a file that
// no record knows makes its clip anew, with the same changes.
func TestPowerLoss(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		d.mustOpen()
		id, _ := d.cat.Begin(ulid.ID{}, catalog.Event{ID: d.cat.NewID(), Type: "doorbell"})
		s, err := d.shoot(id)
		if err != nil || d.commit() != nil || s.film(5) != nil {
			t.Fatal(err)
		}
		unrecorded, _ := d.cat.Begin(ulid.ID{}, catalog.Event{ID: d.cat.NewID(), Type: "glass", Tags: map[string]string{"a": "b"}})
		u, err := d.shoot(unrecorded)
		if err != nil || u.film(4) != nil {
			t.Fatal(err)
		}
		for boot := range 3 {
			r := d.cut(uint64(boot))
			for id, of := range map[ulid.ID]*shot{id: s, unrecorded: u} {
				v, ok := d.cat.Clip(id)
				if !ok || !v.Ended || v.Reason != catalog.PowerLoss || !v.OnCard || len(v.Files) != 1 {
					t.Fatalf("boot %d: %+v", boot, v)
				}
				if n := d.readable(v.Files[0]); n < of.safe || int(v.Spans[0].Last)+1 != n || !v.Files[0].Closed {
					t.Errorf("boot %d: %d clusters can be read, %d committed, the clip has %+v", boot, n, of.safe, v.Spans)
				}
				if got := kinds(d.cat.Pending(9), id); got != "started ended " {
					t.Errorf("boot %d: pending: %s", boot, got)
				}
			}
			if v, _ := d.cat.Clip(unrecorded); v.Events[0].Type != "glass" || v.Events[0].Tags["a"] != "b" {
				t.Errorf("the event is %+v", v.Events)
			}
			if boot == 0 != (len(r.TakenIn) == 1) || boot == 0 != (len(r.PowerLoss) == 2) {
				t.Errorf("boot %d: %+v", boot, r)
			}
		}
	})
}

// TestJournalLost: without the journal the clips come from their files, with the same IDs and
// changes.
func TestJournalLost(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		d.mustOpen()
		ids := []ulid.ID{d.clip(3), d.clip(2)}
		was := d.cat.Pending(9)
		if err := d.cat.Close(); err != nil {
			t.Fatal(err)
		}
		files, err := d.fsys.List("journal")
		if err != nil || len(files) == 0 {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := d.fsys.Remove("journal/" + f.Name()); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.fsys.SyncDir("journal"); err != nil {
			t.Fatal(err)
		}
		r := d.cut(1)
		if len(r.TakenIn) != 2 || r.Boot != 2 {
			t.Errorf("%+v", r)
		}
		for _, id := range ids {
			if v, ok := d.cat.Clip(id); !ok || !v.Ended || !v.OnCard || v.Start == 0 {
				t.Errorf("%+v", v)
			}
		}
		now := d.cat.Pending(9)
		for _, a := range was {
			found := false
			for _, b := range now {
				found = found || a.ID == b.ID && a.Kind == b.Kind
			}
			if !found || len(now) != len(was) {
				t.Errorf("change %v of %v is not among %v", a.Kind, a.Clip, now)
			}
		}
	})
}

// put writes a file of somebody else's.
func (d *device) put(name string, b []byte) {
	d.Helper()
	f, err := d.fsys.Open(name, os.O_RDWR|os.O_CREATE)
	if err == nil {
		_, err = f.WriteAt(b, 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		d.Fatal(err)
	}
}

// TestStrangers: what is not ours stays, whatever its name; what was taken off the card is told.
func TestStrangers(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		d.mustOpen()
		ids := []ulid.ID{d.clip(2), d.clip(2), d.clip(2)}
		v, _ := d.cat.Clip(ids[0])
		folder := v.Files[0].Folder()
		names := []string{"holiday.jpg", folder + "/notes.txt", folder + "/00ffffff.mkv", folder + "/empty.mkv", folder + "/7fffffffffffffff.mkv"}
		for _, name := range names {
			d.put(name, []byte(strings.Repeat("not ours ", 100)))
		}
		copied, _ := d.cat.Clip(ids[1])
		film, err := d.fsys.Open(copied.Files[0].Name(), os.O_RDONLY)
		if err != nil {
			t.Fatal(err)
		}
		size, _ := film.Size()
		b := make([]byte, size)
		if _, err := film.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
		names = append(names, folder+"/00fffffe.mkv") // a copy under another number
		d.put(names[len(names)-1], b)
		if err := d.fsys.Remove(v.Files[0].Name()); err != nil { // somebody deletes it on a laptop
			t.Fatal(err)
		}
		if err := d.fsys.SyncDir(folder); err != nil {
			t.Fatal(err)
		}
		if err := d.fsys.SyncDir("."); err != nil {
			t.Fatal(err)
		}
		if err := d.cat.Close(); err != nil {
			t.Fatal(err)
		}
		r := d.cut(3)
		if r.Others != 2 || r.Foreign != 0 || len(r.Lost) != 1 || r.Lost[0] != v.Files[0].Name() || len(r.TakenIn) != 0 {
			t.Errorf("%+v", r)
		}
		for _, name := range names {
			if f, err := d.fsys.Open(name, os.O_RDONLY); err != nil {
				t.Errorf("%s: %v", name, err)
			} else {
				f.Close()
			}
		}
		gone, _ := d.cat.Clip(ids[0])
		if !gone.Gone || gone.OnCard || kinds(d.cat.Pending(20), ids[0]) != "started ended evicted lost " {
			t.Errorf("%+v", gone)
		}
		if m := gone.Lacks(); len(m) != 1 || m[0].Reason != catalog.Vanished || m[0].Bytes == 0 {
			t.Errorf("lacks %+v", m)
		}
		d.cut(4)
		if got := kinds(d.cat.Pending(20), ids[0]); got != "started ended evicted lost " {
			t.Errorf("told again: %s", got)
		}
		for _, ch := range d.cat.Pending(20) {
			d.cat.Published(ch)
		}
		if _, ok := d.cat.Clip(ids[0]); ok {
			t.Error("a clip of which nothing is left is kept for ever")
		}
	})
}

// TestNewer: records of a later version stay as they are, and what they name is left alone.
func TestNewer(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		d.mustOpen()
		id := d.clip(2)
		v, _ := d.cat.Clip(id)
		if err := d.cat.Close(); err != nil {
			t.Fatal(err)
		}
		newer := []string{
			fmt.Sprintf(`{"v":2,"kind":"clip","seq":%d,"id":%q,"what":"is new"}`, v.Seq, id),
			fmt.Sprintf(`{"v":2,"kind":"file","seq":%d,"where":"is new"}`, v.Files[0].Seq),
			`not JSON`, `{"v":1,"kind":"other"}`,
		}
		j, err := storage.OpenJournal(d.fsys, "journal", 4<<20)
		if err != nil {
			t.Fatal(err)
		}
		var ops []storage.Op
		for seq := range j.Records() {
			ops = append(ops, storage.Op{Seq: seq})
		}
		for _, s := range newer {
			ops = append(ops, storage.Op{Record: []byte(s)})
		}
		if _, err := j.Commit(ops...); err != nil || j.Close() != nil {
			t.Fatal(err)
		}
		r := d.cut(5)
		if r.Clips != 0 || r.Foreign != 3 || r.Records != 2 || len(r.TakenIn) != 0 {
			t.Errorf("%+v", r)
		}
		other := d.clip(2)
		if err := d.cat.Close(); err != nil {
			t.Fatal(err)
		}
		if j, err = storage.OpenJournal(d.fsys, "journal", 4<<20); err != nil {
			t.Fatal(err)
		}
		kept := 0
		for _, b := range j.Records() {
			for _, s := range newer {
				if string(b) == s {
					kept++
				}
			}
		}
		if kept != len(newer) {
			t.Errorf("%d of %d records are kept", kept, len(newer))
		}
		if f, err := d.fsys.Open(v.Files[0].Name(), os.O_RDONLY); err != nil {
			t.Error(err)
		} else {
			f.Close()
		}
		d.cut(6)
		if _, ok := d.cat.Clip(other); !ok {
			t.Error("what was recorded beside them is lost")
		}
	})
}

// TestNewerCard: a card of newer firmware is recorded on beside it.
func TestNewerCard(t *testing.T) {
	d := newDevice(t, storagetest.Ext4)
	d.mustOpen()
	s, err := storage.OpenSlot(d.fsys, "smartcam.slot")
	if err != nil {
		t.Fatal(err)
	}
	const theirs = `{"v":2,"new":true}`
	if err := s.Store([]byte(theirs)); err != nil {
		t.Fatal(err)
	}
	var id ulid.ID
	for boot := range 3 {
		r := d.cut(uint64(boot))
		if !r.Newer || int(r.Boot) != boot+1 {
			t.Errorf("%+v", r)
		}
		if boot == 0 {
			id = d.clip(2)
		} else if _, ok := d.cat.Clip(id); !ok {
			t.Error("the clip is lost")
		}
	}
	if s, err = storage.OpenSlot(d.fsys, "smartcam.slot"); err != nil || string(s.Load()) != theirs {
		t.Errorf("their slot is %s, %v", s.Load(), err)
	}
	if err := d.cat.Erase(); err != nil {
		t.Fatal(err)
	}
	if r := d.cut(9); r.Newer || r.Clips+r.Files != 0 {
		t.Errorf("after Erase: %+v", r)
	}
}

// TestStamp: files made before the time was known get it exactly in the same boot, and the latest
// that they can have in a later one; none overlaps another.
func TestStamp(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		d.opt.Now = time.Time{}
		d.mustOpen()
		early := d.clip(3)
		if v, _ := d.cat.Clip(early); v.Start != 0 || v.Files[0].Folder() != "1970-01-01" {
			t.Errorf("%+v", v)
		}
		if err := d.cat.Close(); err != nil {
			t.Fatal(err)
		}
		d.card, d.opt.Up = d.card.Restart(rand.New(rand.NewPCG(1, 1))), 100*time.Second
		d.up = 107 * time.Second
		d.mustOpen()
		same := d.clip(3)
		d.cat.SetClock(noon.Add(200*time.Second), 200*time.Second)
		d.up = 108 * time.Second // as if the clock had gone back two seconds
		after := d.clip(3)
		v, _ := d.cat.Clip(same)
		if want := noon.Add(107 * time.Second).UnixMilli(); v.Start != want || v.Estimated {
			t.Errorf("start %d, want %d", v.Start, want)
		}
		e, _ := d.cat.Clip(early)
		if want := noon.Add(100 * time.Second).UnixMilli(); e.End > want || e.Start != want-e.Files[0].Length.Milliseconds() || !e.Estimated {
			t.Errorf("%+v, want an end at %d", e, want)
		}
		if a, _ := d.cat.Clip(after); a.Start != v.Files[0].Base+v.Files[0].Length.Milliseconds() {
			t.Errorf("the clip after begins at %d, the one before ends at %d", a.Start, v.End)
		}
	})
}
