package motion_test

import (
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// A lamp is switched on before a front door, then somebody comes. In a camera the frames
// are those of camera.Camera.Frames.
func Example() {
	film := clips.Porch()
	frames := func(yield func(kvsmedia.Frame) bool) {
		for i := range 2 {
			for _, f := range film.Frames {
				f.PTS += time.Duration(i) * film.Length
				if !yield(f) {
					return
				}
			}
		}
	}
	d, err := motion.New(motion.Config{Cooldown: 10 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	for e := range d.Events(frames) {
		if e.Kind == motion.Started {
			fmt.Printf("%v of the film: somebody is there: %v\n", (e.PTS % film.Length).Truncate(time.Second), film.Visited(e.PTS))
		}
	}
	// Output:
	// 21s of the film: somebody is there: true
	// 21s of the film: somebody is there: true
}
