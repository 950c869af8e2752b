package recorder_test

import (
	"context"
	"iter"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// A whole camera: live view, and a clip of whatever moves with its picture, on its card and in
// the cloud. encode is the encoder of the hardware, with a key frame every two seconds, and
// snapshot its JPEG encoder.
func Example_motion() {
	ctx := context.Background()
	device, err := iotcreds.LoadConfig("/etc/camera")
	check(err)
	creds, err := iotcreds.New(device)
	check(err)
	cfg := aws.Config{Region: "eu-west-1", Credentials: creds}
	tracks := []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: "main"}}
	cam, err := camera.New(camera.Config{
		Signaling: signaling.Config{AWS: cfg, Channel: device.ThingName},
		Tracks:    tracks,
		PreRoll:   7 * time.Second, // the recorder's, and the distance of key frames
	})
	check(err)
	producer, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: cfg, Stream: device.ThingName, Tracks: tracks})
	check(err)
	put, err := recorder.S3(cfg, "s3://example-pictures")
	check(err)
	rec, err := recorder.New(recorder.Config{
		Dir: "/media/card/clips", Source: cam, Tracks: tracks,
		Uploader:   producer,
		PutPicture: put, PictureFolder: device.ThingName,
		Now: creds.Now, // right also while the device's clock is not
	})
	check(err)
	detector, err := motion.New(motion.Config{})
	check(err)

	go func() { log.Fatal(cam.Run(ctx)) }() // ends only for a reason that no retry mends
	go func() { log.Fatal(rec.Run(ctx)) }()
	go func() {
		for e := range detector.Events(cam.Frames(ctx, 0)) {
			told := recorder.Event{ID: e.ID, Type: "motion", Time: e.Time, Score: e.Score}
			switch e.Kind {
			case motion.Started:
				told.Picture = snapshot()
			case motion.Going: // goes on with the clip
			default:
				continue
			}
			_, err := rec.Trigger(told)
			check(err)
		}
	}()
	for pts, data := range encode() {
		if err := cam.WriteFrame(kvsmedia.Frame{Track: tracks[0], PTS: pts, Data: data}); err != nil {
			log.Print(err) // this frame was not taken; the next one may be
		}
	}
}

// encode yields access units in Annex B and their presentation times.
func encode() iter.Seq2[time.Duration, []byte] {
	return func(func(time.Duration, []byte) bool) {}
}

// snapshot returns the picture as it is now, as JPEG.
func snapshot() []byte { return nil }
