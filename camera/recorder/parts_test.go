package recorder_test

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// TestSplitThatFails changes the size of the picture in a clip while the card fails once:
// the clip has its time, and goes up.
func TestSplitThatFails(t *testing.T) {
	for _, op := range []string{"Close", "Truncate", "WriteAt", "Sync"} {
		for n := range 2 {
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

// TestManyParts has a picture that changes its size at each key frame, more often than a clip
// can have parts.
func TestManyParts(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.LongestClip, c.Continuous = nil, time.Hour, continuous })
			defer u.close()
			u.cfg.Source = resized(u.film, func(n int) bool { return n/8%2 == 0 })
			u.record()
			time.Sleep(21 * time.Second)
			for range 60 {
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
				if c.State == recorder.Recording {
					t.Errorf("%+v", c)
				}
			}
			if pictures < 4*60*9 {
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
					if took := c.End.Sub(c.Start); took != c.Length {
						t.Errorf("a clip of %v takes %v", c.Length, took)
					}
					u.until(10*time.Minute, u.uploaded)
				})
			})
		}
	}
}

// TestClockStepsBetweenFiles sets the clock shortly before a recording of all the time goes on in
// another file: neither the clip that lies over both has a gap, nor one that reaches back into
// the first.
func TestClockStepsBetweenFiles(t *testing.T) {
	for _, after := range []time.Duration{-2 * time.Second, 2 * time.Second} {
		for _, by := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
			t.Run(fmt.Sprint(after, by), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var shift atomic.Int64
					u := newUpload(t, func(c *recorder.Config) {
						c.Continuous = true
						c.Now = func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }
					})
					defer u.close()
					u.record()
					time.Sleep(4*time.Minute + 50*time.Second)
					shift.Store(int64(by))
					time.Sleep(10*time.Second + after)
					id := u.trigger("motion")
					time.Sleep(30 * time.Second)
					c, list := u.clip(id), u.frames(id)
					readable(t, u.Recorder, c)
					if media := list[len(list)-1].PTS - list[0].PTS + tinyStep; media != c.Length || c.Length < 15*time.Second {
						t.Errorf("%v of media in a clip of %v: %+v", media, c.Length, c)
					}
					if took := c.End.Sub(c.Start); after < 0 && took != c.Length {
						t.Errorf("a clip of %v takes %v", c.Length, took)
					}
					for range 38 { // there is always a clip, up to and over the next file's beginning
						u.trigger("more")
						time.Sleep(8 * time.Second)
					}
					time.Sleep(20 * time.Second)
					u.trigger("last")
					time.Sleep(20 * time.Second)
					if last := u.all()[len(u.all())-1]; time.Until(last.Start) < by-3*time.Minute {
						t.Errorf("the recording does not follow the clock: %+v", last)
					}
					u.until(10*time.Minute, u.uploaded)
				})
			})
		}
	}
}

// TestLeaps has a source whose media time leaps in the midst of a clip: what follows is another
// clip, which has nothing of before.
func TestLeaps(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, by := range []time.Duration{-time.Hour, -3 * time.Second, time.Hour, 130 * 365 * 24 * time.Hour} {
			t.Run(fmt.Sprint(continuous, by), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, func(c *recorder.Config) { c.Continuous = continuous })
					defer u.close()
					leap := int(24 * time.Second / tinyStep)
					u.cfg.Source = &remake{u.film, func(n int, f kvsmedia.Frame) []kvsmedia.Frame {
						if n >= leap {
							f.PTS += by
						}
						return []kvsmedia.Frame{f}
					}}
					u.record()
					time.Sleep(21 * time.Second)
					u.trigger("motion")
					time.Sleep(25 * time.Second)
					list := u.all()
					if n := u.follow(list); n < 4*15 || n > 4*18 || list[0].Reason != recorder.TimeJumped {
						t.Errorf("%d pictures: %+v", n, list)
					}
					event := time.Now()
					id := u.trigger("later")
					time.Sleep(25 * time.Second)
					u.whole(id, event)
					u.until(10*time.Minute, u.uploaded)
				})
			})
		}
	}
}
