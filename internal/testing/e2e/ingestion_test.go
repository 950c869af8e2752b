package e2e

import (
	"testing"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// The AWS JavaScript SDK in Chromium, as the master of a channel with media storage,
// joins the storage session, and what it films is in the stream: in fragments that
// begin with key frames, which Chromium makes when it is asked alone.
func TestJavaScriptIngestion(t *testing.T) {
	c := startCloud(t)
	c.Device("door")
	if err := c.Signaling().SetStorage("door", streamARN(t, c, "door")); err != nil {
		t.Fatal(err)
	}
	job := jsSDK(t, c, c.OwnerAWS())
	job.Storage = true
	s := start(t, "master.mjs", c.RootPEM(), job)
	s.result(&struct{}{}) // it is online
	s.next()
	s.result(&struct{}{}) // it is connected with the storage service

	ctx := within(t)
	if err := c.Media().Wait(ctx, func() bool { return len(c.Media().Fragments("door")) >= 2 }); err != nil {
		t.Fatal(err)
	}
	archive, err := kvsmedia.NewArchive(c.ArchiveConfig("door"))
	if err != nil {
		t.Fatal(err)
	}
	recording, err := archive.Media(ctx, kvsmedia.From{})
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	frames, keys := 0, 0
	for f := range recording.Frames() {
		if frames++; f.Track.Codec != kvsmedia.H264 {
			t.Errorf("frame %d is of %v", frames, f.Track.Codec)
		}
		if f.Key {
			keys++
		}
		if keys == 2 {
			break
		}
	}
	if keys < 2 || frames < 20 {
		t.Errorf("%d frames and %d key frames were stored: %v", frames, keys, recording.Err())
	}
}
