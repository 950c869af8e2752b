package e2e

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// The AWS JavaScript SDK in Chromium watches our camera, talks to it and
// exchanges messages on a data channel of its own.
func TestJavaScriptViewer(t *testing.T) {
	t.Run("direct", func(t *testing.T) { javaScriptViewer(t, false) })
	t.Run("relayed", func(t *testing.T) { javaScriptViewer(t, true) })
}

func javaScriptViewer(t *testing.T, relayOnly bool) {
	c := startCloud(t)
	job := jsSDK(t, c, c.ViewerAWS("door"))
	job.ClientID, job.RelayOnly = "js-viewer", relayOnly
	cam := film(t, camera.Config{Signaling: device(t, c, "door")})
	events, talk, got := watch(t, cam), hear(t, cam), answer(t, cam)

	var result struct {
		Frames, Key, Audio int
		Width, Height      int
		Codec, Path        string
		Messages           []string
	}
	s := start(t, "viewer.mjs", c.RootPEM(), job)
	ctx := within(t)
	if joined := await(t, ctx, events, func(camera.Joined) bool { return true }); joined.Peer.ID != "js-viewer" {
		t.Errorf("%q joined", joined.Peer.ID)
	}
	// That the path is a relay shows when the browser's candidate arrives, which
	// may be after the path has been taken.
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for viewers := cam.Status().Viewers; len(viewers) != 1 || viewers[0].Report.Relayed() != relayOnly; viewers = cam.Status().Viewers {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("viewers: %+v", viewers)
		}
	}
	s.result(&result)
	if result.Frames <= 50 || result.Key < 1 || result.Audio < 50 || result.Codec != "video/H264" || result.Width != 640 || result.Height != 360 {
		t.Errorf("the browser saw %+v", result)
	}
	if (result.Path == "relay") != relayOnly {
		t.Errorf("the browser's own candidate is of type %q", result.Path)
	}
	if want := []string{"heard: a text", "heard: bytes"}; !slices.Equal(result.Messages, want) {
		t.Errorf("the browser got the messages %q, want %q", result.Messages, want)
	}

	await(t, ctx, events, func(e camera.Talking) bool { return e.Peer.ID == "js-viewer" })
	for range 50 {
		select {
		case f := <-talk:
			if f.Track.Codec != kvsmedia.Opus || len(f.Data) == 0 {
				t.Fatalf("heard %d bytes of %v", len(f.Data), f.Track.Codec)
			}
		case <-ctx.Done():
			t.Fatal("the fake microphone is not heard")
		}
	}
	for i, want := range []camera.Data{{Text: true, Data: []byte("a text")}, {Data: []byte("bytes")}} {
		d := <-got
		if d.Peer != (signaling.Peer{ID: "js-viewer"}) || d.Channel != "kvsDataChannel" || d.Text != want.Text || string(d.Data) != string(want.Data) {
			t.Errorf("message %d is %+v", i, d)
		}
	}
}

// answer sends what comes on the data channels back, with a word before it,
// until the test ends, and hands on what came.
func answer(t *testing.T, cam *camera.Camera) <-chan camera.Data {
	got := make(chan camera.Data, 100)
	ctx, cancel := context.WithCancel(t.Context())
	seq := cam.Data(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		for d := range seq {
			got <- d
			d.Data = append([]byte("heard: "), d.Data...)
			if err := cam.SendData(ctx, d); err != nil {
				t.Errorf("SendData: %v", err)
			}
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
	return got
}
