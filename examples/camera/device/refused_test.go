package device_test

import (
	"bytes"
	"context"
	"iter"
	"log/slog"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// broken is an encoder none of whose pictures can be used.
type broken struct {
	device.Source
	track *kvsmedia.Track
	ended context.CancelFunc
}

func (b broken) Tracks() []*kvsmedia.Track { return []*kvsmedia.Track{b.track} }

func (b broken) Frames(context.Context) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		defer b.ended()
		for range 1000 {
			if !yield(kvsmedia.Frame{Track: b.track, Data: []byte("no picture")}) {
				return
			}
		}
	}
}

func (broken) Err() error { return nil }

// A camera whose frames are all refused does not fill the log.
func TestRefusedFramesAreToldSeldom(t *testing.T) {
	srv := signalingtest.NewServer(signalingtest.Config{})
	defer srv.Close()
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	dev, err := device.New(device.Config{
		Source:    broken{track: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}, ended: cancel},
		Signaling: srv.Config("door"), Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = dev.Run(ctx) // until there are no more frames
	if n := strings.Count(log.String(), "a frame was not taken"); n != 1 {
		t.Errorf("%d lines about 1000 frames", n)
	}
}
