package motion_test

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// On the sample films the visitor rings each time, and neither the clock, the lamp nor the
// seam of the film does, by day and by night. By sizes alone the lamp does so at night.
func TestPorch(t *testing.T) {
	const rounds = 3
	for name, film := range map[string]*clips.Film{"day": clips.Porch(), "night": clips.PorchNight()} {
		for _, sizes := range []bool{false, true} {
			if sizes && name == "night" {
				continue
			}
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
			for _, e := range watch(t, frames, motion.Config{SizesAlone: sizes}) {
				if e.Kind != motion.Started {
					continue
				}
				if !film.Visited(e.PTS) {
					t.Errorf("%s, sizes alone %v: motion at %v of the film", name, sizes, e.PTS%film.Length)
				}
				seen[e.PTS/film.Length]++
			}
			for i, n := range seen {
				if n == 0 {
					t.Errorf("%s, sizes alone %v: the visitor of round %d was not seen", name, sizes, i)
				}
			}
		}
	}
}
