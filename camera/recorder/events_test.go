package recorder_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// follow checks that clips follow one another without a gap and without a picture twice,
// and returns how many pictures they have.
func (u *upload) follow(list []recorder.Clip) (pictures int) {
	u.t.Helper()
	last := -1
	for _, c := range list {
		for _, f := range u.frames(c.ID) {
			if n := number(f); last >= 0 && n != last+1 {
				u.t.Errorf("picture %d comes after %d, in %s", n, last, c.ID)
			}
			last = number(f)
			pictures++
		}
	}
	return pictures
}

// TestEventASecond has an event a second for five minutes: clips of two minutes follow one
// another without a gap, and know their events.
func TestEventASecond(t *testing.T) {
	for mode, continuous := range map[string]bool{"events": false, "continuous": true} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.Continuous = nil, continuous })
				defer u.close()
				u.record()
				time.Sleep(21 * time.Second)
				for range 300 {
					u.trigger("motion")
					time.Sleep(time.Second)
				}
				time.Sleep(20 * time.Second)
				list := u.all()
				if len(list) != 3 || list[0].Reason != recorder.LongestClip || list[2].Reason != recorder.EndOfEvent {
					t.Errorf("%+v", list)
				}
				events := 0
				for _, c := range list {
					events += len(c.Events) + c.MoreEvents
					if c.Length > 2*time.Minute {
						t.Errorf("a clip of %v", c.Length)
					}
				}
				if events < 300 || events > 302 {
					t.Errorf("%d events", events)
				}
				if n := u.follow(list); n < 4*313 {
					t.Errorf("%d pictures", n)
				}
			})
		})
	}
}

// TestEventsCloseTogether has an event right after a clip has ended: its pre-roll begins
// where that ended.
func TestEventsCloseTogether(t *testing.T) {
	for pause := 10 * time.Second; pause < 20*time.Second; pause += 700 * time.Millisecond {
		for _, continuous := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.Continuous = nil, continuous })
				defer u.close()
				u.record()
				time.Sleep(21300 * time.Millisecond)
				u.trigger("one")
				time.Sleep(pause)
				u.trigger("two")
				time.Sleep(20 * time.Second)
				list := u.all()
				if n := u.follow(list[:1]); n < 4*15 {
					t.Errorf("%d pictures", n)
				}
				if len(list) == 2 {
					if gap := list[1].Start.Sub(list[0].End); gap < 0 || pause < 14*time.Second && gap > time.Millisecond {
						t.Errorf("after %v: %v between the clips", pause, gap)
					}
				}
			})
		}
	}
}

// TestEarlyEvent has events before the source has a pre-roll, before Run, and one of some
// seconds ago.
func TestEarlyEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(1100 * time.Millisecond)
		id := u.trigger("early")
		time.Sleep(20 * time.Second)
		if c := u.clip(id); c.Length < 11*time.Second || c.State != recorder.Kept {
			t.Errorf("%+v", c)
		}
		time.Sleep(time.Minute)
		at := time.Now().Add(-20 * time.Second)
		id, err := u.Trigger(recorder.Event{Type: "told late", Time: at})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if c := u.clip(id); c.Start.After(at.Add(-5*time.Second)) || c.End.Before(at.Add(10*time.Second)) {
			t.Errorf("of %v: %+v", at, c)
		}
	})
}

// TestClock has clips made before the clock is set, and after it was set back.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shift time.Duration
		known := false
		u := newUpload(t, func(c *recorder.Config) {
			c.Uploader = nil
			c.Now = func() time.Time {
				if !known {
					return time.Time{}
				}
				return time.Now().Add(shift)
			}
		})
		defer u.close()
		u.record()
		time.Sleep(21 * time.Second)
		at := time.Now()
		first := u.trigger("unknown time")
		time.Sleep(30 * time.Second)
		if c := u.clip(first); !c.Start.IsZero() || c.State != recorder.Kept {
			t.Errorf("%+v", c)
		}
		known = true
		time.Sleep(3 * time.Second)
		if c := u.clip(first); c.Start.Sub(at).Abs() > 8*time.Second || c.Estimated {
			t.Errorf("event at %v: %+v", at, c)
		}
		second := u.trigger("right time")
		time.Sleep(5 * time.Second)
		shift = -time.Hour * 24 // in the midst of a clip
		time.Sleep(30 * time.Second)
		shift = -40 * time.Second // so that the next one falls onto the second
		third := u.trigger("time of before")
		time.Sleep(5 * time.Second)
		shift = 365 * 24 * time.Hour
		time.Sleep(25 * time.Second)
		list := u.all()
		if len(list) != 3 || list[0].ID != first || list[1].ID != second || list[2].ID != third {
			t.Fatalf("%+v", list)
		}
		for i, c := range list {
			if d := c.End.Sub(c.Start); d != c.Length || d < 15*time.Second || d > 18*time.Second {
				t.Errorf("%+v", c)
			}
			if i > 0 && c.Start.Before(list[i-1].End) {
				t.Errorf("clip %d begins at %v, before %v", i, c.Start, list[i-1].End)
			}
			readable(t, u.Recorder, c)
		}
	})
}

// TestPTSWraps records clips while a 32-bit PTS at 90 kHz wraps, and while the picture
// changes its size: no picture is lost.
func TestPTSWraps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, func(c *recorder.Config) { c.PostRoll = 20 * time.Second })
		video := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}
		var err error
		if s.cam, err = camera.New(camera.Config{Tracks: []*kvsmedia.Track{video}, PreRoll: 30 * time.Second, Logger: quiet}); err != nil {
			t.Fatal(err)
		}
		s.cfg.Source, s.cfg.Tracks = s.cam, []*kvsmedia.Track{video}
		s.record()
		defer s.close()
		const wrap = (1 << 32) * time.Second / 90000
		small, large := pictures(clips.Sub()), pictures(clips.Day())
		written := 0
		var id recorder.ClipID
		for n := range 15 * 60 {
			list := small
			if n >= 15*30 { // the encoder is set to another size
				list = large
			}
			f := kvsmedia.Frame{Track: video, PTS: (wrap - 22*time.Second + time.Duration(n)*time.Second/15) % wrap, Data: list[n%30]}
			if err := s.cam.WriteFrame(f); err != nil {
				t.Fatal(n, err)
			}
			written++
			if n == 15*20 {
				id = s.trigger("motion")
			}
			time.Sleep(time.Second / 15)
		}
		c := s.clip(id)
		list := s.frames(id)
		if want := int(c.Length.Seconds()*15 + 0.5); c.State != recorder.Kept || c.Length < 25*time.Second || len(list) < want-1 || len(list) > want+1 {
			t.Errorf("%d pictures: %+v", len(list), c)
		}
		if len(s.clips()) != 1 {
			t.Errorf("%+v", s.clips())
		}
	})
}

func (s *studio) clips() (list []recorder.Clip) {
	for c := range s.Clips(time.Time{}, time.Time{}) {
		list = append(list, c)
	}
	return list
}

// pictures returns the data of a film's pictures.
func pictures(c *clips.Clip) (list [][]byte) {
	for _, f := range c.Frames {
		if f.Track.Codec.Video() {
			list = append(list, f.Data)
		}
	}
	return list
}

// TestBudget has a budget too small for the clips: the oldest go, protected ones stay, and
// each is told.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, func(c *recorder.Config) { c.MaxBytes = 32 << 20 })
		s.record()
		defer s.close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		evicted := map[recorder.ClipID]bool{}
		changes := s.Changes(ctx)
		s.works.Go(func() {
			for c := range changes {
				if c.Kind == recorder.ClipEvicted {
					evicted[c.Clip.ID] = true
					if len(c.Clip.Missing) == 0 || c.Clip.State != recorder.Lost {
						t.Errorf("%+v", c)
					}
				}
			}
		})
		s.roll()
		time.Sleep(30 * time.Second)
		protected := s.trigger("keep this")
		time.Sleep(30 * time.Second)
		if err := s.Protect(protected, true); err != nil {
			t.Fatal(err)
		}
		var all []recorder.ClipID
		for n := range 150 {
			all = append(all, s.trigger(fmt.Sprint("event ", n)))
			time.Sleep(30 * time.Second)
		}
		if st := s.Status(); st.Used > 32<<20 || !st.Storage.Records() {
			t.Errorf("%+v", st)
		}
		if c := s.clip(protected); !c.OnDevice || !c.Protected {
			t.Errorf("%+v", c)
		}
		if len(evicted) == 0 || evicted[protected] || evicted[all[len(all)-1]] || !evicted[all[0]] {
			t.Errorf("%d clips were evicted", len(evicted))
		}
		for i := range all[1:] {
			if evicted[all[i+1]] && !evicted[all[i]] {
				t.Errorf("clip %d went before clip %d", i+1, i)
			}
		}
		if err := s.Erase(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list := s.clips(); len(list) != 0 {
			t.Errorf("%d clips after Erase", len(list))
		}
	})
}
