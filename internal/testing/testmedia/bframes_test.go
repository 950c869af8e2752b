package testmedia

import (
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// The streams are what they say: one picture each, in another order than shown, or not.
func TestBFrames(t *testing.T) {
	for _, plain := range []bool{false, true} {
		s := BFrames{Track: &kvsmedia.Track{Codec: kvsmedia.H264}, Plain: plain}
		sets := bitstream.ParameterSets{Codec: bitstream.H264}
		b := 0
		for n := range 20 {
			f := s.Next()
			nalus := bitstream.Split(nil, f.Data)
			sets.Update(nalus)
			pic, err := sets.Inspect(nalus)
			if err != nil || pic.Key != f.Key || pic.Key != (n%10 == 0) {
				t.Errorf("picture %d: %+v, %v", n, pic, err)
			}
			if pic.Reordered {
				b++
			}
		}
		if want := map[bool]int{false: 12, true: 0}[plain]; b != want {
			t.Errorf("%d B-frames of 20 pictures, want %d", b, want)
		}
	}
}
