package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// TestEventWhileTheCardFails has further events while the journal cannot be written.
func TestEventWhileTheCardFails(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader = continuous, nil })
			defer u.close()
			u.record()
			time.Sleep(21 * time.Second)
			event := time.Now()
			id := u.trigger("one")
			time.Sleep(3100 * time.Millisecond)
			u.card.Break("WriteAt", syscall.EIO)
			u.trigger("two")
			time.Sleep(time.Second)
			u.trigger("three")
			time.Sleep(2 * time.Second)
			u.card.Break("WriteAt", nil)
			time.Sleep(40 * time.Second)
			u.whole(id, event)
			if c := u.clip(id); len(c.Events) != 3 || c.MoreEvents != 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestJournalFailsAtTheEnd has the journal fail when a clip has begun, and when it ends.
func TestJournalFailsAtTheEnd(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for at := time.Duration(0); at < 15*time.Second; at += 1900 * time.Millisecond {
			t.Run(fmt.Sprint(continuous, at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var mu sync.Mutex
					kinds, seen := map[recorder.Kind]int{}, map[string]bool{}
					u := newUpload(t, func(c *recorder.Config) {
						c.Continuous, c.Uploader = continuous, nil
						c.Publish = func(_ context.Context, ch recorder.Change) error {
							mu.Lock()
							defer mu.Unlock()
							if !seen[ch.ID] {
								kinds[ch.Kind]++
							}
							seen[ch.ID] = true
							return nil
						}
					})
					defer u.close()
					fails := u.fails()
					u.record()
					time.Sleep(21 * time.Second)
					event := time.Now()
					id := u.trigger("motion")
					time.Sleep(at)
					fails.set("WriteAt", "journal", syscall.EIO, -1)
					time.Sleep(2500 * time.Millisecond)
					fails.set("", "", nil, 0)
					time.Sleep(30 * time.Second)
					u.whole(id, event)
					mu.Lock()
					defer mu.Unlock()
					if c := u.clip(id); c.Reason != recorder.EndOfEvent || kinds[recorder.ClipStarted] != 1 || kinds[recorder.ClipEnded] != 1 {
						t.Errorf("%v: %+v", kinds, c)
					}
				})
			})
		}
	}
}

// TestChangesOfARecovery has the power fail in a clip: its end is seen by who looks from
// the next start on.
func TestChangesOfARecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		id := u.trigger("motion")
		time.Sleep(5 * time.Second)
		u.card.CutAt(u.card.Ops())
		u.studio.close()
		u.card = u.card.Restart(coin(1))
		r, err := recorder.New(u.cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		changes := r.Changes(ctx)
		u.again(r)
		seen := 0
		for ch := range changes {
			if seen++; ch.Clip.ID != id || ch.Kind != recorder.ClipEnded || ch.Clip.Reason != recorder.PowerLoss {
				t.Errorf("%+v", ch)
			}
		}
		if seen != 1 {
			t.Errorf("%d changes", seen)
		}
	})
}

// TestRunAgain ends Run in a clip whose card fails, and calls it again when that is well.
func TestRunAgain(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, op := range []string{"WriteAt", "Volume"} {
			for at := time.Duration(0); at < 8*time.Second; at += 3900 * time.Millisecond {
				t.Run(fmt.Sprint(continuous, op, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader = continuous, nil })
						defer u.close()
						u.record()
						time.Sleep(21 * time.Second)
						if at == 0 {
							u.card.Break(op, syscall.EIO)
						}
						id := u.trigger("motion")
						time.Sleep(at)
						u.card.Break(op, syscall.EIO)
						time.Sleep(3 * time.Second)
						u.studio.close()
						u.card.Break(op, nil)
						time.Sleep(time.Minute)
						u.again(u.Recorder)
						time.Sleep(20 * time.Second)
						list := u.all()
						if len(list) != 1 || list[0].ID != id || list[0].State == recorder.Recording || list[0].Length < at {
							t.Errorf("%+v", list)
						}
						if c, err := u.Clip(id); err == nil && c.State == recorder.Recording {
							t.Errorf("%+v", c)
						}
						event := time.Now()
						next := u.trigger("motion")
						time.Sleep(25 * time.Second)
						u.whole(next, event)
						if st := u.Status(); st.Storage != recorder.StorageReady || st.LostFrames > 0 {
							t.Errorf("%+v", st)
						}
					})
				})
			}
		}
	}
}

// TestRunIsOver runs with a context that is over.
func TestRunIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(time.Second)
		u.studio.close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		id := u.trigger("before")
		if err := u.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := u.Erase(t.Context()); err == nil {
			t.Error("it is erased while nothing runs")
		}
		u.again(u.Recorder)
		time.Sleep(20 * time.Second)
		if c, err := u.Clip(id); err == nil && c.State == recorder.Recording {
			t.Errorf("%+v", c)
		}
	})
}
