package camera_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// TestHandlersThatIgnoreTheirContext has viewers leave while a command's handlers
// wait for ever: their places are free at once, and Run ends.
func TestHandlersThatIgnoreTheirContext(t *testing.T) {
	var log logBuffer
	began, release := make(chan struct{}), make(chan struct{})
	commands := &camera.Commands{}
	camera.Handle(commands, "stuck", func(context.Context, signaling.Peer, int) (int, error) {
		began <- struct{}{}
		<-release
		return 0, nil
	})
	camera.Handle(commands, "ping", func(context.Context, signaling.Peer, int) (string, error) { return "pong", nil })
	r := startAt(t, quotaless(t), func(c *camera.Config) {
		c.Commands, c.MaxViewers = commands, 1
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	events := r.events(t)
	var calls sync.WaitGroup
	defer calls.Wait()
	defer close(release)
	// 64 handlers wait for ever, 8 of each session.
	for i, id := range []string{"ann", "bob", "ann", "bob", "bob", "ann", "ann", "ann"} {
		v := r.mustDial(t, func(c *viewer.Config) { c.ClientID = id })
		if got, err := viewer.Call[string](t.Context(), v, "ping", 0); err != nil || got != "pong" {
			t.Fatalf("with %d handlers that wait: %q, %v", 8*i, got, err)
		}
		for range 8 {
			calls.Go(func() {
				if _, err := viewer.Call[int](t.Context(), v, "stuck", 0); err == nil {
					t.Error("a command that waits for ever was answered")
				}
			})
			<-began
		}
		left := time.Now()
		v.Close()
		if e := event[camera.Left](t, events); e.Peer.ID != id || time.Since(left) > callSlack {
			t.Errorf("%q left %v after %q closed its session", e.Peer.ID, time.Since(left), id)
		}
	}
	v := r.mustDial(t, nil)
	var refused *signaling.CommandError
	if _, err := viewer.Call[string](t.Context(), v, "ping", 0); !errors.As(err, &refused) || refused.Code != "busy" {
		t.Errorf("with 64 handlers that wait: %v", err)
	}
	<-time.After(time.Second + callSlack/2)
	if n := strings.Count(log.String(), `they ignore their context" `); n != 8 || !strings.Contains(log.String(), "stuck") {
		t.Errorf("%d sessions' handlers are logged", n)
	}

	ended := time.Now()
	err := r.end()
	if took := time.Since(ended); took < 4*time.Second || took > 5*time.Second+callSlack {
		t.Errorf("Run took %v to end", took)
	}
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), `64 command handlers still run 5s later`) || !strings.Contains(err.Error(), `["stuck"]`) {
		t.Errorf("Run: %v", err)
	}
}
