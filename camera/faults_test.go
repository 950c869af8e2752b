package camera_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// rogue is a viewer that speaks signaling as it likes.
func (r *running) rogue(t *testing.T, id string) *signaling.Client {
	t.Helper()
	cfg := r.srv.Config("door")
	cfg.Logger = quiet
	c, err := signaling.DialViewer(t.Context(), cfg, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t *testing.T, c *signaling.Client, kind signaling.Kind, payload []byte) {
	t.Helper()
	if err := c.Send(t.Context(), signaling.Message{Kind: kind, Payload: payload}); err != nil {
		t.Fatal(err)
	}
}

// raw is a viewer's WebSocket without a client, which would pace and check what
// it sends.
func (r *running) raw(t *testing.T, id string) func(action, payload string) {
	t.Helper()
	g, err := signaling.PresignViewer(t.Context(), r.srv.Config("door"), id)
	if err != nil {
		t.Fatal(err)
	}
	conn, _, err := websocket.Dial(t.Context(), g.URL, &websocket.DialOptions{HTTPClient: r.srv.Client()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	return func(action, payload string) {
		t.Helper()
		b, err := json.Marshal(map[string]string{"action": action, "messagePayload": base64.StdEncoding.EncodeToString([]byte(payload))})
		if err == nil {
			err = conn.Write(t.Context(), websocket.MessageText, b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// flows fails the test unless n more pictures reach v without a loss.
func flows(t *testing.T, v *viewer.Viewer, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for f := range v.Frames(ctx) {
		if f.Skipped > 0 {
			t.Errorf("%d pictures were lost", f.Skipped)
		}
		if n--; n == 0 {
			return
		}
	}
	t.Errorf("%d pictures are missing: %v", n, v.Err())
}

// inboxSize is how many messages of a peer a camera lets wait.
const inboxSize = 64

func TestHostilePeersHarmNobodyElse(t *testing.T) {
	r := start(t, nil)
	v := r.mustDial(t, nil)
	events := r.events(t)
	send, flood := r.raw(t, "mallory"), r.raw(t, "flood")
	const candidate = `{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0}`

	// burst sends candidates and waits until the camera has worked them off: the
	// service, which would let through 20 a second, drops a master that lags. Offers
	// that cannot be read are refused once a second.
	burst := func(id string, send func(action, payload string)) {
		for range inboxSize - 3 { // two offers may be under way
			send("ICE_CANDIDATE", candidate)
		}
		send("SDP_OFFER", "not JSON")
		if e := event[camera.Refused](t, events); e.Peer.ID != id {
			t.Errorf("refused %q", e.Peer.ID)
		}
	}
	for range 3 { // candidates without an offer
		burst("flood", flood)
	}
	for _, offer := range []string{`not JSON`, `{"type":"offer","sdp":"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns="}`, `{"type":"answer","sdp":""}`, `null`} {
		send("SDP_OFFER", offer)
		if e := event[camera.Refused](t, events); e.Peer.ID != "mallory" {
			t.Errorf("refused %q", e.Peer.ID)
		}
	}
	// A whole offer without its last third.
	s, offer, err := rtctest.Offer(rtctest.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var whole struct{ Type, SDP string }
	if err := json.Unmarshal(offer, &whole); err != nil {
		t.Fatal(err)
	}
	cut, err := json.Marshal(map[string]string{"type": "offer", "sdp": whole.SDP[:len(whole.SDP)*2/3]})
	if err != nil {
		t.Fatal(err)
	}
	send("SDP_OFFER", string(cut))
	// A flood of candidates for a session.
	send("SDP_OFFER", string(offer))
	for range 3 {
		burst("mallory", send)
	}
	// 10 MB from the service itself: the camera drops the connection and comes back.
	r.srv.Master("door").Inject(bytes.Repeat([]byte("x"), 10<<20))
	event[camera.Offline](t, events)
	event[camera.Online](t, events)

	flows(t, v, 50)
	r.mustDial(t, nil)
}

// TestDataChannelFlood has a viewer that sends garbage on the command channel:
// its session ends, the other one goes on.
func TestDataChannelFlood(t *testing.T) {
	r := start(t, nil)
	v := r.mustDial(t, nil)
	events := r.events(t)
	c := r.rogue(t, "mallory")
	channel := make(chan *rtc.Channel, 1)
	s, offer, err := rtctest.Offer(rtctest.Hooks{
		Candidate: func(b []byte) { _ = c.Send(t.Context(), signaling.Message{Kind: signaling.ICECandidate, Payload: b}) },
		Channel:   func(ch *rtc.Channel) { channel <- ch },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send(t, c, signaling.Offer, offer)
	for {
		m, err := c.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == signaling.Answer {
			if err := s.SetAnswer(m.Payload); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	s.Trickle()
	ch := <-channel
	garbage := make([]byte, 60_000)
	_, _ = rand.Read(garbage)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		garbage[0] = '+' // pieces of a message that never ends
		if ch.Send(ctx, false, garbage) != nil {
			break
		}
	}
	if e := event[camera.Left](t, events); e.Peer.ID != "mallory" || !strings.Contains(e.Err.Error(), "data channel") {
		t.Errorf("left: %s, %v", e.Peer.ID, e.Err)
	}
	flows(t, v, 50)
}

func TestMediaOutlivesSignaling(t *testing.T) {
	r := start(t, nil)
	v := r.mustDial(t, nil)
	events := r.events(t)
	r.srv.SetOutage(true)
	if e := event[camera.Offline](t, events); e.Err == nil {
		t.Error("offline without a reason")
	}
	if s := r.Status(); s.Online || s.Err == nil || len(s.Viewers) != 1 {
		t.Errorf("status: %+v", s)
	}
	flows(t, v, 50)
	r.srv.SetOutage(false)
	event[camera.Online](t, events)
	r.mustDial(t, nil)
}

func TestRunEndsForAPermanentReason(t *testing.T) {
	srv := signalingtest.NewServer(signalingtest.Config{})
	defer srv.Close()
	cfg := srv.Config("door")
	cfg.Channel = "no-such-channel"
	cam, err := camera.New(camera.Config{Signaling: cfg, Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	err = cam.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "ResourceNotFound") {
		t.Errorf("Run: %v", err)
	}
}

// TestVanishedViewerIsReaped has a viewer that stops without a word.
func TestVanishedViewerIsReaped(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 12 seconds")
	}
	t.Parallel()
	r := start(t, nil)
	events := r.events(t)
	v := vanishing(t, r)
	event[camera.Joined](t, events)
	v.hold(true)
	began := time.Now()
	e := event[camera.Left](t, events)
	if took := time.Since(began); took > 20*time.Second { // 12, on a machine with time
		t.Errorf("noticed after %v", took)
	}
	if !strings.Contains(e.Err.Error(), "nothing was heard") {
		t.Errorf("left: %v", e.Err)
	}
}

// TestStorageMode plays the storage service: it offers, the camera answers and
// sends; when the session is lost, the camera joins again.
func TestStorageMode(t *testing.T) {
	sessions := make(chan *rtc.Session, 4)
	frames := make(chan kvsmedia.Frame, 10_000)
	srv := signalingtest.NewServer(signalingtest.Config{Limits: signalingtest.Limits{Off: true}, TURN: noTURN,
		Storage: func(ctx context.Context, p *signalingtest.StorageSession) {
			storageService(ctx, t, p, sessions, frames)
		}})
	defer srv.Close()
	cfg := srv.Config("door")
	if err := srv.SetStorage("door", "arn:aws:kinesisvideo:us-west-2:123456789012:stream/door/1"); err != nil {
		t.Fatal(err)
	}
	cfg.Storage = true
	enc := newEncoder()
	cam, err := camera.New(camera.Config{Signaling: cfg, Tracks: []*kvsmedia.Track{enc.video, enc.audio}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cam.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	video, audio, joins := 0, 0, 0
	var s *rtc.Session
	for limit := time.After(25 * time.Second); joins < 2 || video < 20 || audio < 20; {
		select {
		case s = <-sessions:
			joins++
		case f := <-frames:
			if f.Track.Codec.Video() {
				video++
			} else {
				audio++
			}
			if joins == 1 && video >= 20 && audio >= 20 {
				s.Close() // the service loses the session
				video, audio = 0, 0
			}
		case <-tick.C:
			v, a := enc.next()
			if err := errors.Join(cam.WriteFrame(v), cam.WriteFrame(a)); err != nil {
				t.Fatal(err)
			}
		case <-limit:
			t.Fatalf("%d joins, %d pictures, %d sounds", joins, video, audio)
		}
	}
}

// storageService is the service's end of one storage session.
func storageService(ctx context.Context, t *testing.T, p *signalingtest.StorageSession, sessions chan<- *rtc.Session, frames chan<- kvsmedia.Frame) {
	s, offer, err := rtctest.Offer(rtctest.Hooks{
		Candidate: func(b []byte) { _ = p.Send(signaling.Message{Kind: signaling.ICECandidate, Payload: b}) },
		Frame:     func(f kvsmedia.Frame) { frames <- f },
		Connected: func() {},
	})
	if err != nil {
		t.Error(err)
		return
	}
	defer s.Close()
	if err := p.Send(signaling.Message{Kind: signaling.Offer, Payload: offer}); err != nil {
		return
	}
	s.Trickle()
	sessions <- s
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { <-s.Done(); cancel() }()
	for {
		m, err := p.Receive(ctx)
		if err != nil {
			return
		}
		switch m.Kind {
		case signaling.Answer:
			if err := s.SetAnswer(m.Payload); err != nil {
				t.Errorf("the camera's answer: %v", err)
			}
		case signaling.ICECandidate:
			_ = s.AddCandidate(m.Payload)
		case signaling.Offer, signaling.Rejected:
			t.Errorf("the camera sent %v", m.Kind)
		}
	}
}
