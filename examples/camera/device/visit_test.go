package device_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// Before the sample film, each visit of the visitor is one clip of motion, and nothing else
// is: neither the lamp, nor the clock, nor the seam of the film.
func TestVisits(t *testing.T) {
	const rounds = 3
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC))) // a time that a recorder believes
		log := &lines{}
		logger := (&studio{log: log}).logger()
		srv := signalingtest.NewPipeServer(signalingtest.Config{TURN: func(string, time.Time) []signalingtest.ICEServer { return nil }})
		defer srv.Close()
		added(t)(srv.AddChannel("door"))
		in, err := source.Open(t.Context(), "clip", logger)
		if err != nil {
			t.Fatal(err)
		}
		dev, err := device.New(device.Config{
			Source: in, Logger: logger, Signaling: signaling.Config{AWS: srv.AWS(), Channel: "door", Logger: logger}, Motion: &motion.Config{},
			Clips: &recorder.Config{Dir: filepath.Join(t.TempDir(), "clips"), OnRoot: true, MaxBytes: 256 << 20},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		begin := time.Now()
		go func() { done <- dev.Run(ctx) }()
		film := clips.Porch()
		time.Sleep(rounds*film.Length + 2*time.Second)
		var visited [rounds]int
		for c := range dev.Recorder().Clips(time.Time{}, time.Time{}) {
			for _, e := range c.Events {
				at := e.Time.Sub(begin)
				t.Logf("%s at %v, score %.2f, in a clip of %v from %v", e.Type, at, e.Score, c.Length, c.Start.Sub(begin))
				if e.Type != device.Moved || !film.Visited(at) || e.Time.Before(c.Start) || e.Time.After(c.End) {
					t.Errorf("an event of %s at %v in a clip from %v to %v", e.Type, at, c.Start.Sub(begin), c.End.Sub(begin))
				}
				visited[at/film.Length]++
			}
			if c.State != recorder.Kept || c.Reason != recorder.EndOfEvent {
				t.Errorf("clip %+v", c)
			}
		}
		for i, n := range visited {
			if n == 0 {
				t.Errorf("the visitor of round %d is on no clip", i)
			}
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the camera ended with %v", err)
		}
		if t.Failed() {
			t.Log(log)
		}
	})
}
