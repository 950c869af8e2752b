package camera_test

import (
	"context"
	"errors"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// A camera that records all the time, beside live view: the producer is one more
// reader of its frames.
func Example_recording() {
	var ( // as in the first example
		ctx    context.Context
		cfg    aws.Config
		cam    *camera.Camera
		tracks []*kvsmedia.Track
	)
	producer, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
		AWS: cfg, Stream: "front-door", Tracks: tracks, // H.264 or H.265, and AAC
		Create: &kvsmedia.StreamSettings{Retention: 7 * 24 * time.Hour},
	})
	check(err)
	err = producer.Upload(ctx, cam.Frames(ctx, 5*time.Second)) // until ctx ends
	var missing *kvsmedia.MissingError
	if errors.As(err, &missing) {
		log.Print(missing) // what the stream does not hold, and why
	}
}
