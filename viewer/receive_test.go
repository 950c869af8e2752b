package viewer

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// A restart of ICE is tried again, so what goes wrong with one must not leave the
// viewer deaf to the answer of the next, nor may it spoil the log.
func TestBadAnswerToRestart(t *testing.T) {
	srv := signalingtest.NewServer(signalingtest.Config{TURN: func(string, time.Time) []signalingtest.ICEServer { return nil }})
	t.Cleanup(func() { srv.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	master, err := signaling.DialMaster(ctx, srv.Config("door"))
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	client, err := signaling.DialViewer(ctx, srv.Config("door"), "v")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	cfg := rtc.Config{Certificates: &rtc.Certificates{}}
	source := rtc.Source{Ring: ring.New[*packet.Unit](ring.Config{})}
	session, payload, err := rtc.Offer(cfg, source)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	offer, err := sdp.Parse(payload, "offer")
	if err != nil {
		t.Fatal(err)
	}
	camera, answer, err := rtc.Answer(ctx, cfg, offer, source)
	if err != nil {
		t.Fatal(err)
	}
	defer camera.Close()

	var log bytes.Buffer
	set, err := Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}.validated()
	if err != nil {
		t.Fatal(err)
	}
	v := &Viewer{cfg: set, client: client, session: session}
	ended := make(chan error, 1)
	life, end := context.WithCancel(ctx)
	go func() { ended <- v.receive(life, nil) }()
	candidate := []byte(`{"candidate":"candidate:1 1 udp 1 ` + strings.Repeat("spam", 1500) + ` 1 typ host"}`)
	for _, m := range []signaling.Message{{Kind: signaling.ICECandidate, Payload: candidate},
		{Kind: signaling.Answer, Payload: []byte(`{"type":"` + strings.Repeat("spam", 1500) + `"}`)}, {Kind: signaling.Answer, Payload: answer}} {
		m.Peer = "v"
		if err := master.Send(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	for session.AwaitsAnswer() {
		select {
		case err := <-ended:
			t.Fatalf("the viewer receives no more: %v", err)
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("the answer did not come")
		}
	}
	end()
	<-ended
	for _, what := range []string{"a candidate was not taken", "the answer to a restart was not taken"} {
		if !strings.Contains(log.String(), what) {
			t.Errorf("%q is not logged", what)
		}
	}
	if n := log.Len(); n > 2000 {
		t.Errorf("%d bytes are logged", n)
	}
}
