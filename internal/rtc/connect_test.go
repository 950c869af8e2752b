package rtc

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/ice/v4"

	"github.com/smartcam-sdk/smartcam/signaling"
)

// The first pair on which a check arrives is taken, and no other; a relayed one
// only when direct ones have had a second, also if it does not look relayed.
func TestEarlyPair(t *testing.T) {
	host := must(ice.NewCandidateHost(&ice.CandidateHostConfig{Network: "udp", Address: "192.0.2.1", Port: 1, Component: 1}))
	relay := must(ice.NewCandidateRelay(&ice.CandidateRelayConfig{Network: "udp", Address: "192.0.2.2", Port: 2, Component: 1}))
	reflexive := must(ice.NewCandidatePeerReflexive(&ice.CandidatePeerReflexiveConfig{Network: "udp", Address: "192.0.2.2", Port: 3, Component: 1}))
	elsewhere := must(ice.NewCandidatePeerReflexive(&ice.CandidatePeerReflexiveConfig{Network: "udp", Address: "192.0.2.3", Port: 3, Component: 1}))
	for name, c := range map[string]struct {
		local, remote ice.Candidate
		waits         bool
	}{
		"direct":                              {host, host, false},
		"the own relay":                       {relay, host, true},
		"the peer's relay":                    {host, relay, true},
		"the peer's relay that looks direct":  {host, reflexive, true},
		"an address that a NAT has made":      {host, elsewhere, false},
		"a relay at both ends":                {relay, relay, true},
		"the own relay, a NAT at the peer's ": {relay, elsewhere, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &Session{report: signaling.ConnectReport{Remote: []signaling.Candidate{{Type: "relay", Address: "192.0.2.2:9"}}}}
			if s.early(nil, c.local, c.remote, nil) {
				t.Errorf("%s: taken before anything was chosen", name)
			}
			s.chooseEarly(true)
			<-time.After(time.Minute) // until the answer has reached the peer
			if took := s.early(nil, c.local, c.remote, nil); took == c.waits {
				t.Errorf("%s: taken at once is %t", name, took)
			}
			<-time.After(relayedAfter)
			if took := s.early(nil, c.local, c.remote, nil); took != c.waits {
				t.Errorf("%s: taken after %v is %t", name, relayedAfter, took)
			}
			if s.early(nil, host, host, nil) {
				t.Errorf("%s: a second pair was taken", name)
			}
		})
	}
}
