package viewer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// TestData sends raw messages both ways, large ones and many, on channels that are
// opened with their first message.
func TestData(t *testing.T) {
	srv := service(t)
	cam, err := camera.New(camera.Config{Signaling: srv.Config("door"), Tracks: clips.Day().Tracks, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	echoes := cam.Data(ctx)
	var closing atomic.Bool // the viewer leaves, and its channels with it
	done := make(chan struct{}, 3)
	defer func() {
		cancel()
		for range 3 {
			<-done
		}
	}()
	go func() { _ = cam.Run(ctx); done <- struct{}{} }()
	go func() {
		for f := range clips.Play(ctx, clips.Day()) {
			if err := cam.WriteFrame(f); err != nil {
				t.Error(err)
			}
		}
		done <- struct{}{}
	}()
	go func() { // the camera's application answers on the channel that a message came on
		for d := range echoes {
			d.Data = append([]byte("echo "), d.Data...)
			if err := cam.SendData(ctx, d); err != nil && ctx.Err() == nil && !closing.Load() {
				t.Error(err)
			}
		}
		done <- struct{}{}
	}()
	v, err := dial(t, viewer.Config{Signaling: srv.Config("door")}, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	heard := v.Data(ctx)
	sent := []viewer.Data{
		{Channel: "ptz", Text: true, Data: []byte(`{"pan":7}`)},
		{Channel: "firmware", Data: bytes.Repeat([]byte{0, 1, 2}, 100_000)},
		{Channel: "ptz", Text: true, Data: []byte(`{"pan":8}`)},
	}
	for _, d := range sent {
		if err := v.SendData(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]int{}
	for d := range heard {
		i := got[d.Channel]
		var want []viewer.Data
		for _, s := range sent {
			if s.Channel == d.Channel {
				want = append(want, s)
			}
		}
		if i >= len(want) || d.Text != want[i].Text || string(d.Data) != "echo "+string(want[i].Data) {
			t.Fatalf("on %q came %.40q", d.Channel, d.Data)
		}
		if got[d.Channel]++; got["ptz"] == 2 && got["firmware"] == 1 {
			break
		}
	}
	if got["ptz"] != 2 {
		t.Fatalf("came %v: %v", got, v.Err())
	}

	for _, d := range []viewer.Data{{Channel: "smartcam", Data: []byte("x")}, {Channel: "ptz", Data: make([]byte, 1<<20+1)}} {
		if err := v.SendData(ctx, d); err == nil || strings.Count(err.Error(), "viewer:") != 1 {
			t.Errorf("%q with %d bytes: %v", d.Channel, len(d.Data), err)
		}
	}
	for i := range 13 {
		if err := v.SendData(ctx, viewer.Data{Channel: fmt.Sprint(i)}); err != nil {
			t.Fatalf("channel %d: %v", i, err)
		}
	}
	if err := v.SendData(ctx, viewer.Data{Channel: "one too many"}); err == nil {
		t.Error("a sixteenth channel was opened, for which the camera ends the session")
	}
	if err := v.Err(); err != nil {
		t.Fatalf("the session has ended: %v", err)
	}
	closing.Store(true)
	v.Close()
	if err := v.SendData(ctx, sent[0]); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after Close: %v", err)
	}
	for range v.Data(ctx) {
		t.Error("a message after the end")
	}
}
