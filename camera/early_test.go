package camera_test

import (
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Candidates that come before their offer serve its session.
func TestCandidatesBeforeTheOffer(t *testing.T) {
	r := start(t, nil)
	c := r.rogue(t, "ann")
	send(t, c, signaling.ICECandidate, []byte(`{"candidate":"candidate:1 1 udp 1 192.0.2.7 5000 typ host","sdpMid":"0"}`))
	s, offer, err := rtctest.Offer(rtctest.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send(t, c, signaling.Offer, offer)
	until(t, 10*time.Second, "the early candidate is in the report", func() bool {
		for _, v := range r.Status().Viewers {
			if slices.ContainsFunc(v.Report.Remote, func(c signaling.Candidate) bool { return c.Address == "192.0.2.7:5000" }) {
				return true
			}
		}
		return false
	})
}
