package catalog_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// fill has three clips and one that is being recorded, on a card and in a journal that are full
// to the last byte, and the power fail.
func (d *device) fill(seed uint64) (ids []ulid.ID) {
	d.Helper()
	d.mustOpen()
	ids = []ulid.ID{d.clip(2), d.clip(2), d.clip(2)}
	live, err := d.cat.Begin(ulid.ID{}, catalog.Event{ID: d.cat.NewID(), Type: "doorbell"})
	if err != nil {
		d.Fatal(err)
	}
	s, err := d.shoot(live)
	if err := errors.Join(err, s.film(3)); err != nil {
		d.Fatal(err)
	}
	d.card.SetFree(0)
	for on := true; err == nil; on = !on {
		if err = d.cat.Protect(ids[2], on); err == nil {
			err = d.commit()
		}
	}
	if storage.Classify(err) != storage.Full {
		d.Fatal(err)
	}
	d.card = d.card.Restart(rand.New(rand.NewPCG(seed, 7)))
	d.card.SetFree(0)
	return append(ids, live)
}

// TestFull: a card on which nothing can be written down is opened, and what goes makes the room to
// say so.
func TestFull(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		ids := d.fill(1)
		r := d.mustOpen()
		if r.Clips != 4 || r.Files != 4 || d.onCard(ids) != "0123" {
			t.Fatalf("%s, %+v", d.onCard(ids), r)
		}
		live := d.file(ids[3])
		if v, _ := d.cat.Clip(ids[3]); !v.Ended || v.Reason != catalog.PowerLoss || d.readable(live) < 2 {
			t.Errorf("%+v", v)
		}
		changes, room, err := d.cat.Evict(d.cat.Used()-1, 0)
		if err != nil || room != catalog.Fits || kinds(changes, ids[0]) != "evicted lost " || kinds(append(r.Changes, changes...), ids[3]) != "ended " {
			t.Errorf("%v, %d, %v", changes, room, err)
		}
		d.cut(2)
		if v, _ := d.cat.Clip(ids[0]); d.onCard(ids) != "123" || v.Removed() != catalog.Evicted {
			t.Errorf("%s, %+v", d.onCard(ids), v)
		}
		if got := kinds(d.cat.Pending(50), ids[3]); got != "started ended " {
			t.Error(got)
		}
	})
}

// TestFullPowerCuts: the power fails at each operation of that: a clip is there, or it is told once
// that it went.
func TestFullPowerCuts(t *testing.T) {
	for name, kind := range kindsOfCards {
		t.Run(name, func(t *testing.T) {
			first := newDevice(t, kind)
			ids := first.fill(1)
			for op := 0; ; op++ {
				d := newDevice(t, kind)
				d.card = first.card.Restart(rand.New(rand.NewPCG(uint64(op), 8)))
				d.card.SetFree(0)
				d.card.CutAt(d.card.Ops() + op)
				_, err := d.open()
				if err == nil {
					_, _, err = d.cat.Evict(d.cat.Used()-1, 0)
				}
				d.cut(uint64(op))
				d.card.SetFree(64 << 20)
				d.cut(uint64(op + 1))
				all := d.cat.Pending(50)
				for i, id := range ids {
					v, ok := d.cat.Clip(id)
					if want := "started ended "; !ok || v.OnCard && kinds(all, id) != want || !v.OnCard && kinds(all, id) != want+"evicted lost " {
						t.Fatalf("cut at %d: clip %d: %s, %+v", op, i, kinds(all, id), v)
					}
				}
				if err == nil {
					return
				}
			}
		})
	}
}

// closed reports whether a file ends as one that is complete.
func (d *device) closed(f catalog.File) bool {
	d.Helper()
	on, err := d.fsys.Open(f.Name(), os.O_RDONLY)
	if err != nil {
		d.Fatal(err)
	}
	defer on.Close()
	c, err := segment.Open(on)
	return err == nil && c.Closed
}

// TestNothingInPlace: on a file system that needs room to write over what is there, what is on the
// card is found, and written down when there is room; a file that a power loss left open is
// closed then, or by the next process.
func TestNothingInPlace(t *testing.T) {
	for _, again := range []bool{false, true} {
		d := newDevice(t, storagetest.Ext4)
		d.mustOpen()
		id := d.clip(2)
		live, _ := d.cat.Begin(ulid.ID{}, catalog.Event{ID: d.cat.NewID()})
		s, err := d.shoot(live)
		if err := errors.Join(err, s.film(2), d.commit()); err != nil {
			t.Fatal(err)
		}
		last := d.file(live)
		d.card = d.card.Restart(rand.New(rand.NewPCG(1, 7)))
		d.card.Break("WriteAt", syscall.ENOSPC)
		if r := d.mustOpen(); r.Boot != 2 || d.onCard([]ulid.ID{id, live}) != "01" || d.closed(last) || d.readable(last) != 2 {
			t.Errorf("%+v", r)
		}
		d.card.Break("WriteAt", nil)
		boot := uint32(3)
		if again {
			if err := d.commit(); err != nil {
				t.Fatal(err)
			}
			if r := d.cut(1); r.Boot != boot {
				t.Errorf("%+v", r)
			}
			boot++
		} else {
			d.evict(1<<40, 0)
		}
		if !d.closed(last) {
			t.Error("it is not closed", again)
		}
		next := d.file(d.clip(2))
		if r := d.cut(2); r.Boot != boot || r.Clips != 3 || next.Seq < last.Seq+1000 || d.onCard([]ulid.ID{id, live}) != "01" {
			t.Errorf("%+v, file %d follows %d", r, next.Seq, last.Seq)
		}
	}
}
