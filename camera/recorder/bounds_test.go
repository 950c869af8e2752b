package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// TestStuckAnywhere has each question to the card that does not return.
func TestStuckAnywhere(t *testing.T) {
	for _, op := range []string{"Open", "Truncate", "WriteAt", "Sync", "SyncDir", "Volume", "Space", "Mkdir", "Size"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, offline)
				defer u.close()
				u.record()
				time.Sleep(20 * time.Second)
				release := u.card.Stall(op)
				defer release()
				u.trigger("motion")
				u.state(recorder.StorageStuck)
				release()
				time.Sleep(15 * time.Second)
				if st := u.Status(); !st.Storage.Records() {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// TestContinuousBudget records all the time with a small budget.
func TestContinuousBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader, c.MaxBytes = true, nil, 32<<20 })
		defer u.close()
		u.film.ballast = bytes.Repeat([]byte{0xff}, 60<<10)
		u.record()
		most := int64(0)
		for range 3 * 60 / 5 {
			time.Sleep(5 * time.Second)
			most = max(most, u.Status().Used)
		}
		if most > 48<<20 { // a file that was begun just now has 16 MiB
			t.Errorf("%d MiB are used of 32", most>>20)
		}
	})
}

// TestUploadAllEvicts records all the time without network and with a small budget: what
// is left goes up when the network is back, and nothing is held against it.
func TestUploadAllEvicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, func(c *recorder.Config) {
			c.Continuous, c.UploadAll, c.MaxBytes, c.BacklogRate = true, true, 32<<20, 100_000_000
		})
		defer u.close()
		u.film.ballast = bytes.Repeat([]byte{0xff}, 20<<10)
		u.srv.SetOutage(true)
		u.record()
		var ids []recorder.ClipID
		for range 7 {
			ids = append(ids, u.trigger("motion"))
			time.Sleep(time.Minute)
		}
		u.srv.SetOutage(false)
		left := 0
		u.until(20*time.Minute, func() bool {
			left = 0
			for _, c := range u.all() {
				if c.OnDevice && c.State != recorder.Recording {
					left++
					if c.State != recorder.Uploaded {
						return false
					}
				}
			}
			return true
		})
		if left == 0 || left == len(ids) {
			t.Errorf("%d of %d clips are left", left, len(ids))
		}
		id := u.trigger("motion")
		u.until(time.Minute, func() bool { return u.clip(id).State == recorder.Uploaded })
		if st := u.Status(); st.Used > 48<<20 || st.Waiting > 1 { // what is being recorded
			t.Errorf("%+v", st)
		}
	})
}

// TestPublishAfterHours has Publish refuse everything for hours, with a restart in them.
func TestPublishAfterHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var works atomic.Bool
		var taken []recorder.Change
		u := newUpload(t, func(c *recorder.Config) {
			c.Uploader = nil
			c.Publish = func(_ context.Context, ch recorder.Change) error {
				if !works.Load() {
					return errors.New("no")
				}
				mu.Lock()
				defer mu.Unlock()
				taken = append(taken, ch)
				return nil
			}
		})
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		var ids []recorder.ClipID
		for n := range 15 {
			ids = append(ids, u.trigger("motion"))
			time.Sleep(10 * time.Minute)
			if n == 12 {
				if err := u.Delete(ids[3]); err != nil {
					t.Error(err)
				}
				u.studio.close()
				u.record()
				time.Sleep(5 * time.Second)
			}
		}
		works.Store(true)
		u.until(2*time.Minute, func() bool { return u.Status().Unpublished == 0 })
		mu.Lock()
		defer mu.Unlock()
		var kinds []string
		seen := map[string]bool{}
		for _, ch := range taken {
			kinds = append(kinds, fmt.Sprint(slices.Index(ids, ch.Clip.ID), ch.Kind))
			if seen[ch.ID] {
				t.Errorf("%s twice", ch.ID)
			}
			seen[ch.ID] = true
		}
		if len(taken) != 31 {
			t.Errorf("%v", kinds)
		}
	})
}

// TestSlowReaderOfChanges has a loop over Changes that hangs for an hour: it goes on with
// the latest, and nothing waits for it.
func TestSlowReaderOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		ctx, cancel := context.WithCancel(t.Context())
		var got []recorder.Change
		changes := u.Changes(ctx)
		u.works.Go(func() {
			for ch := range changes {
				if got = append(got, ch); len(got) == 1 {
					time.Sleep(44 * time.Minute)
				}
			}
		})
		time.Sleep(20 * time.Second)
		for range 130 {
			u.trigger("motion")
			time.Sleep(20 * time.Second)
		}
		time.Sleep(10 * time.Minute)
		cancel()
		u.studio.close()
		if len(got) < 180 || len(got) > 250 {
			t.Errorf("%d changes were seen", len(got))
		}
		if st := u.Status(); st.LostFrames > 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestForeignFiles has a card with all that others may have put there.
func TestForeignFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		first := u.trigger("motion")
		time.Sleep(20 * time.Second)
		u.studio.close()
		for _, name := range []string{"2026-11-30/1000000000000000.mkv", "2026-11-30/0fffffffffffffff.mkv", "2026-11-30/ffffffffffffffff.mkv", "2026-11-30/00000000.mkv",
			"2026-11-30/holiday.mkv", "0000-01-01/0000abcd.mkv", "9999-12-31/0000abce.mkv", "journal/zzz", "readme.txt"} {
			if err := put(u.card, name); err != nil {
				t.Fatal(name, err)
			}
		}
		var ids []recorder.ClipID
		for range 3 {
			u.record()
			time.Sleep(20 * time.Second)
			ids = append(ids, u.trigger("motion"))
			time.Sleep(20 * time.Second)
			u.studio.close()
		}
		u.record()
		time.Sleep(5 * time.Second)
		for _, id := range append(ids, first) {
			c := u.clip(id)
			readable(t, u.Recorder, c)
			if !c.OnDevice {
				t.Errorf("%+v", c)
			}
		}
		if err := u.Erase(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
