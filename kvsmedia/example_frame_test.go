package kvsmedia_test

import (
	"fmt"
	"iter"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// The tracks of a camera that encodes its picture twice, and sound once for
// viewers and once for recordings.
func ExampleTrack() {
	tracks := []*kvsmedia.Track{
		{Codec: kvsmedia.H265, Name: "main"},
		{Codec: kvsmedia.H264, Name: "sub"},
		{Codec: kvsmedia.Opus, Name: "live sound"},
		{Codec: kvsmedia.AAC, Name: "recorded sound", SampleRate: 16000, Private: []byte{0x14, 0x08}}, // AAC-LC, 16 kHz, mono
	}
	for _, t := range tracks {
		fmt.Println(t.Name, t.Codec, t.Codec.Video())
	}
	// Output:
	// main H265 true
	// sub H264 true
	// live sound Opus false
	// recorded sound AAC false
}

// A consumer of frames takes a sequence, as a consumer of bytes takes an
// io.Reader. This one finds the key frame interval of an encoder.
func ExampleFrame() {
	interval := func(frames iter.Seq[kvsmedia.Frame]) (longest time.Duration) {
		last := time.Duration(-1)
		for f := range frames {
			if !f.Track.Codec.Video() || !f.Key {
				continue
			}
			if last >= 0 {
				longest = max(longest, f.PTS-last)
			}
			last = f.PTS
		}
		return longest
	}

	recorded := func(yield func(kvsmedia.Frame) bool) {
		for _, f := range clips.Day().Frames {
			if !yield(f) {
				return
			}
		}
	}
	fmt.Println(interval(recorded))
	// Output: 2s
}
