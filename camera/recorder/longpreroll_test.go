package recorder_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// TestPreRollOfManyClips is told of an event ten minutes late, while clips are half a minute long, and
// records all the time with a pre-roll of ten minutes: what ends before the loop is live has its
// times, and they are told with its end.
func TestPreRollOfManyClips(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, upload := range []bool{false, true} {
			t.Run(fmt.Sprint(continuous, upload), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, func(c *recorder.Config) {
						c.LongestClip = 30 * time.Second
						if c.Continuous = continuous; continuous {
							c.PreRoll, c.UploadAll = 10*time.Minute, upload
						}
						if !upload {
							c.Uploader = nil
						}
					})
					defer u.close()
					time.Sleep(20 * time.Minute)
					u.record()
					seen := u.watch()
					late := time.Now().Add(-10 * time.Minute)
					if _, err := u.Trigger(recorder.Event{Type: "motion", Time: late}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(40 * time.Second)
					u.trigger("ends it")
					time.Sleep(40 * time.Second)
					list := u.all()
					for i, c := range list {
						shown := u.film.start.Add(time.Duration(number(u.frames(c.ID)[0])) * tinyStep)
						if off := c.Start.Sub(shown); off.Abs() > tinyStep {
							t.Errorf("clip %d is of %v, %v too late", i, shown, off)
						}
						if took := c.End.Sub(c.Start); (took - c.Length).Abs() > tinyStep {
							t.Errorf("clip %d of %v takes %v", i, c.Length, took)
						}
						if i > 0 && i < 20 && !c.Start.Equal(list[i-1].End) {
							t.Errorf("clip %d ends at %v, the next one begins at %v", i-1, list[i-1].End, c.Start)
						}
					}
					if before := late.Sub(list[0].Start); len(list) < 2 || !continuous && (len(list) < 20 || before < 5*time.Second || before > 7*time.Second) {
						t.Errorf("event at %v: %d clips from %v on", late, len(list), list[0].Start)
					}
					ends := 0
					for _, ch := range seen() {
						if ch.Kind == recorder.ClipEnded {
							ends++
							if ch.Clip.Start.IsZero() || ch.Clip.End.IsZero() {
								t.Errorf("told without its time: %+v", ch.Clip)
							}
						}
					}
					if ends != len(list) {
						t.Errorf("%d of %d clips have ended", ends, len(list))
					}
					if upload {
						u.until(20*time.Minute, u.uploaded)
						u.check()
					}
				})
			})
		}
	}
}
