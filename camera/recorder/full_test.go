package recorder_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

// fill has the power fail while a clip is recorded, others fill the card to the last byte, and
// the camera boot.
func (u *upload) fill(seed uint64) {
	u.t.Helper()
	next := u.card.Restart(rand.New(rand.NewPCG(1, seed)))
	u.studio.close()
	u.card, u.film.start = next, time.Now() // a camera that boots has no pictures of before
	u.card.SetFree(0)
	if u.cfg.Uploader != nil {
		u.cfg.Uploader = u.producer()
	}
	u.record()
}

// TestOpensAFullCard boots with a card that others have filled to the last byte: what is on it is
// listed and plays, what may go has gone, and as soon as there is room it records again, what
// happened meanwhile as well.
func TestOpensAFullCard(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for name, kind := range map[string]storagetest.Kind{"ext4": storagetest.Ext4, "FAT": storagetest.FAT} {
			t.Run(fmt.Sprint(continuous, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, func(c *recorder.Config) { c.Continuous = continuous })
					defer u.close()
					u.srv.SetOutage(true)
					u.card = storagetest.New(kind, 1<<30)
					u.record()
					time.Sleep(20 * time.Second)
					kept := u.trigger("is protected")
					time.Sleep(30 * time.Second)
					if err := u.Protect(kept, true); err != nil {
						t.Fatal(err)
					}
					time.Sleep(5 * time.Minute) // for another file
					gone := u.trigger("is not")
					time.Sleep(30 * time.Second)
					cut := u.trigger("is recorded")
					time.Sleep(8 * time.Second)
					u.fill(1)
					seen := u.watch()
					u.state(recorder.StorageFull)
					time.Sleep(10 * time.Second) // for a pre-roll
					during := time.Now()
					id := u.trigger("on a full card")
					time.Sleep(3 * time.Second)
					if st := u.Status(); !st.Losing || st.Clips != 1 {
						t.Errorf("%+v", st)
					}
					c := u.clip(kept)
					readable(t, u.Recorder, c)
					if !c.OnDevice || !c.Protected {
						t.Errorf("%+v", c)
					}
					told := map[recorder.ClipID]string{}
					for _, ch := range seen() {
						if ch.Kind == recorder.ClipEvicted {
							told[ch.Clip.ID] += ch.Clip.Removed
						}
					}
					if told[gone] != "evicted" || told[cut] != "evicted" || len(told) != 2 {
						t.Errorf("%v", told)
					}
					u.card.SetFree(900 << 20)
					u.state(recorder.StorageReady)
					time.Sleep(20 * time.Second)
					u.whole(id, during)
					u.srv.SetOutage(false)
					u.until(10*time.Minute, func() bool {
						return u.clip(id).State == recorder.Uploaded && u.clip(kept).State == recorder.Uploaded
					})
					u.studio.close()
					u.card = u.card.Restart(rand.New(rand.NewPCG(1, 2)))
					u.cfg.Uploader = u.producer()
					u.record()
					time.Sleep(2 * time.Second)
					for _, id := range []recorder.ClipID{kept, id} {
						readable(t, u.Recorder, u.clip(id))
					}
				})
			})
		}
	}
}

// TestDeleteOnAFullCard boots with such a card and deletes all: that is on it, though it had to
// make the room to say so.
func TestDeleteOnAFullCard(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		t.Run(fmt.Sprint(continuous), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader = continuous, nil })
				defer u.close()
				u.record()
				var ids []recorder.ClipID
				for range 3 {
					time.Sleep(21 * time.Second)
					id := u.trigger("motion")
					time.Sleep(10 * time.Second)
					if err := u.Protect(id, true); err != nil {
						t.Fatal(err)
					}
					ids = append(ids, id)
				}
				u.fill(1)
				u.state(recorder.StorageFull)
				if n := len(u.all()); n != 3 {
					t.Errorf("%d clips", n)
				}
				for i, id := range ids {
					if err := u.Delete(id); err != nil {
						t.Error(i, err)
					}
				}
				next := u.card.Restart(rand.New(rand.NewPCG(1, 2)))
				u.studio.close()
				u.card = next
				u.record()
				seen := u.watch()
				time.Sleep(5 * time.Second)
				if list := u.all(); len(list) > 0 {
					t.Errorf("%+v", list)
				}
				if slices.ContainsFunc(seen(), func(ch recorder.Change) bool { return ch.Kind == recorder.ClipEvicted }) {
					t.Error("a clip was forgotten by the card")
				}
			})
		})
	}
}

// TestANewCardIsFull boots with a card of somebody else's that has no room at all.
func TestANewCardIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.card.SetFree(0)
		u.record()
		u.state(recorder.StorageFull)
		event := time.Now()
		id := u.trigger("motion")
		time.Sleep(3 * time.Second)
		u.card.SetFree(900 << 20)
		time.Sleep(20 * time.Second)
		if st := u.Status(); st.Storage != recorder.StorageReady {
			t.Errorf("%+v", st)
		}
		if c := u.clip(id); c.End.Before(event.Add(9500 * time.Millisecond)) {
			t.Errorf("event at %v: %+v", event, c)
		}
	})
}
