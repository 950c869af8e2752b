package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// TestDeleteAtOnce deletes, or protects, clips whose event was told just now.
func TestDeleteAtOnce(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.Continuous = nil, continuous })
			defer u.close()
			u.record()
			time.Sleep(20 * time.Second)
			for range 20 {
				id := u.trigger("motion")
				if err := u.Protect(id, true); err != nil {
					t.Fatal(err)
				}
				if err := u.Delete(id); err != nil {
					t.Fatal(err)
				}
				if c, err := u.Clip(id); !errors.Is(err, recorder.ErrNoClip) {
					t.Fatalf("%+v", c)
				}
				time.Sleep(500 * time.Millisecond)
			}
			time.Sleep(20 * time.Second)
			if list := u.all(); len(list) > 0 {
				t.Errorf("%+v", list)
			}
		})
	}
}

// TestEventDuringDelete has an event while a slow card deletes the clip that is being
// recorded: it has its own.
func TestEventDuringDelete(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for wait := 200 * time.Millisecond; wait < 4*time.Second; wait += 1200 * time.Millisecond {
			t.Run(fmt.Sprint(continuous, wait), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.Continuous = nil, continuous })
					defer u.close()
					u.record()
					time.Sleep(21 * time.Second)
					first := u.trigger("to be deleted")
					time.Sleep(3 * time.Second)
					u.card.Delay("Sync", 1500*time.Millisecond)
					done := make(chan error, 1)
					go func() { done <- u.Delete(first) }()
					time.Sleep(wait)
					at := time.Now()
					id := u.trigger("stays")
					time.Sleep(3 * time.Second)
					u.card.Delay("Sync", 0)
					if err := <-done; err != nil {
						t.Error(err)
					}
					time.Sleep(30 * time.Second)
					if id == first { // told before the delete was
						return
					}
					c := u.clip(id)
					readable(t, u.Recorder, c)
					if c.Reason != recorder.EndOfEvent || c.End.Before(at.Add(9500*time.Millisecond)) || len(u.all()) != 1 {
						t.Errorf("event at %v: %+v", at, u.all())
					}
				})
			})
		}
	}
}

// TestDeleteTheOneBefore deletes a clip that is over while the next one is recorded.
func TestDeleteTheOneBefore(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for wait := 200 * time.Millisecond; wait < 5*time.Second; wait += 800 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.Continuous = nil, continuous })
				defer u.close()
				u.record()
				time.Sleep(21 * time.Second)
				first := u.trigger("to be deleted")
				time.Sleep(11100 * time.Millisecond) // it is over at :32
				at := time.Now()
				id := u.trigger("stays")
				time.Sleep(wait)
				if err := u.Delete(first); err != nil {
					t.Error(err)
				}
				time.Sleep(30 * time.Second)
				c := u.clip(id)
				readable(t, u.Recorder, c)
				if c.Reason != recorder.EndOfEvent || c.End.Before(at.Add(9500*time.Millisecond)) || len(u.all()) != 1 {
					t.Errorf("deleted after %v: %+v", wait, u.all())
				}
			})
		}
	}
}

// TestMP4OfEvicted opens a clip on a slow card while it is deleted.
func TestMP4OfEvicted(t *testing.T) {
	for _, op := range []string{"Open", "Size", "ReadAt"} {
		for wait := time.Duration(0); wait < time.Second; wait += 130 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, offline)
				defer u.close()
				u.record()
				time.Sleep(20 * time.Second)
				id := u.trigger("motion")
				time.Sleep(20 * time.Second)
				u.card.Delay(op, 500*time.Millisecond)
				done := make(chan error, 1)
				go func() {
					time.Sleep(wait)
					done <- u.Delete(id)
				}()
				m, err := u.MP4(id)
				if err == nil {
					_ = m.Close()
				} else if !errors.Is(err, recorder.ErrNoClip) {
					t.Errorf("%s, deleted after %v: %v", op, wait, err)
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestDeleteOfMany deletes many clips from a slow card while an event is recorded.
func TestDeleteOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, func(c *recorder.Config) {
			c.Uploader, c.PreRoll, c.PostRoll, c.QueueBytes = nil, -1, time.Second, 256<<10
		})
		defer u.close()
		u.film.ballast = bytes.Repeat([]byte{0xff}, 20<<10)
		u.record()
		time.Sleep(20 * time.Second)
		var ids []recorder.ClipID
		for range 120 {
			ids = append(ids, u.trigger("motion"))
			time.Sleep(10 * time.Second)
		}
		u.card.Delay("Remove", 70*time.Millisecond)
		done := make(chan error, 1)
		id := u.trigger("meanwhile")
		time.Sleep(300 * time.Millisecond)
		go func() { done <- u.Delete(ids...) }()
		for range 40 {
			u.trigger("goes on")
			time.Sleep(500 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		if err := <-done; err != nil {
			t.Error(err)
		}
		c := u.clip(id)
		readable(t, u.Recorder, c)
		if st := u.Status(); st.LostFrames > 0 || len(c.Missing) > 0 || st.Clips != 1 {
			t.Errorf("%+v\n%+v", st, c)
		}
	})
}

// TestNextOwner erases the card: nothing of before it is in a clip of after it.
func TestNextOwner(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, recording := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, func(c *recorder.Config) { c.Continuous = continuous })
				defer u.close()
				u.record()
				time.Sleep(21 * time.Second)
				u.trigger("of the first owner")
				if !recording {
					time.Sleep(30 * time.Second)
				} else {
					time.Sleep(3 * time.Second)
				}
				if err := u.Erase(t.Context()); err != nil {
					t.Fatal(err)
				}
				erased := int(time.Since(u.film.start) / tinyStep)
				sent := len(u.srv.Fragments("front-door"))
				if _, err := u.Trigger(recorder.Event{Type: "of a minute ago", Time: time.Now().Add(-time.Minute)}); err != nil {
					t.Fatal(err)
				}
				u.trigger("of the next owner")
				time.Sleep(30 * time.Second)
				list := u.all()
				if len(list) != 1 || list[0].Length < 6*time.Second {
					t.Fatalf("%+v", list)
				}
				for _, f := range u.frames(list[0].ID) {
					if number(f) <= erased {
						t.Errorf("continuous %v, recording %v: picture %d is of before number %d", continuous, recording, number(f), erased)
						break
					}
				}
				_ = sent
			})
		}
	}
}

// TestNotUploadedOnceDeleted deletes clips that wait for the network, ended ones and the one
// that is being recorded.
func TestNotUploadedOnceDeleted(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, publish := range []bool{false, true} {
			for _, ended := range []bool{false, true} {
				t.Run(fmt.Sprint(continuous, publish, ended), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						u := newUpload(t, func(c *recorder.Config) {
							c.Continuous = continuous
							if publish {
								c.Publish = refuse
							}
						})
						defer u.close()
						u.srv.SetOutage(true)
						u.record()
						time.Sleep(21 * time.Second)
						event := time.Now()
						id := u.trigger("motion")
						time.Sleep(6 * time.Second)
						if ended {
							time.Sleep(20 * time.Second)
						}
						if err := u.Delete(id); err != nil {
							t.Fatal(err)
						}
						deleted := time.Now()
						u.srv.SetOutage(false)
						time.Sleep(time.Minute)
						u.trigger("later")
						time.Sleep(time.Minute)
						sent := 0
						for _, f := range u.srv.Fragments("front-door") {
							if f.ProducerTime.After(event.Add(-8*time.Second)) && f.ProducerTime.Before(deleted) {
								sent++
							}
						}
						if sent > 2 { // that were under way
							t.Errorf("%d fragments of the deleted clip are in the stream", sent)
						}
					})
				})
			}
		}
	}
}

// refuse is a Publish that never succeeds.
func refuse(context.Context, recorder.Change) error { return errors.New("no") }
