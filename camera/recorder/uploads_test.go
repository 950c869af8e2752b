package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// TestContinuousUpload records all the time and uploads clips alone, or everything.
func TestContinuousUpload(t *testing.T) {
	for _, all := range []bool{false, true} {
		t.Run(fmt.Sprint("all ", all), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.UploadAll = true, all })
				defer u.close()
				u.record()
				u.srv.SetOutage(true)
				time.Sleep(4*time.Minute + 53*time.Second)
				if st := u.Status(); all != (st.Waiting == 1) || all != (st.WaitingBytes > 10<<10) || all == st.Oldest.IsZero() {
					t.Errorf("before a clip: %+v", st)
				}
				u.srv.SetOutage(false)
				for range 3 { // one of them where a file of five minutes ends
					u.trigger("motion")
					time.Sleep(time.Minute)
				}
				u.until(10*time.Minute, u.uploaded)
				u.check()
				stored := 0
				for _, f := range u.srv.Fragments("front-door") {
					if f.ProducerTime.Year() != 2026 {
						t.Errorf("a fragment of %v", f.ProducerTime)
					}
					stored++
				}
				if all != (stored > 200) {
					t.Errorf("%d fragments are in the stream", stored)
				}
				if st := u.Status(); st.Waiting > 1 || st.WaitingBytes > 20<<10 { // but for what is recorded
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// TestRefusedFragments has the service refuse one fragment of a clip, then all of them.
func TestRefusedFragments(t *testing.T) {
	refuse := func(skip int) kvsmediatest.Fault {
		return kvsmediatest.Fault{Skip: skip, When: kvsmediatest.Received, Do: kvsmediatest.SendError, ErrorID: 4011}
	}
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, nil)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		u.srv.Inject(refuse(0), refuse(1)) // the service may mean the connection once
		id := u.trigger("motion")
		u.until(5*time.Minute, func() bool { return u.clip(id).State == recorder.Partial })
		c := u.clip(id)
		if len(c.Missing) != 1 || c.Missing[0].Length < time.Second || c.Missing[0].Reason == "" || c.Sent == 0 || c.Sent == 1 {
			t.Errorf("%+v", c)
		}
		for n := range 200 {
			u.srv.Inject(refuse(n))
		}
		id = u.trigger("motion")
		u.until(10*time.Minute, func() bool { return u.clip(id).State == recorder.Lost })
		if c := u.clip(id); len(c.Missing) == 0 || !c.OnDevice {
			t.Errorf("%+v", c)
		}
		readable(t, u.Recorder, u.clip(id))
	})
}

// TestErrorsOfTheService has each ERROR acknowledgement once in a clip, and some that AWS does not
// have: everything arrives.
func TestErrorsOfTheService(t *testing.T) {
	for _, id := range []int{0, 4000, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4010, 4011, 4012, 4013, 4500, 4502, 4507, 5000, 5001} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, nil)
			defer u.close()
			u.record()
			time.Sleep(20 * time.Second)
			u.srv.Inject(kvsmediatest.Fault{Skip: 2, When: kvsmediatest.Received, Do: kvsmediatest.SendError, ErrorID: id})
			u.trigger("motion")
			time.Sleep(20 * time.Second)
			u.until(10*time.Minute, u.uploaded)
			u.check()
		})
	}
}

// TestDenied has the stream's service refuse the camera for an hour.
func TestDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, nil)
		defer u.close()
		u.srv.Refuse("GetDataEndpoint", 1000, kvsmediatest.Error{Status: 403, Name: "AccessDeniedException", Message: "not this one"})
		u.record()
		time.Sleep(20 * time.Second)
		u.trigger("motion")
		time.Sleep(time.Hour)
		if st := u.Status(); st.Upload == nil || st.Waiting != 1 {
			t.Errorf("%+v", st)
		}
		u.srv.Refuse("GetDataEndpoint", 0, kvsmediatest.Error{})
		u.until(10*time.Minute, u.uploaded)
		if st := u.Status(); st.Upload != nil || st.Waiting != 0 {
			t.Errorf("%+v", st)
		}
		u.check()
	})
}

// TestSharedProducer has an Upload run on the recorder's producer.
func TestSharedProducer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, nil)
		defer u.close()
		p := u.producer()
		u.cfg.Uploader = p
		busy := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = p.Upload(t.Context(), func(func(kvsmedia.Frame) bool) { <-busy })
		}()
		time.Sleep(time.Second)
		u.record()
		time.Sleep(20 * time.Second)
		u.trigger("motion")
		time.Sleep(30 * time.Second)
		if st := u.Status(); !errors.Is(st.Upload, kvsmedia.ErrUploading) {
			t.Errorf("%+v", st)
		}
		close(busy)
		<-done
		u.until(10*time.Minute, u.uploaded)
	})
}

// TestBacklogYields has an event while a long clip of the backlog goes up slowly.
func TestBacklogYields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, func(c *recorder.Config) { c.BacklogRate = 10_000 })
		defer u.close()
		u.srv.SetOutage(true)
		u.record()
		time.Sleep(20 * time.Second)
		for range 55 { // a clip of ten minutes, in parts of two
			u.trigger("motion")
			time.Sleep(10 * time.Second)
		}
		time.Sleep(time.Minute)
		u.srv.SetOutage(false)
		time.Sleep(14 * time.Second)
		if done := u.all()[0].Sent; done > 0.9 && u.Status().Waiting == 0 {
			t.Error("the backlog is up before the event")
		}
		id := u.trigger("doorbell")
		time.Sleep(10 * time.Second)
		if c := u.clip(id); c.Sent < 0.4 || u.Status().Waiting < 2 {
			t.Errorf("the event waits for the backlog: %+v %+v", c, u.Status())
		}
		start := time.Now()
		bytes := u.Status().WaitingBytes
		u.until(time.Hour, u.uploaded)
		if least := time.Duration(bytes) * time.Second * 8 / 10_000 / 2; time.Since(start) < least {
			t.Errorf("%d bytes went up in %v, at 10 kbit/s", bytes, time.Since(start))
		}
		u.check()
	})
}

// TestTags finds the tags of events on the fragments that they happened in.
func TestTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, nil)
		defer u.close()
		u.record()
		time.Sleep(21100 * time.Millisecond)
		at := time.Now()
		id, err := u.Trigger(recorder.Event{Type: "person", Tags: map[string]string{"kind": "person"}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		u.until(10*time.Minute, u.uploaded)
		a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: u.srv.AWS(), Stream: "front-door"})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		list, err := u.Receipt(id)
		if err != nil {
			t.Fatal(err)
		}
		var numbers []string
		for _, f := range list {
			numbers = append(numbers, f.Number)
		}
		m, err := a.MediaForFragments(t.Context(), numbers...)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		tagged := 0
		for f := range m.Fragments() {
			if f.Tags["kind"] != "person" {
				continue
			}
			tagged++
			if d := at.Sub(f.ProducerTime); d < 0 || d > 2*time.Second {
				t.Errorf("the event of %v is on the fragment of %v", at, f.ProducerTime)
			}
		}
		if tagged != 1 {
			t.Errorf("%d fragments have the tag", tagged)
		}
	})
}

// TestTimestampsStay cuts the power at many moments while clips go up: each picture has one
// producer timestamp, however often it was sent.
func TestTimestampsStay(t *testing.T) {
	for op := 100; op < 160; op++ {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, nil)
			defer u.close()
			u.card.CutAt(op)
			u.record()
			time.Sleep(20 * time.Second)
			for range 3 {
				u.trigger("motion")
				time.Sleep(time.Minute)
			}
			u.studio.close()
			u.card = u.card.Restart(rand.New(rand.NewPCG(2, uint64(op))))
			u.cfg.Uploader = u.producer()
			u.record()
			time.Sleep(2 * time.Second)
			u.until(time.Hour, u.uploaded)
			u.check()
			times := map[int]time.Time{}
			for n, at := range u.pictures() {
				if before, ok := times[n]; ok && before != at {
					t.Errorf("cut at %d: picture %d is stored as of %v and %v", op, n, before, at)
				}
				times[n] = at
			}
		})
	}
}

// pictures yields all pictures in the stream with their producer timestamps.
func (u *upload) pictures() func(func(int, time.Time) bool) {
	return func(yield func(int, time.Time) bool) {
		a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: u.srv.AWS(), Stream: "front-door"})
		if err != nil {
			u.t.Fatal(err)
		}
		defer a.Close()
		var numbers []string
		for f, err := range a.ListFragments(u.t.Context(), kvsmedia.Range{}) {
			if err != nil {
				u.t.Fatal(err)
			}
			numbers = append(numbers, f.Number)
		}
		for part := range slices.Chunk(numbers, 1000) {
			m, err := a.MediaForFragments(u.t.Context(), part...)
			if err != nil {
				u.t.Fatal(err)
			}
			for f := range m.Frames() {
				if !yield(number(f), f.Time) {
					break
				}
			}
			if err := m.Close(); err != nil {
				u.t.Error(err)
			}
		}
	}
}

// TestReadingFails has the card fail to read for a moment, and for good.
func TestReadingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, nil)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		u.card.Fail("ReadAt", 6, syscall.EIO)
		u.trigger("motion")
		time.Sleep(20 * time.Second)
		u.until(10*time.Minute, u.uploaded)
		u.check()
	})
}

// TestEvictedUnderWay has a clip evicted whose fragments the producer has: it is lost only if
// the service never gets them.
func TestEvictedUnderWay(t *testing.T) {
	for _, publish := range []bool{false, true} {
		for _, arrives := range []bool{false, true} {
			t.Run(fmt.Sprint(publish, arrives), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, func(c *recorder.Config) {
						c.PreRoll, c.PostRoll = -1, 500*time.Millisecond
						if publish {
							c.Publish = func(context.Context, recorder.Change) error { return nil }
						}
					})
					defer u.close()
					u.srv.SetOutage(true)
					u.record()
					seen := u.watch()
					time.Sleep(21 * time.Second)
					u.trigger("motion")
					time.Sleep(10 * time.Second)
					u.card.SetFree(40 << 20)
					time.Sleep(10 * time.Second)
					var kinds []recorder.Kind
					for _, ch := range seen() {
						kinds = append(kinds, ch.Kind)
					}
					if want := []recorder.Kind{recorder.ClipStarted, recorder.ClipEnded, recorder.ClipEvicted}; !slices.Equal(kinds, want) {
						t.Errorf("%v before it is known, want %v", kinds, want)
					}
					last := recorder.ClipStored
					if !arrives {
						last = recorder.ClipLost
						for n := range 9 {
							u.srv.Inject(kvsmediatest.Fault{Skip: n, When: kvsmediatest.Received, Do: kvsmediatest.SendError, ErrorID: 4011})
						}
					}
					u.srv.SetOutage(false)
					time.Sleep(5 * time.Minute)
					all := seen()
					if ch := all[len(all)-1]; len(all) != 4 || ch.Kind != last || (ch.Clip.State == recorder.Uploaded) != arrives {
						t.Errorf("%+v", all[3:])
					}
				})
			})
		}
	}
}

// TestTracksThatStayHere has a sound that the producer does not take: a line of the log says so.
func TestTracksThatStayHere(t *testing.T) {
	for _, name := range []string{"sound", "other"} {
		synctest.Test(t, func(t *testing.T) {
			var log lines
			u := newUpload(t, func(c *recorder.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			defer u.close()
			mine, taken := &kvsmedia.Track{Codec: kvsmedia.PCMU, Name: "sound"}, &kvsmedia.Track{Codec: kvsmedia.PCMU, Name: name}
			u.cfg.Tracks = []*kvsmedia.Track{u.film.track, mine}
			u.cfg.Uploader = u.producerOf(u.film.track, taken)
			u.record()
			time.Sleep(time.Second)
			if said := strings.Contains(log.String(), "clips in the stream lack it"); said != (name == "other") {
				t.Errorf("track %s: %s", name, log.String())
			}
		})
	}
}
