package cameratest

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	clipper "github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 36)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A thing puts pictures below its name and nowhere else; they outlive the cloud.
func TestThingPutsPictures(t *testing.T) {
	cfg := Config{Dir: t.TempDir()}
	c := NewCloud(t, cfg)
	put, err := clipper.S3(c.Device("door").AWS, "s3://"+PictureBucket)
	if err != nil {
		t.Fatal(err)
	}
	file := picture(t)
	if err := put(within(t), "door/1.jpg", file); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"garage/1.jpg", "door1.jpg", "1.jpg"} {
		var refused smithy.APIError
		if err := put(within(t), key, file); !errors.As(err, &refused) || refused.ErrorCode() != "AccessDenied" || !strings.Contains(err.Error(), "must allow s3:PutObject on pictures/") {
			t.Errorf("%s: %v", key, err)
		}
	}
	c.S3().SetOutage(true)
	if err := put(within(t), "door/2.jpg", file); err == nil {
		t.Error("put in an outage")
	}
	c.S3().SetOutage(false)
	c.Skew(26 * time.Hour)
	if err := put(within(t), "door/2.jpg", file); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("the credentials' time is over, and %v", err) // and the provider's clock is the device's
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = NewCloud(t, cfg)
	if got, ok := c.S3().Object(PictureBucket, "door/1.jpg"); !ok || !bytes.Equal(got.Data, file) || len(c.S3().Objects(PictureBucket)) != 1 {
		t.Errorf("%s, %d bytes", got.Key, len(got.Data))
	}
}

// What Kinesis Video Streams makes of tagged fragments comes into the same bucket, with the
// rights of the device that sent them.
func TestImagesAreDelivered(t *testing.T) {
	c := NewCloud(t, Config{Media: kvsmediatest.Config{Timing: kvsmediatest.Timing{Configure: time.Nanosecond}}})
	streams := kvsmedia.NewStreams(c.OwnerAWS())
	file := picture(t)
	for name, uri := range map[string]string{"door": "s3://pictures/door/kvs", "garage": "s3://pictures/door/kvs"} {
		d := c.Device(name)
		if err := streams.SetImageGeneration(within(t), name, kvsmedia.ImageGeneration{Enabled: true, URI: uri, Every: time.Second}); err != nil {
			t.Fatal(err)
		}
		start, clip := time.Now().Add(-time.Minute), clips.Sub()
		if err := c.Media().AddSnapshot(name, start, file); err != nil {
			t.Fatal(err)
		}
		cfg := d.Producer(clip.Tracks...)
		p, err := kvsmedia.NewProducer(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.TagImage("", map[string]string{"eventId": "7"}); err != nil {
			t.Fatal(err)
		}
		if err := p.Upload(within(t), func(yield func(kvsmedia.Frame) bool) {
			for _, f := range clip.Frames[:30] {
				if f.Time = start.Add(f.PTS); !yield(f) {
					return
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Media().Wait(within(t), func() bool {
		told := map[string]bool{}
		for _, e := range c.Media().Events() {
			if e.Name == "Image" {
				told[e.Stream] = true
				if (e.Detail != "") != (e.Stream == "garage") || e.Detail != "" && !strings.Contains(e.Detail, "AccessDenied") {
					t.Errorf("%+v", e)
				}
			}
		}
		return len(told) == 2
	}); err != nil {
		t.Fatal(err)
	}
	for _, o := range c.S3().Objects(PictureBucket) {
		if !strings.HasPrefix(o.Key, "door/kvs_123456789012_door_") || o.Metadata["eventid"] != "7" || !bytes.Equal(o.Data, file) {
			t.Errorf("%s with %v, %d bytes", o.Key, o.Metadata, len(o.Data))
		}
	}
}
