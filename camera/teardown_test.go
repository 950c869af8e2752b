package camera_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/vnet"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// endLimit is how long the end of Run may take: what a session still writes is
// given a second and a half, a signaling connection one; the rest is for a busy
// machine.
const endLimit = 6 * time.Second

// TestRunEndsUnderEveryFault ends a camera while something hangs.
func TestRunEndsUnderEveryFault(t *testing.T) {
	for name, fault := range map[string]func(t *testing.T, r *running){
		"a viewer vanished": func(t *testing.T, r *running) { vanishing(t, r).hold(true) },
		"signaling is a black hole": func(t *testing.T, r *running) {
			r.mustDial(t, nil)
			r.srv.Master("door").Stall()
			r.rogue(t, "late") // what it sends does not arrive
		},
		"signaling is away": func(t *testing.T, r *running) {
			r.mustDial(t, nil)
			events := r.events(t)
			r.srv.SetOutage(true)
			event[camera.Offline](t, events)
		},
		"an offer just came": func(t *testing.T, r *running) {
			r.offer(t, "ann", rtctest.Hooks{})
		},
		"a viewer never answers the handshake": func(t *testing.T, r *running) {
			s, _ := r.offer(t, "ann", rtctest.Hooks{})
			s.Close() // its candidates are known, and nobody is there
		},
		"a viewer does not read its data channel": func(t *testing.T, r *running) {
			events := r.events(t)
			blocked := make(chan struct{})
			s, answer := r.offer(t, "ann", rtctest.Hooks{Message: func(rtc.MessageReceived) { <-blocked }})
			t.Cleanup(func() { close(blocked) }) // before the session is closed
			if err := s.SetAnswer(answer); err != nil {
				t.Fatal(err)
			}
			s.Trickle()
			event[camera.Joined](t, events)
			body := make([]byte, 700_000)
			for range 20 {
				if err := r.Notify("flood", body); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, nil)
			fault(t, r)
			began := time.Now()
			if err := r.end(); !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v", err)
			}
			if took := time.Since(began); took > endLimit {
				t.Errorf("Run took %v to end", took)
			}
		})
	}
}

// TestRunEndsWhileTURNIsABlackHole has the camera gather at servers that take
// everything and answer nothing.
func TestRunEndsWhileTURNIsABlackHole(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	urls := []string{"turn:" + udp.LocalAddr().String() + "?transport=udp", "turns:" + udp.LocalAddr().String() + "?transport=udp",
		"turn:" + tcp.Addr().String() + "?transport=tcp", "turns:" + tcp.Addr().String() + "?transport=tcp"}
	srv := signalingtest.NewServer(signalingtest.Config{Limits: signalingtest.Limits{Off: true},
		TURN: func(string, time.Time) []signalingtest.ICEServer {
			return []signalingtest.ICEServer{{URIs: urls, Username: "u", Password: "p"}}
		}})
	t.Cleanup(func() { srv.Close() })
	r := startAt(t, srv, func(c *camera.Config) { c.ICEPolicy = signaling.ICERelayOnly })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	began := time.Now()
	_, err = viewer.Dial(ctx, viewer.Config{Signaling: r.srv.Config("door"), Logger: quiet, ICEPolicy: signaling.ICERelayOnly})
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 2*time.Second+endLimit {
		t.Errorf("Dial: %v after %v", err, took)
	}
	began = time.Now()
	if err := r.end(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > endLimit {
		t.Errorf("Run took %v to end", took)
	}
}

// TestRunEndsInAHandshake ends a camera between a path found and a connection.
func TestRunEndsInAHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVirtual(t, 1, time.Second, nil)
		handshakes := 0
		v.swallow(func(c vnet.Chunk) bool {
			dtls := c.UserData()[0] >= 20 && c.UserData()[0] <= 63 // RFC 7983, 7
			if dtls {
				handshakes++
			}
			return dtls
		})
		w := v.viewer(t, 1, v.join(t, "ann"))
		defer w.leave()
		w.send(t)
		<-w.answered
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if handshakes == 0 {
			t.Error("no handshake was tried")
		}
		began := time.Now()
		if err := v.stop(); !errors.Is(err, context.Canceled) || time.Since(began) > 2*time.Second {
			t.Errorf("Run: %v after %v", err, time.Since(began))
		}
	})
}

// TestRunSaysWhyItEnds has each permanent reason.
func TestRunSaysWhyItEnds(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*signalingtest.Server, *signaling.Config)
		code  string
	}{
		"no such channel": {func(_ *signalingtest.Server, c *signaling.Config) { c.Channel = "elsewhere" }, "ResourceNotFoundException"},
		"no permission": {func(s *signalingtest.Server, _ *signaling.Config) {
			s.Refuse("ConnectAsMaster", -1, signalingtest.Error{Status: 403, Name: "AccessDeniedException"})
		}, "AccessDeniedException"},
		"no permission on the control plane": {func(s *signalingtest.Server, _ *signaling.Config) {
			s.Refuse("DescribeSignalingChannel", -1, signalingtest.Error{Status: 401, Name: "AccessDeniedException"})
		}, "AccessDeniedException"},
		"no storage on the channel": {func(_ *signalingtest.Server, c *signaling.Config) { c.Storage = true }, "InvalidArgumentException"},
		"no configuration":          {func(_ *signalingtest.Server, c *signaling.Config) { *c = signaling.Config{} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			srv := signalingtest.NewServer(signalingtest.Config{})
			defer srv.Close()
			cfg := srv.Config("door")
			cfg.Logger = quiet
			c.spoil(srv, &cfg)
			cam, err := camera.New(camera.Config{Signaling: cfg, Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}, Logger: quiet})
			if err != nil {
				t.Fatal(err)
			}
			err = cam.Run(t.Context())
			var api interface{ ErrorCode() string }
			var bad *signaling.ConfigError
			if c.code == "" && !errors.As(err, &bad) || c.code != "" && (!errors.As(err, &api) || api.ErrorCode() != c.code) {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

// TestOfferTwiceIsOneSession delivers an offer twice, as the service may, before
// the session is connected and after.
func TestOfferTwiceIsOneSession(t *testing.T) {
	r := start(t, nil)
	if err := r.srv.Wait(t.Context(), func() bool { return r.srv.Master("door") != nil }); err != nil {
		t.Fatal(err)
	}
	events := r.events(t)
	c := r.rogue(t, "ann")
	frames := make(chan kvsmedia.Frame, 10_000)
	s, offer, err := rtctest.Offer(rtctest.Hooks{Frame: func(f kvsmedia.Frame) { frames <- f }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	answer := func() []byte {
		for {
			m, err := c.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if m.Kind == signaling.Answer {
				return m.Payload
			}
		}
	}
	send(t, c, signaling.Offer, offer)
	send(t, c, signaling.Offer, offer)
	if err := s.SetAnswer(answer()); err != nil {
		t.Fatal(err)
	}
	answer() // each gets one
	event[camera.Joined](t, events)
	send(t, c, signaling.Offer, offer)
	answer()
	for n := 0; n < 50; n++ {
		select {
		case f := <-frames:
			if f.Skipped > 0 {
				t.Errorf("%d pictures were lost", f.Skipped)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%d frames came: %v", n, s.Err())
		}
	}
	if n := len(r.Status().Viewers); n != 1 {
		t.Errorf("%d sessions", n)
	}
	for len(events) > 0 {
		if e, left := (<-events).(camera.Left); left {
			t.Errorf("a session ended: %v", e.Err)
		}
	}
}
