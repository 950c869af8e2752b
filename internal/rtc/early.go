package rtc

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/pion/stun/v4"
)

// early holds back the DTLS packets of addresses that pion does not know yet.
// A peer that takes the first pair on which a check arrives begins its handshake
// at once, and that overtakes the peer's own check, which is what tells its
// address where a NAT or the routing changed it. Pion drops packets from unknown
// addresses, and the handshake would stand still until its retransmission.
type early struct {
	mu    sync.Mutex
	known []netip.AddrPort // pion sent there, or a check came from there
	held  []heldPacket
}

type heldPacket struct {
	from netip.AddrPort
	data []byte
}

const (
	maxHeld  = 8  // packets of a socket; a flight of DTLS has at most four
	maxKnown = 64 // addresses of a socket; beyond that nothing is held any more
)

// sent notes that pion sent a packet to an address: it knows it.
func (e *early) sent(to netip.AddrPort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.learn(to)
}

func (e *early) learn(addr netip.AddrPort) {
	if len(e.known) < maxKnown && !slices.Contains(e.known, addr) {
		e.known = append(e.known, addr)
	}
}

// hold takes note of a packet that has come. It reports whether it is held, and
// so not to be handed on now.
func (e *early) hold(b []byte, from netip.AddrPort) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if isCheck(b) {
		e.learn(from)
	}
	if !isDTLS(b) || len(e.known) >= maxKnown || slices.Contains(e.known, from) {
		return false
	}
	if len(e.held) < maxHeld {
		e.held = append(e.held, heldPacket{from, slices.Clone(b)})
	}
	return true
}

// release copies the oldest held packet of an address that is known by now into
// b. It is called when pion reads again, and so has worked off the check.
func (e *early) release(b []byte) (int, netip.AddrPort, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.held, func(p heldPacket) bool { return slices.Contains(e.known, p.from) })
	if i < 0 {
		return 0, netip.AddrPort{}, false
	}
	p := e.held[i]
	e.held = slices.Delete(e.held, i, i+1)
	return copy(b, p.data), p.from, true
}

// forget drops what is held.
func (e *early) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.known, e.held = nil, nil
}

// isDTLS tells the protocols of a peer's packets apart (RFC 7983, 7).
func isDTLS(b []byte) bool { return len(b) > 0 && b[0] >= 20 && b[0] < 64 }

// isCheck reports whether b is a connectivity check: a STUN binding request (RFC 8489, 5).
func isCheck(b []byte) bool { return stun.IsMessage(b) && b[0] == 0 && b[1] == 1 }
