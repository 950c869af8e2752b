package viewer_test

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// A whole viewer: it writes the picture to its standard output, as
// "viewer | ffplay -" takes it.
func Example() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	check(err)
	v, err := viewer.Dial(ctx, viewer.Config{
		Signaling: signaling.Config{AWS: cfg, Channel: "front-door"},
	})
	check(err)
	defer v.Close()
	for f := range v.Frames(ctx) {
		if f.Track.Codec == kvsmedia.H264 {
			_, err := os.Stdout.Write(f.Data)
			check(err)
		}
	}
	check(v.Err())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
