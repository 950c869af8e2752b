package camera_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// Disconnect ends a session, with its reason for all, and nothing more is sent or heard.
func TestDisconnect(t *testing.T) {
	why := &signaling.Refusal{Code: "revoked", Reason: "Ann does not share this camera with you any more"}
	r := start(t, nil)
	events := r.events(t)
	v := r.mustDial(t, func(c *viewer.Config) { c.ClientID = "bob" })
	other := r.mustDial(t, func(c *viewer.Config) { c.ClientID = "eve" })
	if n := r.Disconnect(signaling.Peer{ID: "ann"}, why); n != 0 {
		t.Errorf("%d sessions of nobody end", n)
	}
	if n := r.Disconnect(signaling.Peer{ID: "bob"}, why); n != 1 {
		t.Errorf("%d sessions end", n)
	}
	if n := r.Disconnect(signaling.Peer{ID: "bob"}, nil); n != 0 {
		t.Errorf("%d sessions end once more", n)
	}
	began, last := time.Now(), r.newest()
	for _, n := range r.pictures(t, v, 10*time.Second) { // until the session ends
		if n > last+5 {
			t.Errorf("picture %d was sent, %d was the newest", n, last)
		}
	}
	var refusal *signaling.Refusal
	if !errors.As(v.Err(), &refusal) || *refusal != *why {
		t.Errorf("the viewer is told %v", v.Err())
	}
	if e := event[camera.Left](t, events); e.Peer.ID != "bob" || e.Err != error(why) {
		t.Errorf("left: %+v", e)
	}
	if took := time.Since(began); took > 5*time.Second { // a fraction of one, on a machine with time
		t.Errorf("it took %v", took)
	}
	if n := r.pictures(t, other, time.Second); len(n) < 10 || other.Err() != nil {
		t.Errorf("another viewer gets %d pictures: %v", len(n), other.Err())
	}
	r.mustDial(t, func(c *viewer.Config) { c.ClientID = "bob" }) // nobody has forbidden it
}

// refusalOf waits for an answer that refuses and returns what it says, and the answer.
func refusalOf(t *testing.T, c *signaling.Client) (string, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		m, err := c.Receive(ctx)
		if err != nil {
			t.Fatalf("no refusal: %v", err)
		}
		if _, text, ok := strings.Cut(string(m.Payload), "a=smartcam-refused:"); ok && m.Kind == signaling.Answer {
			text, _, _ = strings.Cut(text, `\r\n`)
			return text, m.Payload
		}
	}
}

// A viewer that is being authorized is refused, and so is the offer that waits behind; one
// that comes later is not.
func TestDisconnectWhileEntering(t *testing.T) {
	asked := make(chan struct{}, 10)
	var admits atomic.Bool
	r := start(t, func(c *camera.Config) {
		c.Authorize = func(ctx context.Context, _ signaling.Peer) error {
			asked <- struct{}{}
			if admits.Load() {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
	})
	events := r.events(t)
	c := r.rogue(t, "bob")
	for range 2 {
		s, offer, err := rtctest.Offer(rtctest.Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		send(t, c, signaling.Offer, offer)
	}
	eve, offer, err := rtctest.Offer(rtctest.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(eve.Close)
	send(t, r.rogue(t, "eve"), signaling.Offer, offer)
	<-asked
	<-asked // for eve, so both offers of bob have come
	why := &signaling.Refusal{Code: "revoked", Reason: "no more"}
	began := time.Now()
	if n := r.Disconnect(signaling.Peer{ID: "bob"}, why); n != 1 {
		t.Errorf("%d sessions end", n)
	}
	for range 2 {
		if text, _ := refusalOf(t, c); text != "revoked: no more" {
			t.Errorf("the viewer is told %q", text)
		}
		if e := event[camera.Refused](t, events); e.Err != error(why) {
			t.Errorf("refused: %v", e.Err)
		}
	}
	if took := time.Since(began); took > 4*time.Second { // Authorize has five
		t.Errorf("it took %v", took)
	}
	if n := r.Disconnect(signaling.Peer{ID: "eve"}, why); n != 1 {
		t.Errorf("%d sessions of another viewer end", n)
	}
	event[camera.Refused](t, events)
	admits.Store(true)
	r.mustDial(t, func(c *viewer.Config) { c.ClientID = "bob" })
	if n := len(asked); n != 1 {
		t.Errorf("Authorize was asked %d times afterwards", n)
	}
}

// A viewer to which no path was found yet is told over signaling.
func TestDisconnectWhileConnecting(t *testing.T) {
	r := start(t, nil)
	events := r.events(t)
	c := r.rogue(t, "bob")
	s, offer, err := rtctest.Offer(rtctest.Hooks{}) // which sends no candidates
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	send(t, c, signaling.Offer, offer)
	for s.AwaitsAnswer() {
		m, err := c.Receive(t.Context())
		if err == nil && m.Kind == signaling.Answer {
			err = s.SetAnswer(m.Payload)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := r.Disconnect(signaling.Peer{ID: "bob"}, nil); n != 1 {
		t.Errorf("%d sessions end", n)
	}
	text, answer := refusalOf(t, c)
	if text != "disconnected: the camera ended the session" {
		t.Errorf("the viewer is told %q", text)
	}
	var refusal *signaling.Refusal
	if s.TakeRefusal(answer); !errors.As(s.Err(), &refusal) || refusal.Code != "disconnected" {
		t.Errorf("the viewer's session ends with %v", s.Err())
	}
	if e := event[camera.Left](t, events); !errors.As(e.Err, &refusal) || refusal.Code != "disconnected" {
		t.Errorf("left: %v", e.Err)
	}
	if n := len(r.Status().Viewers); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// A connected viewer hears why while signaling is away.
func TestDisconnectWithoutSignaling(t *testing.T) {
	r := start(t, nil)
	v := r.mustDial(t, func(c *viewer.Config) { c.ClientID = "bob" })
	r.srv.SetOutage(true)
	defer r.srv.SetOutage(false)
	events := r.events(t)
	if n := r.Disconnect(signaling.Peer{ID: "bob"}, &signaling.Refusal{Code: "viewer limit", Reason: strings.Repeat("long ", 200)}); n != 1 {
		t.Errorf("%d sessions end", n)
	}
	select {
	case <-v.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("the session does not end")
	}
	v.Close() // which the camera hears first
	var refusal *signaling.Refusal
	if e := event[camera.Left](t, events); !errors.As(e.Err, &refusal) {
		t.Errorf("left: %v", e.Err)
	}
	if !errors.As(v.Err(), &refusal) || refusal.Code != "viewer limit" || len(refusal.Reason) != 512 {
		t.Errorf("the viewer is told %v", v.Err())
	}
}

// A viewer that stays although it was told gets nothing, and the camera ends its session.
func TestDisconnectOfOneWhoStays(t *testing.T) {
	r := start(t, nil)
	c := r.rogue(t, "bob")
	var frames atomic.Int64
	flows := make(chan struct{})
	s, offer, err := rtctest.Offer(rtctest.Hooks{
		Candidate: func(b []byte) { _ = c.Send(t.Context(), signaling.Message{Kind: signaling.ICECandidate, Payload: b}) },
		Frame: func(kvsmedia.Frame) {
			if frames.Add(1) == 20 {
				close(flows)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	send(t, c, signaling.Offer, offer)
	s.Trickle()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for {
			m, err := c.Receive(ctx)
			switch {
			case err != nil:
				return
			case m.Kind == signaling.Answer && s.AwaitsAnswer():
				_ = s.SetAnswer(m.Payload)
			case m.Kind == signaling.ICECandidate:
				_ = s.AddCandidate(m.Payload)
			}
		}
	}()
	<-flows
	r.Disconnect(signaling.Peer{ID: "bob"}, nil)
	before := frames.Load()
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the session does not end")
	}
	const onTheWay = 20 // a camera that went on would send some 65 in the second until the end
	if n := frames.Load() - before; n > onTheWay {
		t.Errorf("%d frames come after it was disconnected", n)
	}
}
