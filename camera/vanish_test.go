package camera_test

import (
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
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
	s, offer, err := rtctest.Offer(rtctest.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	send(t, c, signaling.Offer, faultnet.WithoutCandidates(t, offer))
	for {
		m, err := c.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind != signaling.Answer {
			continue
		}
		answer, relay := faultnet.Through(t, m.Payload, faultnet.Link{})
		f.relay <- relay
		if err := s.SetAnswer(answer); err != nil {
			t.Fatal(err)
		}
		return f
	}
}
