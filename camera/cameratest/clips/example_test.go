package clips_test

import (
	"bytes"
	"fmt"
	"image/jpeg"

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

// What a camera at the front door sees while somebody stands there.
func ExamplePorch() {
	film := clips.Porch()
	at := film.AtDoor.From
	picture, err := jpeg.DecodeConfig(bytes.NewReader(film.Snapshot(at)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v: %d x %d, visited: %v\n", at, picture.Width, picture.Height, film.Visited(at))
	// Output:
	// 31s: 320 x 180, visited: true
}
