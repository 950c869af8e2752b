package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// TestStuckSpace has each question to the card that does not return.
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

// TestReadingFailsOnce has the card fail at one read, and for some seconds: what could not
// be read goes up later.
func TestReadingFailsOnce(t *testing.T) {
	for _, op := range []string{"Open", "ReadAt", "Size"} {
		for n := range 14 {
			t.Run(fmt.Sprint(op, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, nil)
					defer u.close()
					u.srv.SetOutage(true)
					u.record()
					time.Sleep(20 * time.Second)
					for range 3 {
						u.trigger("motion")
						time.Sleep(40 * time.Second)
					}
					u.card.Fail(op, n, syscall.EIO)
					u.srv.SetOutage(false)
					u.until(10*time.Minute, u.uploaded)
					u.check()
				})
			})
		}
		for _, live := range []bool{false, true} {
			t.Run(fmt.Sprint(op, live), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, nil)
					defer u.close()
					u.srv.SetOutage(!live)
					u.record()
					time.Sleep(20 * time.Second)
					u.trigger("motion")
					if !live {
						time.Sleep(40 * time.Second)
					}
					u.card.Break(op, syscall.EIO)
					u.srv.SetOutage(false)
					time.Sleep(15 * time.Second)
					u.card.Break(op, nil)
					u.until(10*time.Minute, u.uploaded)
					u.check()
				})
			})
		}
	}
}

// TestHourWithReceipts has a clip of an hour: its receipts list each fragment.
func TestHourWithReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, func(c *recorder.Config) { c.LongestClip = time.Hour })
		defer u.close()
		u.record()
		time.Sleep(21 * time.Second)
		var id recorder.ClipID
		for range 6 * 60 {
			next := u.trigger("motion")
			if id == "" {
				id = next
			}
			time.Sleep(10 * time.Second)
		}
		u.until(10*time.Minute, u.uploaded)
		list, err := u.Receipt(id)
		if err != nil {
			t.Fatal(err)
		}
		numbers := map[string]bool{}
		for _, f := range list {
			numbers[f.Number] = true
		}
		c, stored := u.clip(id), 0
		for _, f := range u.srv.Fragments("front-door") {
			if !f.ProducerTime.Before(c.Start) && f.ProducerTime.Before(c.End) {
				stored++
			}
		}
		if len(numbers) != stored || stored < 1700 {
			t.Errorf("%d receipts of %d fragments of a clip of %v", len(numbers), stored, c.Length)
		}
	})
}

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
		for at := time.Duration(0); at < 15*time.Second; at += time.Second {
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
		u.record2(r)
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

// TestContinuousBudget records all the time with a small budget.
func TestContinuousBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader, c.MaxBytes = true, nil, 32<<20 })
		defer u.close()
		u.film.ballast = make([]byte, 60<<10)
		for i := range u.film.ballast {
			u.film.ballast[i] = 0xff
		}
		u.record()
		most := int64(0)
		for range 30 * 60 / 5 {
			time.Sleep(5 * time.Second)
			most = max(most, u.Status().Used)
		}
		if most > 48<<20 { // a file that was begun just now has 16 MiB
			t.Errorf("%d MiB are used of 32", most>>20)
		}
	})
}

// TestRunAgain ends Run in a clip whose card fails, and calls it again when that is well.
func TestRunAgain(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, op := range []string{"Sync", "WriteAt", "Open", "Volume"} {
			for at := time.Duration(0); at < 8*time.Second; at += 1300 * time.Millisecond {
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
						u.record2(u.Recorder)
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
		u.record2(u.Recorder)
		time.Sleep(20 * time.Second)
		if c, err := u.Clip(id); err == nil && c.State == recorder.Recording {
			t.Errorf("%+v", c)
		}
	})
}

// TestOtherErrorsOfTheService has the acknowledgements of errors that are rare.
func TestOtherErrorsOfTheService(t *testing.T) {
	for _, id := range []int{4005, 4008, 4013, 4501, 4503, 4504, 4505, 4506, 4507, 4999, 5999, 1, 0} {
		for _, when := range []kvsmediatest.Moment{kvsmediatest.Received} {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, nil)
				defer u.close()
				u.record()
				time.Sleep(20 * time.Second)
				u.srv.Inject(kvsmediatest.Fault{Skip: 2, When: when, Do: kvsmediatest.SendError, ErrorID: id})
				u.trigger("motion")
				time.Sleep(20 * time.Second)
				u.until(10*time.Minute, u.uploaded)
				u.check()
			})
		}
	}
}

// TestUploadAllEvicts records all the time without network and with a small budget: what
// is left goes up when the network is back, and nothing is held against it.
func TestUploadAllEvicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, func(c *recorder.Config) {
			c.Continuous, c.UploadAll, c.MaxBytes, c.BacklogRate = true, true, 64<<20, 100_000_000
		})
		defer u.close()
		u.film.ballast = make([]byte, 20<<10)
		for i := range u.film.ballast {
			u.film.ballast[i] = 0xff
		}
		u.srv.SetOutage(true)
		u.record()
		var ids []recorder.ClipID
		for range 15 {
			ids = append(ids, u.trigger("motion"))
			time.Sleep(4 * time.Minute)
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
		if st := u.Status(); st.Used > 64<<20 || st.Waiting > 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestPublishAfterADay has Publish refuse everything for a day, with a restart in it.
func TestPublishAfterADay(t *testing.T) {
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
		for hour := range 24 {
			ids = append(ids, u.trigger("motion"))
			time.Sleep(time.Hour)
			if hour == 12 {
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
		if len(taken) != 49 {
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
					time.Sleep(3 * time.Hour)
				}
			}
		})
		time.Sleep(20 * time.Second)
		for range 400 {
			u.trigger("motion")
			time.Sleep(20 * time.Second)
		}
		time.Sleep(2 * time.Hour)
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

var _ = storagetest.FAT
var _ kvsmedia.Frame
