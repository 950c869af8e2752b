package cameratest_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// This is the test of the package's manual: a camera is watched, and what it
// recorded is read back.
func TestDoorbell(t *testing.T) {
	cloud := cameratest.NewCloud(t)
	device, clip := cloud.Device("front-door"), clips.Day()
	cam, err1 := camera.New(camera.Config{Signaling: device.Signaling(), Tracks: clip.Tracks})
	producer, err2 := kvsmedia.NewProducer(device.Producer(clip.Tracks[0]))
	archive, err3 := kvsmedia.NewArchive(cloud.ArchiveConfig("front-door"))
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	acks := producer.Acks(ctx)
	work.Go(func() { _ = cam.Run(ctx) })
	work.Go(func() { _ = producer.Upload(ctx, cam.Frames(ctx, 0)) })
	work.Go(func() {
		for f := range clips.Play(ctx, clip) {
			_ = cam.WriteFrame(f)
		}
	})

	viewer, err := cloud.Viewer(ctx, "front-door") // with the first picture
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := first(viewer.Frames(ctx)); !ok || !f.Key {
		t.Errorf("watched %v, %v", f, viewer.Err())
	}
	for ack := range acks {
		if ack.Type == kvsmedia.AckPersisted {
			break
		}
	}
	recording, err := archive.Media(ctx, kvsmedia.From{}) // from the oldest fragment on
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	if f, ok := first(recording.Frames()); !ok || !f.Key {
		t.Errorf("read back %v, %v", f, recording.Err())
	}
}

func first(frames iter.Seq[kvsmedia.Frame]) (kvsmedia.Frame, bool) {
	for f := range frames {
		return f, true
	}
	return kvsmedia.Frame{}, false
}
