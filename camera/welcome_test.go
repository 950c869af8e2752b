package camera_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// TestNotifyAtJoined welcomes viewers when their Joined comes: the notice reaches each
// of them, though its data channel opens later.
func TestNotifyAtJoined(t *testing.T) {
	r := start(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	events := r.Events(ctx)
	done := make(chan struct{})
	defer func() { cancel(); <-done }()
	go func() {
		defer close(done)
		for e := range events {
			if e, ok := e.(camera.Joined); ok {
				if err := r.Notify("welcome", e.Peer.ID); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for _, id := range []string{"ann", "bob", "cem", "dee"} {
		v, err := viewer.Dial(ctx, viewer.Config{Signaling: r.srv.Config("door"), ClientID: id, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		welcomed := false
		for n := range v.Notices(ctx) {
			if welcomed = n.Name == "welcome" && string(n.Body) == `"`+id+`"`; welcomed {
				break
			}
			t.Errorf("%s got %s %s", id, n.Name, n.Body)
		}
		if !welcomed {
			t.Errorf("%s was not welcomed: %v", id, v.Err())
		}
		v.Close()
	}
}

// TestNoticesWaitForTenSeconds has a viewer join that never opens a command channel:
// notices do not wait for it without end.
func TestNoticesWaitForTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVirtual(t, 1, 100*time.Millisecond, nil)
		events := v.Events(t.Context())
		w := v.viewer(t, 1, v.join(t, "mute"))
		defer w.leave()
		w.send(t)
		for e := range events {
			if _, ok := e.(camera.Joined); ok {
				break
			}
		}
		if err := v.Notify("welcome", "x"); err != nil {
			t.Fatal(err)
		}
		if n := v.NoticesKept(); n != 1 {
			t.Errorf("%d notices wait for the viewer, want 1", n)
		}
		time.Sleep(11 * time.Second)
		if n := v.NoticesKept(); n != 0 {
			t.Errorf("%d notices wait for a viewer without a command channel", n)
		}
		if st := v.Status(); len(st.Viewers) != 1 {
			t.Errorf("the viewer has left: %+v", st.Viewers)
		}
	})
}
