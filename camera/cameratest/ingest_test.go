package cameratest_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// What the camera of a channel with media storage sends by WebRTC comes to the stream
// that the channel is mapped to, and plays.
func TestIngestion(t *testing.T) {
	for _, policy := range []signaling.ICEPolicy{signaling.ICEAll, signaling.ICERelayOnly} {
		t.Run(policy.String(), func(t *testing.T) { ingestion(t, policy) })
	}
}

func ingestion(t *testing.T, policy signaling.ICEPolicy) {
	cloud := cameratest.NewCloud(t, cameratest.Config{Media: kvsmediatest.Config{Timing: kvsmediatest.Timing{Configure: time.Nanosecond}}})
	device := cloud.Device("front-door")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	streams := kvsmedia.NewStreams(cloud.OwnerAWS())
	stream, err := streams.Describe(ctx, "front-door")
	if err == nil {
		err = streams.SetImageGeneration(ctx, "front-door", kvsmedia.ImageGeneration{Enabled: true, URI: "s3://pictures/front-door/image", Every: time.Second})
	}
	if err != nil {
		t.Fatal(err)
	}
	channels := signaling.NewChannels(cloud.OwnerAWS())
	channel, err := channels.Describe(ctx, "front-door")
	if err != nil {
		t.Fatal(err)
	}
	if err := channels.UpdateStorage(ctx, channel.ARN, signaling.StorageConfiguration{Enabled: true, StreamARN: stream.ARN}); err != nil {
		t.Fatal(err)
	}
	offersWhatAWSDoes(t, ctx, device)

	clip := clips.Day()
	cfg := camera.Config{Signaling: device.Signaling(), Tracks: clip.Tracks, ICEPolicy: policy, Logger: device.Identity.Logger}
	cfg.Signaling.Storage = true
	cam, err := camera.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	work.Go(func() { _ = cam.Run(ctx) })
	work.Go(func() {
		for f := range clips.Play(ctx, clip) {
			_ = cam.WriteFrame(f)
		}
	})
	if err := cloud.Media().Wait(ctx, func() bool { return len(cloud.Media().Fragments("front-door")) >= 2 }); err != nil {
		t.Fatal(err)
	}
	archive, err := kvsmedia.NewArchive(cloud.ArchiveConfig("front-door"))
	if err != nil {
		t.Fatal(err)
	}
	recording, err := archive.Media(ctx, kvsmedia.From{})
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	sent := map[string]bool{}
	for _, f := range clip.Frames {
		sent[string(f.Data)] = true
	}
	n := 0
	for f := range recording.Frames() {
		if n++; f.Track.Codec != kvsmedia.H264 || !sent[string(f.Data)] {
			t.Errorf("the stream's frame %d, %v, is none that the camera sent", n, f)
		}
		if n == 45 {
			break
		}
	}
	if n < 45 {
		t.Errorf("%d frames were stored: %v", n, recording.Err())
	}
	for _, e := range cloud.Media().Events() { // ingestion delivers no images
		if e.Name == "Image" {
			t.Errorf("%+v", e)
		}
	}
}

// offersWhatAWSDoes checks the offer that a master gets: to receive H.264 and Opus
// alone, without data channels.
func offersWhatAWSDoes(t *testing.T, ctx context.Context, device *cameratest.Device) {
	t.Helper()
	cfg := device.Signaling()
	cfg.Storage = true
	master, err := signaling.DialMaster(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := master.JoinStorage(ctx); err != nil {
		t.Fatal(err)
	}
	m, err := master.Receive(ctx)
	if err != nil || m.Kind != signaling.Offer || m.Peer != "" {
		t.Fatalf("after joining: %v from %q, %v", m.Kind, m.Peer, err)
	}
	offer := string(m.Payload)
	for text, n := range map[string]int{"m=video": 1, "m=audio": 1, "m=application": 0, "a=recvonly": 2, "H265": 0, "PCMU": 0, " opus/48000/2": 1} {
		if got := strings.Count(offer, text); got != n {
			t.Errorf("%q stands %d times in the offer, want %d: %s", text, got, n, offer)
		}
	}
}
