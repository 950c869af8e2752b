package recorder_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

// watch takes note of all changes from now on.
func (u *upload) watch() (seen func() []recorder.Change) {
	var mu sync.Mutex
	var list []recorder.Change
	changes := u.Changes(u.t.Context())
	go func() {
		for ch := range changes {
			mu.Lock()
			list = append(list, ch)
			mu.Unlock()
		}
	}()
	return func() []recorder.Change {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}

// TestNoRoomIsNeeded deletes and erases on a card that others have filled to the last byte, with
// clips that wait for the network, and while one is recorded.
func TestNoRoomIsNeeded(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, recording := range []bool{false, true} {
			for _, settled := range []bool{false, true} { // the recorder knows of it
				for _, delete := range []bool{false, true} {
					t.Run(fmt.Sprint(continuous, recording, settled, delete), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							u := newUpload(t, func(c *recorder.Config) { c.Continuous = continuous })
							defer u.close()
							u.srv.SetOutage(true)
							u.record()
							time.Sleep(21 * time.Second)
							first := u.trigger("waits for upload")
							time.Sleep(30 * time.Second)
							last := u.trigger("stays, or goes")
							time.Sleep(30 * time.Second)
							if recording {
								last = u.trigger("is recorded")
								time.Sleep(3 * time.Second)
							}
							u.card.SetFree(0)
							if settled {
								u.state(recorder.StorageFull)
								time.Sleep(20 * time.Second)
							}
							if delete {
								if err := u.Delete(first, last); err != nil {
									t.Error(err)
								}
								if list := u.all(); slices.ContainsFunc(list, func(c recorder.Clip) bool { return c.ID == first || c.ID == last }) {
									t.Errorf("%+v", list)
								}
								u.card.SetFree(0)
							}
							if err := u.Erase(t.Context()); err != nil {
								t.Fatal(err)
							}
							if list := u.all(); len(list) > 0 {
								t.Errorf("%+v", list)
							}
							u.card.SetFree(900 << 20)
							u.state(recorder.StorageReady)
							time.Sleep(20 * time.Second)
							event := time.Now()
							id := u.trigger("of the next owner")
							time.Sleep(20 * time.Second)
							u.whole(id, event)
						})
					})
				}
			}
		}
	}
}

// TestCutOffByDelete deletes, or erases, the clip that is being recorded: it has ended for
// that reason, and whoever follows the changes knows.
func TestCutOffByDelete(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for name, cut := range map[string]func(*upload, recorder.ClipID) error{
			"delete": func(u *upload, id recorder.ClipID) error { return u.Delete(id) },
			"erase":  func(u *upload, _ recorder.ClipID) error { return u.Erase(u.t.Context()) },
		} {
			t.Run(fmt.Sprint(name, continuous), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader = continuous, nil })
					defer u.close()
					u.record()
					seen := u.watch()
					time.Sleep(21 * time.Second)
					id := u.trigger("motion")
					time.Sleep(3 * time.Second)
					if err := cut(u, id); err != nil {
						t.Fatal(err)
					}
					list := seen()
					i := slices.IndexFunc(list, func(ch recorder.Change) bool { return ch.Kind == recorder.ClipEnded })
					if i < 0 || list[i].Clip.ID != id || list[i].Clip.Reason != recorder.DeletedEarly {
						t.Errorf("%+v", list)
					}
				})
			})
		}
	}
}

// TestReadyOnceErased erases a card that came in place of another one.
func TestReadyOnceErased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		u.card.Insert(storagetest.New(storagetest.FAT, 1<<30))
		u.state(recorder.StorageOther)
		if err := u.Erase(t.Context()); err != nil {
			t.Fatal(err)
		}
		u.state(recorder.StorageReady)
	})
}

// TestWhyItIsRemoved deletes one clip, has one evicted and one get old: their changes say which.
func TestWhyItIsRemoved(t *testing.T) {
	for _, publish := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, func(c *recorder.Config) {
				if c.Uploader = nil; publish {
					c.Publish = refuse
				}
				c.MaxAge = 3 * time.Hour
			})
			defer u.close()
			u.record()
			seen := u.watch()
			want := map[recorder.ClipID]string{}
			time.Sleep(20 * time.Second)
			for _, why := range []string{"deleted", "evicted", "too old"} {
				want[u.trigger(why)] = why
				time.Sleep(time.Minute)
			}
			for id, why := range want {
				if c := u.clip(id); c.Removed != "" {
					t.Errorf("%+v", c)
				}
				if why == "deleted" {
					if err := u.Delete(id); err != nil {
						t.Error(err)
					}
				}
			}
			u.card.SetFree(48<<20 - 4096)
			time.Sleep(5 * time.Second)
			u.card.SetFree(900 << 20)
			list := seen()
			u.studio.close() // what is of this boot does not get old in it
			u.record()
			seen = u.watch()
			time.Sleep(5 * time.Hour)
			for _, ch := range append(list, seen()...) {
				if ch.Kind == recorder.ClipEvicted && ch.Clip.Removed != want[ch.Clip.ID] {
					t.Errorf("%q, want %q", ch.Clip.Removed, want[ch.Clip.ID])
				} else if ch.Kind == recorder.ClipEvicted {
					delete(want, ch.Clip.ID)
				}
			}
			if len(want) > 0 {
				t.Errorf("no change says of %v", want)
			}
		})
	}
}

// TestGoesOnOnceDeleted deletes a clip that is being recorded and has its event told again: the
// next clip says that it lacks the beginning.
func TestGoesOnOnceDeleted(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.Continuous = nil, continuous })
			defer u.close()
			u.record()
			time.Sleep(21 * time.Second)
			e := recorder.Event{Type: "motion", Time: time.Now()}
			first, err := u.Trigger(e)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(9 * time.Second)
			if err := u.Delete(first); err != nil {
				t.Fatal(err)
			}
			id, err := u.Trigger(e)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(30 * time.Second)
			c := u.clip(id)
			if c.Start.Sub(e.Time) < 5*time.Second || len(c.Missing) != 1 || !c.Missing[0].Start.Equal(e.Time) ||
				c.Missing[0].Length != c.Start.Sub(e.Time) {
				t.Errorf("event at %v: %+v", e.Time, c)
			}
		})
	}
}

// TestEraseWhatWasFilled erases a card that others have filled to the last byte while the camera
// was off.
func TestEraseWhatWasFilled(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for seed := range uint64(3) {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.Continuous = nil, continuous })
				defer u.close()
				u.record()
				time.Sleep(20 * time.Second)
				u.trigger("motion")
				time.Sleep(5 * time.Second)
				next := u.card.Restart(rand.New(rand.NewPCG(1, seed)))
				u.studio.close()
				u.card = next
				u.card.SetFree(0)
				u.record()
				u.state(recorder.StorageFull)
				u.trigger("on a full card")
				time.Sleep(5 * time.Second)
				if err := u.Erase(t.Context()); err != nil {
					t.Fatal(err)
				}
				u.card.SetFree(900 << 20)
				u.state(recorder.StorageReady)
				time.Sleep(20 * time.Second)
				if list := u.all(); len(list) > 0 {
					t.Errorf("%+v", list)
				}
				event := time.Now()
				id := u.trigger("of the next owner")
				time.Sleep(20 * time.Second)
				u.whole(id, event)
			})
		}
	}
}
