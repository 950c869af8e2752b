package recorder_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// TestLossIsMissing has a card stall for so long that frames are lost: in the midst of a
// clip, at its end and over all of it. The clip says how many, and when it is over the
// status does not show it any more.
func TestLossIsMissing(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, at := range []time.Duration{-20 * time.Second, -2 * time.Second, 2 * time.Second} {
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
