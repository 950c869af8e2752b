package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

// TestIdleCard has a card that turns read-only, or is unmounted, while nothing is recorded.
func TestIdleCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		u.card.ReadOnly(true)
		u.state(recorder.StorageReadOnly)
		u.card.ReadOnly(false)
		u.state(recorder.StorageReady)
		u.card.SetVolume(storage.Volume{ID: "root", Root: true})
		u.state(recorder.StorageMissing)
		u.card.SetVolume(storage.Volume{ID: "card"})
		u.state(recorder.StorageReady)
	})
}

// TestFullCardCanBeErased deletes and erases while others have filled the card.
func TestFullCardCanBeErased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		u.trigger("motion")
		time.Sleep(20 * time.Second)
		u.card.SetFree(1 << 20)
		u.state(recorder.StorageFull)
		id := u.trigger("on a full card")
		time.Sleep(3 * time.Second)
		if err := u.Delete(id); err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Error(err)
		}
		if err := u.Erase(t.Context()); err != nil {
			t.Error(err)
		}
		if list := u.all(); len(list) > 0 {
			t.Errorf("%+v", list)
		}
		u.card.SetFree(900 << 20)
		if st := u.state(recorder.StorageReady); st.Clips != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestCallsEndWithRun has Erase wait for a stuck card when Run ends.
func TestCallsEndWithRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.srv.Close()
		u.record()
		time.Sleep(20 * time.Second)
		release := u.card.Stall("WriteAt")
		u.trigger("motion")
		u.state(recorder.StorageStuck)
		erased := make(chan error, 1)
		go func() { erased <- u.Erase(t.Context()) }()
		time.Sleep(time.Second)
		u.cancel()
		u.works.Wait()
		release()
		time.Sleep(time.Minute)
		select {
		case <-erased: // done by the storage's goroutine at its end, or not
		default:
			t.Fatal("Erase waits for ever")
		}
	})
}

// TestPassingErrors has errors of a card for 3 s in the midst of an event: the clip goes
// on under its ID, with all its pictures.
func TestPassingErrors(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, op := range []string{"Sync", "WriteAt", "Truncate", "Open", "SyncDir", "Volume", "Space", "List"} {
			for at := time.Second; at < 14*time.Second; at += 2600 * time.Millisecond {
				t.Run(fmt.Sprint(op, at, continuous), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader = continuous, nil })
						defer u.close()
						u.record()
						time.Sleep(21 * time.Second)
						event := time.Now()
						id := u.trigger("motion")
						time.Sleep(at)
						u.card.Break(op, syscall.EIO)
						time.Sleep(3 * time.Second)
						u.card.Break(op, nil)
						time.Sleep(40 * time.Second)
						u.whole(id, event)
						if c := u.clip(id); c.Reason != recorder.EndOfEvent || len(u.all()) != 1 {
							t.Errorf("%+v", u.all())
						}
						if st := u.Status(); st.LostFrames > 0 || !st.Storage.Records() {
							t.Errorf("%+v", st)
						}
					})
				})
			}
		}
	}
}

// TestPassingErrorsAndUpload has the clip of TestPassingErrors uploaded as well.
func TestPassingErrorsAndUpload(t *testing.T) {
	for _, op := range []string{"Sync", "Volume"} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, nil)
			defer u.close()
			u.record()
			time.Sleep(21 * time.Second)
			u.trigger("motion")
			time.Sleep(5 * time.Second)
			u.card.Break(op, syscall.EIO)
			time.Sleep(3 * time.Second)
			u.card.Break(op, nil)
			time.Sleep(20 * time.Second)
			u.until(10*time.Minute, u.uploaded)
			u.check()
		})
	}
}

// TestDeleteThatFails has a card fail while the clip that is being recorded is deleted.
func TestDeleteThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		id := u.trigger("motion")
		time.Sleep(3100 * time.Millisecond)
		u.card.Break("WriteAt", syscall.EIO)
		if err := u.Delete(id); err == nil {
			t.Error("it is deleted from a card that fails")
		}
		u.card.Break("WriteAt", nil)
		time.Sleep(30 * time.Second)
		event := time.Now()
		next := u.trigger("motion")
		time.Sleep(25 * time.Second)
		u.whole(next, event)
		for _, c := range u.all() {
			if c.State == recorder.Recording {
				t.Errorf("%+v", c)
			}
		}
	})
}

// TestCardSwappedInAClip takes the card out in the midst of a clip: what comes is on the
// other card, and the first one, put back, has what came before.
func TestCardSwappedInAClip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(21 * time.Second)
		first := u.trigger("motion")
		time.Sleep(9 * time.Second)
		taken := u.card.Restart(rand.New(rand.NewPCG(1, 1)))
		u.card.Insert(storagetest.New(storagetest.FAT, 1<<30))
		u.state(recorder.StorageOther)
		time.Sleep(30 * time.Second)
		list := u.all()
		if len(list) != 1 || list[0].Events[0].Type != "motion" || list[0].Length < time.Second {
			t.Errorf("on the other card: %+v", list)
		}
		if m := list[0].Missing; len(m) != 1 || !strings.Contains(m[0].Reason, string(first)) {
			t.Errorf("on the other card: %+v", m)
		}
		u.follow(list)
		u.card.Insert(taken)
		time.Sleep(20 * time.Second)
		c := u.clip(first)
		readable(t, u.Recorder, c)
		if c.Reason != recorder.PowerLoss || c.Length < 10*time.Second || len(u.all()) != 1 {
			t.Errorf("on the first card: %+v", u.all())
		}
	})
}

// TestRunIsNotHeldUp ends Run while a read does not return, and while Publish does not.
func TestRunIsNotHeldUp(t *testing.T) {
	t.Run("read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, nil)
			defer u.srv.Close()
			u.record()
			time.Sleep(20 * time.Second)
			release := u.card.Stall("ReadAt")
			u.trigger("motion")
			time.Sleep(10 * time.Second)
			u.endsWithin(11 * time.Second)
			release()
			time.Sleep(time.Minute)
		})
	})
	t.Run("publish", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			hangs := make(chan struct{})
			u := newUpload(t, func(c *recorder.Config) {
				c.Publish = func(context.Context, recorder.Change) error { <-hangs; return nil }
			})
			defer u.srv.Close()
			u.record()
			time.Sleep(20 * time.Second)
			id := u.trigger("motion")
			time.Sleep(5 * time.Second)
			u.endsWithin(11 * time.Second)
			close(hangs)
			time.Sleep(time.Minute)
			u.record() // what was recorded is there all the same
			defer u.studio.close()
			time.Sleep(2 * time.Second)
			if c := u.clip(id); c.Reason != recorder.Stopped || c.Length < 6*time.Second {
				t.Errorf("%+v", c)
			}
		})
	})
}

func (u *upload) endsWithin(limit time.Duration) {
	u.t.Helper()
	start := time.Now()
	u.cancel()
	u.works.Wait()
	if took := time.Since(start); took > limit || !errors.Is(u.err, recorder.ErrStuck) {
		u.t.Errorf("Run returned after %v: %v", took, u.err)
	}
	u.cancel, u.err = nil, nil
}

// TestStopped has Run end in the midst of a clip.
func TestStopped(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader = continuous, nil })
			defer u.close()
			u.record()
			time.Sleep(20 * time.Second)
			id := u.trigger("motion")
			time.Sleep(5 * time.Second)
			u.studio.close()
			u.record()
			time.Sleep(2 * time.Second)
			if c := u.clip(id); c.Reason != recorder.Stopped || c.Length < 6*time.Second {
				t.Errorf("%+v", c)
			}
			readable(t, u.Recorder, u.clip(id))
		})
	}
}

// TestThousandsOfEventsWithoutCard has more clips than wait for a card: those that are
// refused are not shown as being recorded.
func TestThousandsOfEventsWithoutCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.card.SetVolume(storage.Volume{ID: "root", Root: true})
		u.record()
		var ids []recorder.ClipID
		for range 3000 {
			ids = append(ids, u.trigger("motion"))
			time.Sleep(20 * time.Second)
		}
		u.card.SetVolume(storage.Volume{ID: "card"})
		time.Sleep(time.Minute)
		shown := 0
		for _, id := range ids {
			if c, err := u.Clip(id); err == nil {
				shown++
				if c.State == recorder.Recording {
					t.Fatalf("%+v", c)
				}
			}
		}
		if shown == 0 || shown == len(ids) {
			t.Errorf("%d of %d clips are known", shown, len(ids))
		}
	})
}

// TestSourceComesBack has a source that ends by itself, and is there again.
func TestSourceComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader = true, nil })
		defer u.close()
		u.film.ends = 30 * time.Second
		u.record()
		time.Sleep(2 * time.Minute)
		event := time.Now()
		id := u.trigger("motion")
		time.Sleep(25 * time.Second)
		if c := u.clip(id); c.State != recorder.Kept || c.Length < 5*time.Second || c.Start.After(event.Add(time.Second)) {
			t.Errorf("%+v", c)
		}
		readable(t, u.Recorder, u.clip(id))
	})
}
