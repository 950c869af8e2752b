package cameratest_test

import (
	"context"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
)

// This is the test in README.md.
func TestMinimal(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	cloud := cameratest.NewCloud(t)
	device, clip := cloud.Device("front-door"), clips.Day()
	cam, err := camera.New(camera.Config{Signaling: device.Signaling(), Tracks: clip.Tracks})
	check(err)
	go func() { _ = cam.Run(ctx) }()
	go func() {
		for frame := range clips.Play(ctx, clip) {
			_ = cam.WriteFrame(frame)
		}
	}()
	v, err := cloud.Viewer(ctx, "front-door")
	check(err)
	for frame := range v.Frames(ctx) { // picture and sound
		t.Log(len(frame.Data), "bytes of", frame.Track.Name, "at", frame.PTS)
		break
	}
	check(v.Err())
}
