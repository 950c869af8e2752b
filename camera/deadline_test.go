package camera_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

const (
	callLimit = 500 * time.Millisecond

	// callSlack is how much later than its context a call may end on a busy machine.
	callSlack = 3 * time.Second
)

// TestCallsEndWithTheirContexts makes each call of camera and viewer that waits
// while the other side is a black hole.
func TestCallsEndWithTheirContexts(t *testing.T) {
	r := start(t, nil)
	grant, err := signaling.PresignViewer(t.Context(), r.srv.Config("door"), "bob")
	if err != nil {
		t.Fatal(err)
	}
	path := faultnet.NewPath(t, grant.URL, r.srv.Client(), faultnet.Link{})
	grant.URL = path.URL(grant.URL)
	dialing, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	v, err := viewer.Dial(dialing, viewer.Config{Grant: &grant, Talk: &kvsmedia.Track{Codec: kvsmedia.Opus}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	p := r.page(t, "ann")
	p.hold(true)
	path.Hold(true)
	idle, err := camera.New(camera.Config{Signaling: r.srv.Config("door"), Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	data := camera.Data{Peer: signaling.Peer{ID: "ann"}, Channel: "kvsDataChannel", Data: make([]byte, megabyte)}

	t.Run("calls", func(t *testing.T) {
		for name, call := range map[string]func(context.Context) error{
			"Camera.SendData": func(ctx context.Context) error {
				for {
					if err := r.SendData(ctx, data); err != nil {
						return err
					}
				}
			},
			"Camera.Frames":             exhaust(r.Frames),
			"Camera.Frames without any": exhaust(idle.Frames),
			"Camera.Talkback":           iterate(r.Talkback),
			"Camera.Events":             iterate(r.Events),
			"Camera.Data":               iterate(r.Data),
			"Viewer.Frames":             iterate(v.Frames),
			"Viewer.Notices":            iterate(v.Notices),
			"viewer.Call": func(ctx context.Context) error {
				_, err := viewer.Call[string](ctx, v, "zoom", nil)
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), callLimit)
				defer cancel()
				began := time.Now()
				err := call(ctx)
				if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > callLimit+callSlack {
					t.Errorf("%v after %v", err, took)
				}
			})
		}
	})
	if n := len(r.Status().Viewers); n != 2 {
		t.Errorf("%d sessions are left of 2", n)
	}
}

// iterate makes a call of an iterator, which ends with its context.
func iterate[T any](seq func(context.Context) iter.Seq[T]) func(context.Context) error {
	return func(ctx context.Context) error {
		for range seq(ctx) {
		}
		return ctx.Err()
	}
}

func exhaust(frames func(context.Context, time.Duration) iter.Seq[kvsmedia.Frame]) func(context.Context) error {
	return iterate(func(ctx context.Context) iter.Seq[kvsmedia.Frame] { return frames(ctx, time.Second) })
}
