package rtc

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/rtc/path"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	// silence is how long nothing may come from the peer of a connected session
	// before its path is taken to be lost. ICE alone sends a check a second
	// each way, and the answers to those.
	silence = 1500 * time.Millisecond

	// pathEvery is how often the path is looked at: a counter is read, and three
	// system calls make sure of the local address.
	pathEvery = 250 * time.Millisecond

	// mended is how long a path may have been away for retransmissions to fill
	// the gap.
	mended = 500 * time.Millisecond
)

// Why a path is lost.
var (
	ErrAddressGone = errors.New("webrtc: the local address of the network path is gone")
	ErrSilence     = errors.New("webrtc: nothing comes over the network path")
)

// Silent is how long nothing of whatever kind has come to the session.
func (s *Session) Silent() time.Duration { return s.net.Silent() }

// LostPath waits until the session's network path is lost, and says why: with
// ErrAddressGone or ErrSilence. It returns nil when ctx or the session ends.
func (s *Session) LostPath(ctx context.Context) error {
	t := time.NewTicker(pathEvery)
	defer t.Stop()
	local := s.localAddress()
	for {
		select {
		case <-t.C:
		case <-s.ctx.Done():
			return nil
		case <-ctx.Done():
			return nil
		}
		if !local.IsValid() {
			local = s.localAddress()
		}
		switch {
		case path.Gone(local):
			return ErrAddressGone
		case s.Silent() > silence:
			return ErrSilence
		}
	}
}

// localAddress is the machine's address that the selected pair uses. Candidates
// that servers told are bound to no address: for them it is the one from which
// the peer is reached.
func (s *Session) localAddress() netip.Addr {
	s.notePair()
	s.mu.Lock()
	pair := s.report.Selected
	s.mu.Unlock()
	if pair == nil {
		return netip.Addr{}
	}
	if pair.Local.Type == "host" {
		local, err := netip.ParseAddrPort(pair.Local.Address)
		if err != nil {
			return netip.Addr{}
		}
		return local.Addr()
	}
	c, err := (&net.Dialer{}).DialContext(s.ctx, "udp", pair.Remote.Address) // which sends nothing
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// RestartICE makes the offer that moves a session to a new network path. Trickle
// is called again once it was sent. It may be called again when an answer does
// not come.
func (s *Session) RestartICE() ([]byte, error) {
	s.hold()
	s.net.Restart()
	if !s.AwaitsAnswer() {
		return s.createOffer(&webrtc.OfferOptions{ICERestart: true})
	}
	// Pion cannot take an offer back, and takes no second one. But the answer is
	// applied to what ICE is at then: so the second offer is sent without being
	// set, and all its candidates follow.
	offer, err := s.pc.CreateOffer(&webrtc.OfferOptions{OfferAnswerOptions: webrtc.OfferAnswerOptions{ICETricklingSupported: true}, ICERestart: true})
	if err != nil {
		return nil, err
	}
	return s.offering(offer.SDP)
}

// SetICEServers replaces the servers for the next restart of ICE: the
// credentials of TURN servers do not last as long as a session. Without any it
// does nothing.
func (s *Session) SetICEServers(servers []signaling.ICEServer) {
	if len(servers) == 0 || s.pc.ICEGatheringState() != webrtc.ICEGatheringStateComplete {
		return // pion reads them while it gathers, without a lock
	}
	err := s.pc.SetConfiguration(webrtc.Configuration{ICEServers: iceServers(servers, s.cfg.ICEPolicy), ICETransportPolicy: transportPolicy(s.cfg.ICEPolicy)})
	if err != nil {
		s.log.Debug("renewing the ICE servers", "err", err)
	}
}

// AwaitsAnswer reports whether an offer of this side is not answered yet.
func (s *Session) AwaitsAnswer() bool {
	return s.pc.SignalingState() == webrtc.SignalingStateHaveLocalOffer
}
