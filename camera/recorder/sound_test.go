package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// sounding is a tiny film with sound where there is some.
func sounding(film *tinyFilm, track *kvsmedia.Track, there func(n int) bool) *remake {
	return &remake{film, func(n int, f kvsmedia.Frame) []kvsmedia.Frame {
		if !there(n) {
			return []kvsmedia.Frame{f}
		}
		return []kvsmedia.Frame{f, {Track: track, PTS: f.PTS + 10*time.Millisecond, Key: true, Data: fmt.Appendf(nil, "%08d", n)}}
	}}
}

// TestSoundComesAndGoes has a sound that begins late, pauses, and never comes.
func TestSoundComesAndGoes(t *testing.T) {
	for name, there := range map[string]func(n int) bool{
		"late":   func(n int) bool { return n > 100 },
		"pauses": func(n int) bool { return n < 90 || n > 110 },
		"never":  func(int) bool { return false },
		"flaps":  func(n int) bool { return n/9%2 == 0 },
		"once":   func(n int) bool { return n == 97 },
	} {
		for _, continuous := range []bool{false, true} {
			t.Run(fmt.Sprint(name, continuous), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, func(c *recorder.Config) { c.Continuous = continuous })
					defer u.close()
					track := &kvsmedia.Track{Codec: kvsmedia.PCMU, Name: "sound"}
					u.cfg.Tracks = []*kvsmedia.Track{u.film.track, track}
					u.cfg.Uploader = u.producerOf(u.film.track, track)
					u.cfg.Source = sounding(u.film, track, there)
					u.record()
					time.Sleep(21 * time.Second)
					id := u.trigger("motion")
					time.Sleep(20 * time.Second)
					u.until(10*time.Minute, u.uploaded)
					c := u.clip(id)
					last, sounds, pictures := -1, 0, 0
					for _, f := range u.frames(id) {
						switch n := number(f); {
						case !f.Track.Codec.Video():
							sounds++
						case last >= 0 && n != last+1:
							t.Errorf("picture %d comes after %d", n, last)
							fallthrough
						default:
							last = n
							pictures++
						}
					}
					want := 0
					for n := last - pictures + 1; n <= last; n++ {
						if there(n) {
							want++
						}
					}
					if pictures < 60 || sounds < want-1 || sounds > want+1 || len(c.Missing) > 0 {
						t.Errorf("%d pictures and %d of %d sounds: %+v", pictures, sounds, want, c)
					}
					if m, err := u.MP4(id); err != nil {
						t.Error(err)
					} else {
						_ = m.Close()
					}
				})
			})
		}
	}
}

// TestSoundAlone records a microphone.
func TestSoundAlone(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, func(c *recorder.Config) { c.Continuous = continuous })
			defer u.close()
			track := &kvsmedia.Track{Codec: kvsmedia.PCMU, Name: "sound"}
			u.cfg.Tracks = []*kvsmedia.Track{track}
			u.cfg.Uploader = u.producerOf(track)
			u.cfg.Source = sounding(u.film, track, func(int) bool { return true })
			u.record()
			time.Sleep(21 * time.Second)
			event := time.Now()
			id := u.trigger("noise")
			time.Sleep(20 * time.Second)
			u.whole(id, event)
			u.until(10*time.Minute, u.uploaded)
			u.check()
		})
	}
}

// TestPictureStops has an event while there is sound alone, and a clip in which the picture stops:
// both clips end.
func TestPictureStops(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader = continuous, nil })
			defer u.close()
			track := &kvsmedia.Track{Codec: kvsmedia.PCMU, Name: "sound"}
			u.cfg.Tracks = []*kvsmedia.Track{u.film.track, track}
			both := sounding(u.film, track, func(int) bool { return true })
			u.cfg.Source = &remake{u.film, func(n int, f kvsmedia.Frame) []kvsmedia.Frame {
				list := both.each(n, f)
				if n < 4*90 || n >= 4*120 {
					list = list[1:]
				}
				return list
			}}
			var ended atomic.Value
			u.cfg.Publish = func(_ context.Context, ch recorder.Change) error {
				if ch.Kind == recorder.ClipEnded {
					ended.Store(ch.Clip)
				}
				return nil
			}
			u.record()
			time.Sleep(21 * time.Second)
			id := u.trigger("motion")
			time.Sleep(32 * time.Second)
			if st := u.Status(); !errors.Is(st.Source, recorder.ErrNoKeyFrame) {
				t.Errorf("%+v", st)
			}
			if c, _ := ended.Load().(recorder.Clip); c.ID != id || c.Reason != recorder.NoKeyFrame {
				t.Errorf("%+v", c)
			}
			time.Sleep(time.Until(u.film.start.Add(115 * time.Second)))
			id = u.trigger("motion")
			time.Sleep(time.Minute)
			c := u.clip(id)
			if list := u.frames(id); c.State != recorder.Kept || len(list) < 2*4*9 {
				t.Errorf("%d frames: %+v", len(list), c)
			}
		})
	}
}
