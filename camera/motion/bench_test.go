package motion_test

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// BenchmarkMotion looks at frames of 4 Mbit/s, as of a main rendition, and at those of a small
// one: the time for a frame, and the share of a core for 15 a second.
func BenchmarkMotion(b *testing.B) {
	for name, size := range map[string]int{"main": 4_000_000 / 8 / 15, "sub": 0} {
		b.Run(name, func(b *testing.B) {
			var film []kvsmedia.Frame
			if size > 0 {
				s := newStream(120, 68)
				s.still(20*time.Second, size)
				film = s.frames
			} else {
				film = clips.Sub().Frames
			}
			d, err := motion.New(motion.Config{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			n := 0
			for range d.Events(func(yield func(kvsmedia.Frame) bool) {
				for b.Loop() {
					f := film[n%len(film)]
					f.PTS += time.Duration(n/len(film)) * 20 * time.Second
					if n++; !yield(f) {
						return
					}
				}
			}) {
				continue
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)*15/1e9*100, "cpu-%")
		})
	}
}
