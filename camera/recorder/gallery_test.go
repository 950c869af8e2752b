package recorder_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// gallery is a recorder whose stream delivers images into a bucket.
type gallery struct {
	*upload
	s3 *s3test.Server
}

func newGallery(t *testing.T, change func(*recorder.Config)) *gallery {
	g := &gallery{s3: s3test.NewPipeServer(s3test.Config{})}
	if err := g.s3.AddBucket("pictures", s3test.BucketConfig{}); err != nil {
		t.Fatal(err)
	}
	g.upload = newUpload(t, func(c *recorder.Config) {
		c.PictureFolder = "door"
		if change != nil {
			change(c)
		}
	})
	if err := g.srv.Close(); err != nil {
		t.Fatal(err)
	}
	g.srv = kvsmediatest.NewPipeServer(kvsmediatest.Config{
		Timing: kvsmediatest.Timing{Configure: time.Nanosecond},
		PutImage: func(i kvsmediatest.Image) error {
			return g.s3.Deliver(i.Principal, i.Bucket, s3test.Object{Key: i.Key, ContentType: i.ContentType, Metadata: i.Metadata, Data: i.Data})
		},
	})
	if _, err := g.srv.AddStream("front-door", kvsmediatest.StreamConfig{RetentionHours: 24}); err != nil {
		t.Fatal(err)
	}
	err := kvsmedia.NewStreams(g.srv.AWS()).SetImageGeneration(t.Context(), "front-door", kvsmedia.ImageGeneration{Enabled: true, URI: "s3://pictures", Every: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	g.cfg.Uploader = g.producer()
	// What the camera sees, twice a second, says when it was.
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		t.Fatal(err)
	}
	for at := time.Duration(0); at < 20*time.Minute; at += 500 * time.Millisecond {
		moment := g.film.start.Add(at)
		if err := g.srv.AddSnapshot("front-door", moment, fmt.Append(b.Bytes(), moment.UnixMilli())); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func (g *gallery) close() {
	g.upload.close()
	if err := g.s3.Close(); err != nil {
		g.t.Error(err)
	}
}

// fragments returns the producer times of the fragments that ask for images of each event.
func (g *gallery) fragments() map[string][]time.Time {
	g.t.Helper()
	a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: g.srv.AWS(), Stream: "front-door"})
	if err != nil {
		g.t.Fatal(err)
	}
	defer a.Close()
	var numbers []string
	for f, err := range a.ListFragments(g.t.Context(), kvsmedia.Range{}) {
		if err != nil {
			g.t.Fatal(err)
		}
		numbers = append(numbers, f.Number)
	}
	of := map[string][]time.Time{}
	for part := range slices.Chunk(numbers, 1000) {
		m, err := a.MediaForFragments(g.t.Context(), part...)
		if err != nil {
			g.t.Fatal(err)
		}
		for f := range m.Fragments() {
			ids := f.Tags[kvsmedia.EventTag]
			if _, asks := f.Tags["AWS_KINESISVIDEO_IMAGE_GENERATION"]; asks != (ids != "") || asks && f.Tags["AWS_KINESISVIDEO_IMAGE_PREFIX"] != "door/image" {
				g.t.Errorf("%v", f.Tags)
			}
			for id := range strings.SplitSeq(ids, ",") {
				if id != "" {
					of[id] = append(of[id], f.ProducerTime)
				}
			}
		}
		if err := m.Close(); err != nil {
			g.t.Error(err)
		}
	}
	for _, times := range of {
		slices.SortFunc(times, time.Time.Compare)
	}
	return of
}

// images returns what the service has delivered.
func (g *gallery) images() (list []kvsmedia.DeliveredImage) {
	g.t.Helper()
	for _, o := range g.s3.Objects("pictures") {
		i, err := kvsmedia.ReadDeliveredImage(o.Key, o.Metadata)
		if err != nil {
			g.t.Error(err)
		}
		if !strings.HasPrefix(o.Key, "door/image_123456789012_front-door_") {
			g.t.Error(o.Key)
		}
		list = append(list, i)
	}
	return list
}

// happen tells of an event with the ID of that number.
func (g *gallery) happen(n int, e recorder.Event) (id string) {
	g.t.Helper()
	e.ID, e.Type = fmt.Sprintf("01KB%022d", n), "motion"
	if _, err := g.Trigger(e); err != nil {
		g.t.Fatal(err)
	}
	return e.ID
}

// asked checks that the two fragments from an event's moment on ask for its image.
func (g *gallery) asked(of map[string][]time.Time, event string, moment time.Time) {
	g.t.Helper()
	times := of[event]
	if len(times) != 2 || times[0].After(moment) || moment.Sub(times[0]) >= 2*time.Second || times[1].Sub(times[0]) != 2*time.Second {
		g.t.Errorf("event %s of %v is on the fragments of %v", event, moment, times)
	}
}
