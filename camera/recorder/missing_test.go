package recorder_test

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// TestLossIsMissing has a card stall for so long that frames are lost: in the midst of a
// clip, at its end and over all of it. The clip says how many, and when it is over the
// status does not show it any more.
func TestLossIsMissing(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, at := range []time.Duration{-20 * time.Second, -2 * time.Second, 2 * time.Second, 7 * time.Second} {
			for _, stall := range []time.Duration{8 * time.Second, 40 * time.Second} {
				t.Run(fmt.Sprint(continuous, at, stall), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.Continuous, c.QueueBytes = nil, continuous, 256<<10 })
						defer u.close()
						var ended recorder.Clip
						u.cfg.Publish = func(_ context.Context, ch recorder.Change) error {
							if ch.Kind == recorder.ClipEnded {
								ended = ch.Clip
							}
							return nil
						}
						u.film.ballast = bytes.Repeat([]byte{0xff}, 15<<10)
						u.record()
						time.Sleep(21*time.Second + min(0, at) + 20*time.Second)
						var release func()
						if at < 0 {
							release = u.card.Stall("WriteAt")
							time.Sleep(-at)
						}
						event := time.Now()
						id := u.trigger("motion")
						if at > 0 {
							time.Sleep(at)
							release = u.card.Stall("WriteAt")
						}
						time.Sleep(stall)
						release()
						time.Sleep(30 * time.Second)
						st, c := u.Status(), ended
						if c.ID != id {
							t.Fatalf("%s has not ended: %+v", id, c)
						}
						if st.Losing || st.Storage != recorder.StorageReady {
							t.Errorf("%+v", st)
						}
						have := 0
						if c.Bytes > 0 {
							have = len(u.frames(id))
						}
						missing := 0
						for _, m := range c.Missing {
							missing += m.Frames
						}
						from, until := event.Add(-5*time.Second), event.Add(10*time.Second)
						want := int(until.Sub(from) / tinyStep)
						if have+missing < want || have+missing > want+24 && at > 0 {
							t.Errorf("%d pictures and %d missing, want %d; %+v", have, missing, want, c)
						}
						if st.LostFrames == 0 && missing > 0 || missing > st.LostFrames {
							t.Errorf("%d missing of %d lost", missing, st.LostFrames)
						}
					})
				})
			}
		}
	}
}

// TestLargePreRoll has a pre-roll of more bytes than may wait in memory, on a card that is
// fast enough: nothing of it is lost.
func TestLargePreRoll(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, func(c *recorder.Config) {
				c.Uploader, c.QueueBytes, c.PreRoll, c.Continuous = nil, 256<<10, time.Minute, continuous
			})
			defer u.close()
			u.film.ballast = bytes.Repeat([]byte{0xff}, 10<<10)
			u.card.Delay("Sync", 30*time.Millisecond)
			u.card.Delay("WriteAt", 10*time.Millisecond)
			time.Sleep(2 * time.Minute)
			u.record()
			time.Sleep(time.Second)
			event := time.Now()
			id := u.trigger("motion")
			time.Sleep(30 * time.Second)
			c := u.clip(id)
			readable(t, u.Recorder, c)
			if st := u.Status(); st.LostFrames > 0 || c.Start.After(event.Add(-time.Minute)) || c.End.Before(event.Add(9500*time.Millisecond)) || c.End.After(event.Add(13*time.Second)) {
				t.Errorf("event at %v: %+v\n%+v", event, c, st)
			}
		})
	}
}

// TestSplitThatFails changes the size of the picture in a clip while the card fails once:
// the clip has its time, and goes up.
func TestSplitThatFails(t *testing.T) {
	for _, op := range []string{"Close", "Truncate", "WriteAt", "Sync"} {
		for n := range 3 {
			t.Run(fmt.Sprint(op, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, nil)
					defer u.close()
					fails := u.fails()
					var large atomic.Int64
					large.Store(1 << 40)
					u.cfg.Source = resized(u.film, func(n int) bool { return int64(n) >= large.Load() })
					u.record()
					time.Sleep(21 * time.Second)
					event := time.Now()
					id := u.trigger("motion")
					time.Sleep(4 * time.Second) // 12:00:25, the next key frame is that of :26
					large.Store(int64(time.Since(u.film.start)/tinyStep) + 1)
					time.Sleep(800 * time.Millisecond)
					seen := 0
					fails.set(op, ".mkv", syscall.EIO, n+1)
					time.Sleep(1500 * time.Millisecond)
					seen = fails.failed()
					fails.set("", "", nil, 0)
					time.Sleep(30 * time.Second)
					if seen == 0 {
						t.Error("nothing failed")
					}
					u.whole(id, event)
					u.until(10*time.Minute, u.uploaded)
					u.check()
				})
			})
		}
	}
}

// TestManyParts has a picture that changes its size at each key frame, for a clip of an hour.
func TestManyParts(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.LongestClip, c.Continuous = nil, time.Hour, continuous })
			defer u.close()
			u.cfg.Source = resized(u.film, func(n int) bool { return n/8%2 == 0 })
			u.record()
			time.Sleep(21 * time.Second)
			for range 2 * 60 {
				u.trigger("motion")
				time.Sleep(9 * time.Second)
			}
			time.Sleep(20 * time.Second)
			st, list := u.Status(), u.all()
			if !st.Storage.Records() || st.LostFrames > 0 {
				t.Errorf("%+v", st)
			}
			pictures := u.follow(list)
			for _, c := range list {
				readable(t, u.Recorder, c)
				if c.State == recorder.Recording {
					t.Errorf("%+v", c)
				}
			}
			if pictures < 4*2*60*9 {
				t.Errorf("%d pictures in %d clips", pictures, len(list))
			}
		})
	}
}

// TestClockStepsBetweenParts sets the clock in the midst of a clip whose picture then changes
// its size.
func TestClockStepsBetweenParts(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, by := range []time.Duration{-24 * time.Hour, -3 * time.Second, 3 * time.Second, time.Hour, 24 * time.Hour, 100 * 24 * time.Hour} {
			if continuous && by > 0 && by <= time.Hour {
				continue // it may be what was not recorded
			}
			t.Run(fmt.Sprint(continuous, by), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var shift atomic.Int64
					u := newUpload(t, func(c *recorder.Config) {
						c.Continuous = continuous
						c.Now = func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }
					})
					defer u.close()
					change := int(26 * time.Second / tinyStep)
					u.cfg.Source = resized(u.film, func(n int) bool { return n >= change })
					u.record()
					time.Sleep(21 * time.Second)
					id := u.trigger("motion")
					time.Sleep(3 * time.Second)
					shift.Store(int64(by))
					time.Sleep(30 * time.Second)
					c := u.clip(id)
					readable(t, u.Recorder, c)
					list := u.frames(id)
					if media := list[len(list)-1].PTS - list[0].PTS + tinyStep; media != c.Length {
						t.Errorf("%v of media in a clip of %v: %+v", media, c.Length, c)
					}
					if took := c.End.Sub(c.Start); !continuous && took != c.Length {
						t.Errorf("a clip of %v takes %v", c.Length, took)
					}
					u.until(10*time.Minute, u.uploaded)
				})
			})
		}
	}
}

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
