package viewer_test

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// until waits for a condition that the viewer's status fulfils.
func until(t *testing.T, v *viewer.Viewer, what string, is func(viewer.Status) bool) viewer.Status {
	t.Helper()
	for limit := time.After(20 * time.Second); ; {
		s := v.Status()
		if is(s) {
			return s
		}
		select {
		case <-limit:
			t.Fatalf("%s: the status is %+v", what, s)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestEvents takes the network of the media away, gives it back and closes the viewer.
func TestEvents(t *testing.T) {
	r := newRemote(t, faultnet.Link{Delay: 5 * time.Millisecond})
	defer film(t, r.srv, clips.Day())()
	v := r.dial(t)
	defer v.Close()
	events := make(chan viewer.Event, 100)
	listening := v.Events(t.Context()) // which ends with the session before
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for e := range listening {
			events <- e
		}
	}()
	before := until(t, v, "a path", func(s viewer.Status) bool { return s.Path.RTT > 0 && s.Path.Bitrate > 10_000 })
	if !before.Connected || before.Err != nil || before.Report.Selected == nil || before.Path.RTT < 10*time.Millisecond || before.Path.Loss > 0.2 {
		t.Errorf("status %+v", before)
	}
	r.path.Hold(true)
	e := <-events
	for _, moved := e.(viewer.PathChanged); moved; _, moved = e.(viewer.PathChanged) {
		e = <-events // a better pair of candidates was found before
	}
	if lost, ok := e.(viewer.PathLost); !ok || lost.Err == nil {
		t.Fatalf("event %+v, want PathLost", e)
	}
	if s := v.Status(); s.Connected || s.Err == nil {
		t.Errorf("status %+v while the path is lost", s)
	}
	again := func() bool { // the viewer has begun to look for another path
		offers := 0
		for _, e := range r.srv.Events() {
			if e.Name == "SDP_OFFER" {
				offers++
			}
		}
		return offers > 1
	}
	if err := r.srv.Wait(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	r.path.Hold(false)
	found, ok := (<-events).(viewer.PathChanged)
	if !ok || found.Report.Selected == nil {
		t.Fatalf("event %+v, want PathChanged", found)
	}
	if s := until(t, v, "connected again", func(s viewer.Status) bool { return s.Connected }); s.Err != nil {
		t.Errorf("status %+v", s)
	}

	v.Close()
	<-ended
	close(events)
	var last viewer.Event
	for last = range events {
		if _, lost := last.(viewer.PathLost); lost {
			t.Errorf("event %+v", last)
		}
	}
	left, ok := last.(viewer.Left)
	if !ok || left.Err == nil || left.Err != v.Err() || left.Report.Failure == "" {
		t.Errorf("the last event is %+v", last)
	}
	if s := v.Status(); s.Connected || s.Err != v.Err() {
		t.Errorf("status %+v after the end", s)
	}
	for e := range v.Events(t.Context()) {
		t.Errorf("event %+v after the end", e)
	}
}

// TestLossIsSeen has a tenth of the packets be lost.
func TestLossIsSeen(t *testing.T) {
	r := newRemote(t, faultnet.Link{Delay: 5 * time.Millisecond, Loss: 0.1, Seed: 7})
	defer film(t, r.srv, clips.Day())()
	v := r.dial(t)
	defer v.Close()
	until(t, v, "loss", func(s viewer.Status) bool { return s.Path.Loss > 0.02 && s.Path.Loss < 0.5 })
}
