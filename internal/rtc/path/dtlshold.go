package path

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

// dtlsHold holds back the DTLS packets of addresses that pion does not know yet.
// A peer that takes the first pair on which a check arrives begins its handshake
// at once, and that overtakes the peer's own check, which is what tells its
// address where a NAT or the routing changed it. Pion drops packets from unknown
// addresses, and the handshake would stand still until its retransmission.
//
// It also sends checks to a peer that is there again while they get no response,
// as RFC 8489, 6.2.1 wants it. Pion checks a pair that it uses only to keep it
// alive, so that after a lost check the peer would wait for seconds.
type dtlsHold struct {
	mu     sync.Mutex
	known  []netip.AddrPort // pion sent there, or a check came from there
	heard  []netip.AddrPort // a check came from there
	held   []heldPacket
	checks []sentCheck // without a response, the newest of each address
	repeat *time.Timer
}

// sentCheck is a check that may have to be sent again.
type sentCheck struct {
	to    netip.AddrPort
	data  []byte
	due   time.Time
	tries int
}

type heldPacket struct {
	from netip.AddrPort
	data []byte
}

const (
	maxHeld  = 8  // packets of a socket; a flight of DTLS has at most four
	maxKnown = 64 // addresses of a socket; beyond that nothing is held any more

	// A check is sent again checkRepeat later, and up to checkTries times in
	// all, at intervals that double.
	checkRepeat = 100 * time.Millisecond
	checkTries  = 5
)

// sent notes that pion sent a packet to an address: it knows it. Checks that are
// due again are handed to again, until forget.
func (h *dtlsHold) sent(b []byte, to netip.AddrPort, again func(b []byte, to netip.AddrPort)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known = learn(h.known, to)
	if !isCheck(b) || !slices.Contains(h.heard, to) {
		return
	}
	h.answered(to)
	h.checks = append(h.checks, sentCheck{to, slices.Clone(b), time.Now().Add(checkRepeat), 1})
	if h.repeat == nil {
		h.repeat = time.AfterFunc(checkRepeat, func() { h.sendAgain(again) })
	} else if len(h.checks) == 1 {
		h.repeat.Reset(checkRepeat)
	}
}

// sendAgain sends the checks that are due.
func (h *dtlsHold) sendAgain(send func(b []byte, to netip.AddrPort)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for i := range h.checks {
		if c := &h.checks[i]; !c.due.After(now) {
			send(c.data, c.to)
			c.due = now.Add(checkRepeat << c.tries)
			c.tries++
		}
	}
	h.checks = slices.DeleteFunc(h.checks, func(c sentCheck) bool { return c.tries >= checkTries })
	if len(h.checks) > 0 {
		next := slices.MinFunc(h.checks, func(a, b sentCheck) int { return a.due.Compare(b.due) })
		h.repeat.Reset(next.due.Sub(now))
	}
}

// answered notes that a response came from an address.
func (h *dtlsHold) answered(from netip.AddrPort) {
	h.checks = slices.DeleteFunc(h.checks, func(c sentCheck) bool { return c.to == from })
}

func learn(addrs []netip.AddrPort, addr netip.AddrPort) []netip.AddrPort {
	if len(addrs) < maxKnown && !slices.Contains(addrs, addr) {
		return append(addrs, addr)
	}
	return addrs
}

// hold takes note of a packet that has come. It reports whether it is held, and
// so not to be handed on now.
func (h *dtlsHold) hold(b []byte, from netip.AddrPort) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case isCheck(b):
		h.known, h.heard = learn(h.known, from), learn(h.heard, from)
	case isResponse(b):
		h.answered(from)
	}
	if !isDTLS(b) || len(h.known) >= maxKnown || slices.Contains(h.known, from) {
		return false
	}
	if len(h.held) < maxHeld {
		h.held = append(h.held, heldPacket{from, slices.Clone(b)})
	}
	return true
}

// release copies the oldest held packet of an address that is known by now into
// b. It is called when pion reads again, and so has worked off the check.
func (h *dtlsHold) release(b []byte) (int, netip.AddrPort, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.held, func(p heldPacket) bool { return slices.Contains(h.known, p.from) })
	if i < 0 {
		return 0, netip.AddrPort{}, false
	}
	p := h.held[i]
	h.held = slices.Delete(h.held, i, i+1)
	return copy(b, p.data), p.from, true
}

// forget ends all that.
func (h *dtlsHold) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known, h.heard, h.held, h.checks = nil, nil, nil, nil
	if h.repeat != nil {
		h.repeat.Stop()
	}
}

// isDTLS tells the protocols of a peer's packets apart (RFC 7983, 7).
func isDTLS(b []byte) bool { return len(b) > 0 && b[0] >= 20 && b[0] < 64 }

// isCheck reports whether b is a connectivity check: a STUN binding request (RFC 8489, 5).
func isCheck(b []byte) bool { return stun.IsMessage(b) && b[0] == 0 && b[1] == 1 }

// isResponse reports whether b is a success response to a check.
func isResponse(b []byte) bool { return stun.IsMessage(b) && b[0] == 1 && b[1] == 1 }
