package camera_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// private waits for the notice that says whether privacy is on.
func private(t *testing.T, v *viewer.Viewer, on bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for n := range v.Notices(ctx) {
		var body struct{ On *bool }
		if err := json.Unmarshal(n.Body, &body); n.Name != "privacy" || err != nil || body.On == nil || *body.On != on || v.Private() != on {
			t.Errorf("notice %s %s, private is %v", n.Name, n.Body, v.Private())
		}
		return
	}
	t.Errorf("no notice that privacy is %v", on)
}

// pictures returns the numbers of the pictures that come within d, in the order in which
// the encoder made them.
func (r *running) pictures(t *testing.T, v *viewer.Viewer, d time.Duration) (numbers []int) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for f := range v.Frames(ctx) {
		if f.Track.Codec.Video() {
			numbers = append(numbers, r.index(f.Data))
		}
	}
	return numbers
}

// newest returns the number of the newest picture.
func (r *running) newest() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sent) - 1
}

// Viewers stay while privacy is on and are told, new ones are admitted and told at once;
// both call commands, such as the one that ends privacy. Neither gets a picture of the time
// when it was on, the new one none of before.
func TestViewersOfAPrivateCamera(t *testing.T) {
	commands := &camera.Commands{}
	r := start(t, func(c *camera.Config) { c.Commands = commands })
	camera.Handle(commands, "privacy", func(_ context.Context, _ signaling.Peer, on bool) (bool, error) {
		r.SetPrivacy(on)
		return on, nil
	})
	stays := r.mustDial(t, nil)
	if _, err := viewer.Call[bool](t.Context(), stays, "privacy", true); err != nil {
		t.Fatal(err)
	}
	from := r.newest()
	private(t, stays, true)
	joins := r.mustDial(t, nil)
	private(t, joins, true)
	if !joins.Private() {
		t.Error("a viewer that joins is not told that privacy is on")
	}
	if err := r.Notify("motion", 1); err != nil {
		t.Fatal(err)
	}
	for v := range map[*viewer.Viewer]bool{stays: true, joins: true} {
		for n := range v.Notices(t.Context()) {
			if n.Name != "motion" {
				t.Errorf("notice %q", n.Name)
			}
			break
		}
	}
	if n := r.pictures(t, joins, 2*time.Second); len(n) > 0 { // longer than the silence that is a lost path
		t.Errorf("pictures %v are sent to one who joins", n)
	}
	to := r.newest()
	if _, err := viewer.Call[bool](t.Context(), joins, "privacy", false); err != nil {
		t.Fatal(err)
	}
	private(t, stays, false)
	private(t, joins, false)
	for name, v := range map[string]*viewer.Viewer{"stays": stays, "joins": joins} {
		after := 0
		for _, n := range r.pictures(t, v, time.Second) {
			switch {
			case n > to:
				if after++; after == 1 && n%10 != 0 {
					t.Errorf("one who %s goes on at picture %d, which is no key frame", name, n)
				}
			case n > from || name == "joins":
				t.Errorf("one who %s got picture %d, privacy was from %d to %d", name, n, from, to)
			}
		}
		if after == 0 || v.Err() != nil {
			t.Errorf("one who %s gets %d pictures afterwards: %v", name, after, v.Err())
		}
	}
	for _, name := range []string{"privacy", "disconnected"} {
		if r.Notify(name, nil) == nil {
			t.Errorf("an application may send the notice %q", name)
		}
	}
}

// Nobody is heard while privacy is on, and who talks loses the floor.
func TestPrivacyClosesTalk(t *testing.T) {
	r := start(t, nil)
	events := r.events(t)
	track := &kvsmedia.Track{Codec: kvsmedia.Opus}
	v := r.mustDial(t, func(c *viewer.Config) { c.ClientID, c.Talk = "ann", track })
	talk, stop := context.WithCancel(t.Context())
	talked := make(chan struct{})
	go func() {
		defer close(talked)
		for i := 0; talk.Err() == nil; i++ {
			if err := v.WriteFrame(kvsmedia.Frame{Track: track, PTS: time.Duration(i) * 20 * time.Millisecond, Data: make([]byte, 50)}); err != nil {
				t.Error(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	defer func() { stop(); <-talked }()
	if e := event[camera.Talking](t, events); e.Peer.ID != "ann" {
		t.Fatalf("%q has the floor", e.Peer.ID)
	}
	unheard, heard := r.Talkback(t.Context()), 0
	for range r.Talkback(t.Context()) {
		if heard++; heard == 3 {
			break
		}
	}
	r.SetPrivacy(true)
	if e := event[camera.Talking](t, events); e.Peer.ID != "" {
		t.Errorf("%q has the floor", e.Peer.ID)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	for range r.Talkback(ctx) {
		t.Fatal("a viewer is heard")
	}
	r.SetPrivacy(false)
	again := time.Now()
	if e := event[camera.Talking](t, events); e.Peer.ID != "ann" {
		t.Errorf("%q has the floor", e.Peer.ID)
	}
	for f := range unheard {
		if f.Time.Before(again.Add(-100 * time.Millisecond)) { // the jitter buffer's
			t.Errorf("what was said %v before the end of privacy is heard", again.Sub(f.Time))
		}
		break
	}
}

// The storage service gets nothing while privacy is on.
func TestPrivacyAndTheStorageService(t *testing.T) {
	sessions := make(chan *rtc.Session, 4)
	frames := make(chan kvsmedia.Frame, 10_000)
	srv := signalingtest.NewServer(signalingtest.Config{Limits: signalingtest.Limits{Off: true}, TURN: noTURN,
		Storage: func(ctx context.Context, p *signalingtest.StorageSession) {
			storageService(ctx, t, p, sessions, frames)
		}})
	t.Cleanup(func() { _ = srv.Close() })
	srv.Config("door") // makes the channel
	if err := srv.SetStorage("door", "arn:aws:kinesisvideo:us-west-2:123456789012:stream/door/1"); err != nil {
		t.Fatal(err)
	}
	r := startAt(t, srv, func(c *camera.Config) { c.Signaling.Storage, c.Privacy = true, true })
	events := r.events(t)
	for len(r.Status().Viewers) == 0 || !r.Status().Viewers[0].Connected {
		event[camera.Joined](t, events)
	}
	select {
	case f := <-frames:
		t.Errorf("the service gets a frame of %v", f.Track.Codec)
	case <-time.After(time.Second):
	}
	off := r.newest()
	r.SetPrivacy(false)
	if f := <-frames; f.Track.Codec.Video() && r.index(f.Data) < off {
		t.Errorf("the service gets picture %d, privacy ended at %d", r.index(f.Data), off)
	}
}
