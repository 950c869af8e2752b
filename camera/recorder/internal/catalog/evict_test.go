package catalog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/receipt"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// sent gives every cluster of a clip a receipt; an error refuses them.
func (d *device) sent(id ulid.ID, fault string) {
	d.Helper()
	v, _ := d.cat.Clip(id)
	for _, f := range v.Files {
		r := receipt.Receipt{From: 0, To: f.Clusters - 1, End: f.Length, Bytes: f.Bytes, Number: fmt.Sprint(f.Seq, "00"), Run: fmt.Sprint(f.Seq, "00")}
		if fault != "" {
			r.Number, r.Run, r.Err = "", "", fault
		}
		if err := d.cat.Receive(f.Seq, r); err != nil {
			d.Fatal(err)
		}
	}
}

// evict evicts until the limit is kept or cannot be.
func (d *device) evict(limit int64, age time.Duration) catalog.Room {
	d.Helper()
	for {
		_, room, err := d.cat.Evict(limit, age)
		if err != nil {
			d.Fatal(err)
		}
		if room != catalog.More {
			return room
		}
	}
}

func (d *device) onCard(ids []ulid.ID) (s string) {
	for i, id := range ids {
		v, ok := d.cat.Clip(id)
		if ok && v.OnCard {
			s += fmt.Sprint(i)
		}
		for _, f := range v.Files {
			on, err := d.fsys.Open(f.Name(), os.O_RDONLY)
			if (err == nil) != v.OnCard {
				d.Errorf("clip %d: on the card %v, its file %v", i, v.OnCard, err)
			}
			if err == nil {
				on.Close()
			}
		}
	}
	return s
}

// TestJournalFills: clips go, protected ones too, before a small journal is too full for the
// next record.
func TestJournalFills(t *testing.T) {
	d := newDevice(t, storagetest.Ext4)
	d.mustOpen()
	tags := map[string]string{"a": strings.Repeat("x", 230)}
	clips := 0
	for range 130 {
		id := d.clip(1)
		for range catalog.MaxEvents {
			if err := d.cat.AddEvent(id, catalog.Event{ID: d.cat.NewID(), Tags: tags}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(d.cat.Protect(id, true), d.commit()); err != nil {
			t.Fatal(err)
		}
		if room := d.evict(1<<40, 0); room != catalog.Fits {
			t.Fatal(room)
		}
		clips = 0
		for range d.cat.Clips() {
			clips++
		}
	}
	if clips < 50 || clips == 130 {
		t.Errorf("%d clips are left", clips)
	}
}

// TestEvict: what is safe in the cloud goes first, then the oldest, protected ones last, and
// never what is being recorded; each is told with what it lost.
func TestEvict(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		d.mustOpen()
		ids := []ulid.ID{d.clip(2), d.clip(2), d.clip(2), d.clip(2)}
		d.sent(ids[2], "")
		if err := d.cat.Protect(ids[0], true); err != nil {
			t.Fatal(err)
		}
		live, _ := d.cat.Begin(ulid.ID{}, catalog.Event{ID: d.cat.NewID()})
		s, err := d.shoot(live)
		if err != nil || s.film(2) != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"013", "03", "0", ""} {
			if room := d.evict(d.cat.Used()-1, 0); room != catalog.Fits || d.onCard(ids) != want {
				t.Errorf("%v left, want %s (%d)", d.onCard(ids), want, room)
			}
		}
		if room := d.evict(1, 0); room != catalog.Stuck {
			t.Errorf("evicting what is being recorded: %d", room)
		}
		if v, _ := d.cat.Clip(live); !v.OnCard || v.Gone {
			t.Errorf("%+v", v)
		}
		if err := s.close(); err != nil || d.commit() != nil {
			t.Fatal(err)
		}
		for boot := range 2 {
			all := d.cat.Pending(50)
			for i, want := range []string{"started ended evicted lost ", "started ended evicted lost ", "started ended stored evicted ", "started ended evicted lost "} {
				if got := kinds(all, ids[i]); got != want {
					t.Errorf("boot %d: clip %d: %s", boot, i, got)
				}
			}
			v, _ := d.cat.Clip(ids[1])
			if m := v.Lacks(); len(m) != 1 || m[0].Reason != catalog.Evicted || m[0].Bytes != v.Bytes || v.Refused != v.Bytes {
				t.Errorf("lacks %+v", m)
			}
			if v, _ := d.cat.Clip(ids[2]); len(v.Lacks()) != 0 || v.Sent != v.Bytes || len(v.Runs()) != 1 {
				t.Errorf("lacks %+v, has %+v", v.Lacks(), v.Runs())
			}
			d.cut(uint64(boot))
		}
		for _, ch := range d.cat.Pending(50) {
			d.cat.Published(ch)
		}
		if err := d.commit(); err != nil {
			t.Fatal(err)
		}
		d.cut(3)
		for i, id := range ids { // what is in the cloud stays known
			if _, ok := d.cat.Clip(id); ok != (i == 2) {
				t.Errorf("clip %d is known: %v", i, ok)
			}
		}
	})
}

// TestStored: a clip is stored when all of it is, and partly lost when the service refuses the rest.
func TestStored(t *testing.T) {
	d := newDevice(t, storagetest.Ext4)
	d.mustOpen()
	a, b := d.clip(3), d.clip(3)
	d.sent(a, "")
	d.sent(b, strings.Repeat("é", 500))
	d.sent(b, "again")
	if got := d.cat.Pending(50); kinds(got, a) != "started ended " {
		t.Errorf("told before it is on the card: %s", kinds(got, a))
	}
	changes, err := d.cat.Commit()
	if err != nil || kinds(changes, a) != "stored " || kinds(changes, b) != "lost " {
		t.Errorf("%v, %v", changes, err)
	}
	v, _ := d.cat.Clip(b)
	if m := v.Lacks(); len(m) != 1 || len(m[0].Reason) > 200 || m[0].Length == 0 || v.Waiting != 0 {
		t.Errorf("lacks %+v", m)
	}
	d.sent(b, "")
	if v, _ := d.cat.Clip(b); v.Sent != v.Bytes || v.Refused != 0 {
		t.Errorf("stored in the end: %+v", v)
	}
	again := d.clip(1)
	for _, id := range []ulid.ID{a, again} {
		if v, _ := d.cat.Clip(id); (v.Waiting == 0) != (id == a) {
			t.Errorf("%+v", v)
		}
	}
}

// TestContinuous: a clip is a range of the recording; evicting a file takes a part of the clips that
// have one, deleting a clip leaves the recording.
func TestContinuous(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		d.mustOpen()
		m := &model{device: d, r: rand.New(rand.NewPCG(1, 1)), continuous: true, clips: map[ulid.ID]*promise{}, now: map[ulid.ID]*promise{}}
		run := func(steps ...func() error) {
			t.Helper()
			for _, step := range steps {
				if err := step(); err != nil {
					t.Fatal(err)
				}
			}
		}
		film := func() error { return m.shot.film(4) }
		run(m.begin, film, m.begin, film, m.rotate, film, m.end, m.commit, m.rotate, film)
		id := m.ids[0]
		v, _ := d.cat.Clip(id)
		if len(v.Spans) != 2 || v.Spans[0].First == 0 || !v.OnCard || v.Bytes >= v.Files[0].Bytes+v.Files[1].Bytes {
			t.Fatalf("%+v", v)
		}
		d.cat.Delete(m.ids...) // the recording stays
		d.evict(1<<40, 0)
		if n := len(slices.Collect(d.cat.Files())); n != 3 {
			t.Errorf("%d files are left", n)
		}
		run(m.begin, film, m.rotate, film, m.end)
		id = m.ids[1]
		for range 3 {
			d.evict(d.cat.Used()-1, 0)
		}
		v, _ = d.cat.Clip(id)
		if v.OnCard || v.Gone || len(v.Lacks()) != 1 || v.Refused >= v.Bytes {
			t.Errorf("a file of it was evicted: %+v", v)
		}
		d.cut(1)
		if v, _ = d.cat.Clip(id); v.OnCard || v.Gone || !v.Ended {
			t.Errorf("after a restart: %+v", v)
		}
	})
}

// TestAge: age is judged by a clock that was not set for an hour, never for protected clips, and
// clips made while the clock was wrong are not older than those before them.
func TestAge(t *testing.T) {
	d := newDevice(t, storagetest.Ext4)
	d.mustOpen()
	old := []ulid.ID{d.clip(1), d.clip(1)}
	d.opt.Now = noon.AddDate(-3, 0, 0).Add(-time.Hour) // cut adds an hour
	if err := d.cat.Close(); err != nil {
		t.Fatal(err)
	}
	d.cut(1)
	old = append(old, d.clip(1)) // three years early
	if err := d.cat.Protect(old[1], true); err != nil || d.cat.Close() != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	d.opt.Now, d.opt.Up, d.up = noon.Add(10*day), time.Hour, time.Hour
	d.cut(2)
	now := d.opt.Now
	if d.evict(1<<40, 7*day); d.onCard(old) != "012" {
		t.Errorf("%s left of a clock that is not proven", d.onCard(old))
	}
	for up := time.Minute; up <= 2*time.Hour; up += time.Minute {
		d.cat.SetClock(now.Add(up), time.Hour+up)
	}
	if d.evict(1<<40, 30*day); d.onCard(old) != "012" {
		t.Errorf("%s left after ten days of thirty", d.onCard(old))
	}
	d.cat.SetClock(now.AddDate(50, 0, 0), 4*time.Hour)
	if d.evict(1<<40, 30*day); d.onCard(old) != "012" {
		t.Errorf("%s left after the clock was set fifty years ahead", d.onCard(old))
	}
	for up := 4 * time.Hour; up <= 6*time.Hour; up += time.Minute {
		d.cat.SetClock(now.Add(up), time.Hour+up)
	}
	mine := d.clip(1)
	if d.evict(1<<40, 7*day); d.onCard(append(old, mine)) != "13" {
		t.Errorf("%s left after ten days of seven", d.onCard(append(old, mine)))
	}
}

// TestErase: nothing is left, whatever is cut, but what is not ours; the next card is another one.
func TestErase(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		ops := 1 << 30
		for op := 0; op <= ops; op++ {
			d := newDevice(t, map[bool]storagetest.Kind{true: storagetest.FAT, false: storagetest.Ext4}[strings.Contains(t.Name(), "FAT")])
			first := d.mustOpen()
			id := d.clip(1)
			d.clip(1)
			mine := []string{"mine.txt", "journal/mine.txt"}
			for _, name := range mine {
				d.put(name, []byte("mine"))
				if err := d.fsys.SyncDir(path.Dir(name)); err != nil {
					t.Fatal(err)
				}
			}
			d.card.CutAt(d.card.Ops() + op)
			err := d.cat.Erase()
			if err == nil {
				ops = op
			}
			r := d.cut(uint64(op))
			if r.Card == first.Card && r.Clips == 2 && d.onCard([]ulid.ID{id}) == "0" && op < 3 {
				continue // it never began
			}
			if _, ok := d.cat.Clip(id); ok || r.Clips+r.Files+len(r.TakenIn)+len(d.cat.Pending(9)) != 0 || r.Card == first.Card {
				t.Fatalf("cut at %d: %+v", op, r)
			}
			for _, name := range mine {
				if _, err := d.fsys.Open(name, os.O_RDONLY); err != nil {
					t.Fatal(err)
				}
			}
			if f, _, _ := d.cat.NewFile(ulid.ID{}, 0); f.Seq < 5 {
				t.Fatalf("sequence begins anew with %d", f.Seq)
			}
		}
	})
}

// TestTroubles: an error of the card loses nothing that it need not: the next try goes on.
func TestTroubles(t *testing.T) {
	d := newDevice(t, storagetest.Ext4)
	d.mustOpen()
	id := d.clip(2)
	d.sent(id, "")
	d.card.Fail("Remove", 0, syscall.EIO)
	if _, _, err := d.cat.Evict(1, 0); err == nil {
		t.Error("a file that cannot be removed is no error")
	}
	d.evict(1<<40, 0)
	if d.onCard([]ulid.ID{id}) != "" {
		t.Error("the file is still there")
	}
	d.cut(1)
	if v, ok := d.cat.Clip(id); !ok || !v.Gone {
		t.Errorf("%+v", v)
	}
	other, _ := d.cat.Begin(ulid.ID{}, catalog.Event{ID: d.cat.NewID()})
	d.card.Break("Sync", syscall.EIO)
	if changes, err := d.cat.Commit(); err == nil || len(changes) != 0 {
		t.Errorf("%v, %v", changes, err)
	}
	if got := d.cat.Pending(50); kinds(got, other) != "" {
		t.Errorf("told though it is not on the card: %v", got)
	}
	if some, urgent := d.cat.Dirty(); !some || !urgent {
		t.Error("nothing left to commit")
	}
}

// TestBounds: events and spans of a clip, and what was not recorded, do not grow for ever.
func TestBounds(t *testing.T) {
	d := newDevice(t, storagetest.Ext4)
	d.mustOpen()
	id, _ := d.cat.Begin(ulid.ID{}, catalog.Event{ID: d.cat.NewID()})
	for i := range 100 {
		e := catalog.Event{ID: d.cat.NewID(), Type: "motion"}
		if err := d.cat.AddEvent(id, e); err != nil || d.cat.AddEvent(id, e) != nil && i < 60 {
			t.Fatal(err)
		}
		if err := d.cat.Lose(id, catalog.Missing{Frames: 1, Reason: strings.Repeat("x", 1000)}); err != nil {
			t.Fatal(err)
		}
	}
	v, _ := d.cat.Clip(id)
	frames := 0
	for _, m := range v.Missing {
		frames += m.Frames
	}
	if len(v.Events) != catalog.MaxEvents || v.More < 37 || len(v.Missing) != catalog.MaxMissing || frames != 100 {
		t.Errorf("%d events and %d, %d missing, %d frames", len(v.Events), v.More, len(v.Missing), frames)
	}
	for i := 0; ; i++ {
		if _, _, err := d.cat.NewFile(id, 0); err != nil {
			if err != catalog.ErrFull || i != catalog.MaxSpans {
				t.Errorf("file %d: %v", i, err)
			}
			break
		}
	}
	if err := d.commit(); err != nil {
		t.Error(err)
	}
}

// TestEraseWithoutRoom: where not even the mark that says so can be written, what is on the card
// goes first.
func TestEraseWithoutRoom(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		d.mustOpen()
		d.clip(1)
		d.card.Fail("WriteAt", 0, syscall.ENOSPC)
		if err := d.cat.Erase(); err != nil {
			t.Fatal(err)
		}
		if r := d.cut(1); r.Clips+r.Files+len(r.TakenIn) != 0 {
			t.Errorf("%+v", r)
		}
	})
}
