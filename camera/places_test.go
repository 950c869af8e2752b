package camera_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// A viewer that Authorize is still asked about holds its place: however many offer
// at once, no more than MaxViewers get in, and one that is turned away gives its
// place back.
func TestPlacesAreNotGivenTwice(t *testing.T) {
	var asked atomic.Int32
	decide := make(chan error)
	r := startAt(t, quotaless(t), func(c *camera.Config) {
		c.MaxViewers = 1
		c.Authorize = func(ctx context.Context, _ signaling.Peer) error {
			asked.Add(1)
			select {
			case err := <-decide:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	events := r.events(t)
	offer := func(id string) {
		t.Helper()
		s, payload, err := rtctest.Offer(rtctest.Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		send(t, r.rogue(t, id), signaling.Offer, payload)
	}
	offer("ann")
	until(t, 10*time.Second, "Authorize is asked", func() bool { return asked.Load() == 1 })
	offer("bob")
	if e := event[camera.Refused](t, events); e.Peer.ID != "bob" {
		t.Errorf("refused %+v", e)
	}
	decide <- &signaling.Refusal{Code: "unauthorized", Reason: "no"}
	if e := event[camera.Refused](t, events); e.Peer.ID != "ann" {
		t.Errorf("refused %+v", e)
	}
	offer("cid")
	decide <- nil
	until(t, 10*time.Second, "cid is served", func() bool { return len(r.Status().Viewers) == 1 })
	if n := asked.Load(); n != 2 {
		t.Errorf("Authorize was asked %d times", n)
	}
}
