package rtc

import (
	"net"
	"slices"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/signaling"
)

// relayedAfter is how long early waits for a direct pair, from the peer's first
// check on: signaling may take its time before that.
const relayedAfter = time.Second

// early takes the first direct pair on which a check of the peer arrives, which
// saves the round trips until a pair is nominated; a pair that is nominated
// later replaces it. The side that nominates does so only if the peer is known
// to choose early as well: it will not nominate any more. A relayed pair is
// taken once direct ones have had their time: should the other side have taken
// it already, nothing else will come.
func (s *Session) early(_ *stun.Message, local, remote ice.Candidate, _ *ice.CandidatePair) bool {
	s.mu.Lock()
	relayed := local.Type() == ice.CandidateTypeRelay || remote.Type() == ice.CandidateTypeRelay ||
		remote.Type() == ice.CandidateTypePeerReflexive && s.relays(remote.Address())
	if s.checked.IsZero() {
		s.checked = time.Now()
	}
	wait := relayed && time.Since(s.checked) < relayedAfter
	s.mu.Unlock()
	return !wait && s.eager.CompareAndSwap(true, false)
}

// relays reports whether an address is known to be a TURN server's: the peer's
// relay is seen before its candidate has come, and looks direct. s.mu is held.
func (s *Session) relays(address string) bool {
	of := func(c signaling.Candidate) bool {
		host, _, _ := net.SplitHostPort(c.Address)
		return c.Type == "relay" && host == address
	}
	return slices.ContainsFunc(s.report.Local, of) || slices.ContainsFunc(s.report.Remote, of)
}

// chooseEarly lets early choose a pair from now on, or not.
func (s *Session) chooseEarly(on bool) {
	s.mu.Lock()
	s.checked = time.Time{}
	s.mu.Unlock()
	s.eager.Store(on)
}

func (s *Session) iceState(state webrtc.ICEConnectionState) {
	if state == webrtc.ICEConnectionStateConnected {
		s.mark("ice")
		s.spawn(s.notePair) // not here: it waits for a close, which waits for this
	}
}

func (s *Session) state(state webrtc.PeerConnectionState) {
	s.log.Debug("session state", "state", state.String())
	switch state {
	case webrtc.PeerConnectionStateConnected:
		s.net.Settle()
		s.mark("dtls")
		s.notePair()
		s.connectedOnce.Do(func() { close(s.connected) })
		s.mu.Lock()
		if !s.restarted.IsZero() && time.Since(s.restarted) > mended {
			s.sender.Restored()
		}
		s.restarted = time.Time{}
		s.mu.Unlock()
		s.tell(Connected{})
	case webrtc.PeerConnectionStateFailed:
		s.end(s.Diagnose())
	case webrtc.PeerConnectionStateClosed:
		s.end(ErrPeerLeft)
	}
}
