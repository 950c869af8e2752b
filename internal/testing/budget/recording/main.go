// Recording is the smallest camera that finds motion, with a recorder and uploads: what budget
// smallest is compared with.
//
//	recording DIR REGION CLIPS
//
// DIR has the device's certificate; clips go into CLIPS.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: recording DIR REGION CLIPS")
	}
	ctx := context.Background()
	device, err := iotcreds.LoadConfig(os.Args[1])
	check(err)
	creds, err := iotcreds.New(device)
	check(err)
	cfg := aws.Config{Region: os.Args[2], Credentials: creds}
	tracks := []*kvsmedia.Track{{Codec: kvsmedia.H264}}
	cam, err := camera.New(camera.Config{Signaling: signaling.Config{AWS: cfg, Channel: device.ThingName}, Tracks: tracks})
	check(err)
	producer, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: cfg, Stream: device.ThingName, Tracks: tracks})
	check(err)
	rec, err := recorder.New(recorder.Config{Dir: os.Args[3], OnRoot: true, Source: cam, Tracks: tracks, Uploader: producer, Now: creds.Now})
	check(err)
	detector, err := motion.New(motion.Config{})
	check(err)
	go func() { log.Fatal(cam.Run(ctx)) }()
	go func() { log.Fatal(rec.Run(ctx)) }()
	for e := range detector.Events(cam.Frames(ctx, 0)) {
		if e.Kind == motion.Started || e.Kind == motion.Going {
			_, err = rec.Trigger(recorder.Event{ID: e.ID, Type: "motion", Time: e.Time, Score: e.Score})
			check(err)
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
