package motion_test

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Whatever frames hold, looking at them ends, and levels stay what they are said to be.
func FuzzDetector(f *testing.F) {
	s := newStream(4, 4)
	s.gop = 3
	s.still(sec(0.4), 40, 50)
	for _, x := range s.frames {
		f.Add(x.Data, int64(x.PTS), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, step int64, hevc bool) {
		track := &kvsmedia.Track{Codec: kvsmedia.H264}
		if hevc {
			track.Codec = kvsmedia.H265
		}
		d, err := motion.New(motion.Config{Regions: 3})
		if err != nil {
			t.Fatal(err)
		}
		base := newStream(4, 4)
		base.still(sec(12), 60)
		film := func(yield func(kvsmedia.Frame) bool) {
			pts := time.Duration(0)
			for i, x := range base.frames {
				x.Track = track
				if i%3 == 2 {
					x.Data = data
				}
				if pts += time.Duration(step); i < 170 {
					pts = x.PTS
				}
				if x.PTS = pts; !yield(x) {
					return
				}
				if l := d.Level(); !(l >= 0 && l <= 1) {
					t.Fatalf("level %v", l)
				}
			}
		}
		for e := range d.Events(film) {
			if !(e.Score >= 0 && e.Score <= 1) || e.Region < 0 || e.Region > 2 {
				t.Fatalf("%+v", e)
			}
		}
	})
}
