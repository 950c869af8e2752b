package camera_test

import (
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/faultnet"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// faulty is a viewer whose media goes through a network that can fail.
type faulty struct{ relay chan *faultnet.Relay }

// hold makes its network a black hole, or mends it.
func (f *faulty) hold(on bool) {
	r := <-f.relay
	r.Hold(on)
	f.relay <- r
}

// vanishing connects a viewer through a relay to the camera's first candidate.
func vanishing(t *testing.T, r *running) *faulty {
	t.Helper()
	f := &faulty{relay: make(chan *faultnet.Relay, 1)}
	c := r.rogue(t, "ghost")
	cert, err := rtc.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	s, offer, err := rtc.Offer(rtc.Config{Certificate: cert}, rtc.Source{Ring: ring.New[*rtc.Unit](ring.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	send(t, c, signaling.Offer, offer)
	for answered, relayed := false, false; !answered || !relayed; {
		m, err := c.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch m.Kind {
		case signaling.Answer:
			answered = true
			if err := s.SetAnswer(m.Payload); err != nil {
				t.Fatal(err)
			}
		case signaling.ICECandidate:
			addr, with, err := faultnet.Candidate(m.Payload)
			if err != nil || relayed || !addr.Addr().Is4() {
				continue
			}
			relayed = true
			relay := faultnet.NewRelay(t, addr, faultnet.Link{})
			f.relay <- relay
			if err := s.AddCandidate(with(relay.Addr())); err != nil {
				t.Fatal(err)
			}
		}
	}
	return f
}
