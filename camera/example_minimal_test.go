package camera_test

import (
	"context"
	"iter"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// A whole camera: its certificate is in /etc/camera, its signaling channel has
// the name of its thing, and encode is the encoder of the hardware.
func Example() {
	device, err := iotcreds.LoadConfig("/etc/camera")
	check(err)
	creds, err := iotcreds.New(device)
	check(err)
	video := &kvsmedia.Track{Codec: kvsmedia.H264}
	cam, err := camera.New(camera.Config{
		Signaling: signaling.Config{AWS: aws.Config{Region: "eu-west-1", Credentials: creds}, Channel: device.ThingName},
		Tracks:    []*kvsmedia.Track{video},
	})
	check(err)
	go func() { log.Fatal(cam.Run(context.Background())) }() // ends only for a reason that no retry mends
	for pts, data := range encode() {
		if err := cam.WriteFrame(kvsmedia.Frame{Track: video, PTS: pts, Data: data}); err != nil {
			log.Print(err) // this frame was not taken; the next one may be
		}
	}
}

// encode yields access units in Annex B and their presentation times.
func encode() iter.Seq2[time.Duration, []byte] {
	return func(func(time.Duration, []byte) bool) {}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
