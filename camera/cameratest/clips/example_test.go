package clips_test

import (
	"fmt"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
)

// A camera with two renditions of its picture.
func ExampleMerge() {
	c := clips.Merge(clips.Day(), clips.Sub())
	for _, t := range c.Tracks {
		fmt.Println(t.Name, t.Codec)
	}
	fmt.Println(len(c.Frames), "frames in", c.Length)
	// Output:
	// main H264
	// opus Opus
	// aac AAC
	// sub H264
	// 2225 frames in 20s
}
