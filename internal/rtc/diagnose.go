package rtc

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/signaling"
)

// Diagnose says why a session is not connected, or no longer, in words that help
// to mend it.
func (s *Session) Diagnose() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	relayed := s.has("relay")
	switch {
	case s.marks["dtls"] && !s.marks["first frame"] && s.pc.ConnectionState() == webrtc.PeerConnectionStateConnected:
		return errors.New("webrtc: connected, but no decodable frame has come")
	case s.marks["dtls"]:
		return fmt.Errorf("webrtc: nothing was heard of the peer for %v", disconnectAfter+failAfter)
	case s.marks["ice"]:
		return errors.New("webrtc: a path was found, but the DTLS handshake over it did not complete")
	case !relayed && s.cfg.ICEPolicy == signaling.ICERelayOnly:
		return errors.New("webrtc: no network path to the peer; only relays are allowed by the ICE policy, and " + s.noRelay())
	case s.marks["offer"] && !s.marks["answer"]:
		return errors.New("webrtc: the peer did not answer: it is offline, or on another channel")
	case len(s.report.Remote) == 0:
		return errors.New("webrtc: no ICE candidate came from the peer: its messages do not arrive, or it left")
	}
	why := []string{"webrtc: no network path to the peer"}
	if s.noUDP() {
		why = append(why, "UDP is blocked at this end (no STUN or TURN server answered over it)")
	}
	switch {
	case s.cfg.ICEPolicy == signaling.ICENoRelay:
		why = append(why, "relays are forbidden by the ICE policy")
	case !relayed:
		why = append(why, s.noRelay())
	}
	if !slices.ContainsFunc(s.report.Remote, func(c signaling.Candidate) bool { return c.Type != "host" }) {
		why = append(why, "the peer has no address outside its own network (UDP is blocked there, or it knows no STUN server)")
	}
	return errors.New(strings.Join(why, "; "))
}

// has reports whether there is an own candidate of that type. s.mu is held.
func (s *Session) has(kind string) bool {
	return slices.ContainsFunc(s.report.Local, func(c signaling.Candidate) bool { return c.Type == kind })
}

// noUDP reports whether servers were asked over UDP for this end's address, in
// vain. s.mu is held.
func (s *Session) noUDP() bool {
	if s.cfg.ICEPolicy == signaling.ICERelayOnly || s.has("srflx") {
		return false
	}
	for _, server := range iceServers(s.cfg.ICEServers, s.cfg.ICEPolicy) {
		for _, u := range server.URLs {
			if strings.HasPrefix(u, "stun:") || strings.HasPrefix(u, "turn:") && !strings.HasSuffix(u, "transport=tcp") {
				return true
			}
		}
	}
	return false
}

// noRelay says why there is no relay. s.mu is held.
func (s *Session) noRelay() string {
	if !slices.ContainsFunc(s.cfg.ICEServers, func(i signaling.ICEServer) bool {
		return slices.ContainsFunc(i.URLs, func(u string) bool { return strings.HasPrefix(u, "turn") })
	}) {
		return "no TURN server is known"
	}
	text := "no TURN server gave a relay (blocked, unreachable, or expired credentials)"
	if s.net == nil {
		return text
	}
	if cause := s.net.Complaints.Worst(); cause != "" {
		text += ": " + cause
	}
	return text
}
