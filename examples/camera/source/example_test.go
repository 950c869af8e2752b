package source_test

import (
	"context"
	"fmt"

	"github.com/smartcam-sdk/smartcam/examples/camera/source"
)

func ExampleOpen() {
	ctx := context.Background()
	in, err := source.Open(ctx, "clip", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range in.Tracks() {
		fmt.Println(t.Name, t.Codec)
	}
	for f := range in.Frames(ctx) {
		fmt.Println("first:", f.Track.Codec, "key frame:", f.Key)
		break
	}
	// Output:
	// main H264
	// opus Opus
	// aac AAC
	// first: H264 key frame: true
}
