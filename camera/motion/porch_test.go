package motion_test

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// On the sample film the visitor rings each time, and neither the clock, the lamp nor the
// seam of the film does.
func TestPorch(t *testing.T) {
	film := clips.Porch()
	const rounds = 4
	frames := func(yield func(kvsmedia.Frame) bool) {
		for i := range rounds {
			for _, f := range film.Frames {
				if f.PTS += time.Duration(i) * film.Length; !yield(f) {
					return
				}
			}
		}
	}
	var seen [rounds]int
	for _, e := range watch(t, frames, motion.Config{}) {
		t.Logf("%v of %v told at %v, score %.2f", e.Kind, e.PTS, e.at, e.Score)
		if e.Kind != motion.Started {
			continue
		}
		if !film.Visited(e.PTS) {
			t.Errorf("motion at %v of the film", e.PTS%film.Length)
		}
		seen[e.PTS/film.Length]++
	}
	for i, n := range seen {
		if n == 0 {
			t.Errorf("the visitor of round %d was not seen", i)
		}
	}
}
