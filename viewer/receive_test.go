package viewer

import (
	"context"
	"log/slog"
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
// viewer deaf to the answer of the next.
func TestBadAnswerToRestart(t *testing.T) {
	srv := signalingtest.NewServer(signalingtest.Config{TURN: func(string, time.Time) []signalingtest.ICEServer { return nil }})
	t.Cleanup(srv.Close)
	quiet := slog.New(slog.DiscardHandler)
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

	v := &Viewer{cfg: Config{Logger: quiet}, client: client, session: session}
	ended := make(chan error, 1)
	life, end := context.WithCancel(ctx)
	go func() { ended <- v.receive(life, nil) }()
	for _, p := range [][]byte{[]byte(`{"type":"answer","sdp":"v=0"}`), answer} {
		if err := master.Send(ctx, signaling.Message{Kind: signaling.Answer, Peer: "v", Payload: p}); err != nil {
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
}
