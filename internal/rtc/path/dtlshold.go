package path

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

// early holds back the DTLS packets of addresses that pion does not know yet.
// A peer that takes the first pair on which a check arrives begins its handshake
// at once, and that overtakes the peer's own check, which is what tells its
// address where a NAT or the routing changed it. Pion drops packets from unknown
// addresses, and the handshake would stand still until its retransmission.
//
// It also sends checks to a peer that is there again while they get no response,
// as RFC 8489, 6.2.1 wants it. Pion checks a pair that it uses only to keep it
// alive, so that after a lost check the peer would wait for seconds.
type early struct {
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
func (e *early) sent(b []byte, to netip.AddrPort, again func(b []byte, to netip.AddrPort)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.known = learn(e.known, to)
	if !isCheck(b) || !slices.Contains(e.heard, to) {
		return
	}
	e.answered(to)
	e.checks = append(e.checks, sentCheck{to, slices.Clone(b), time.Now().Add(checkRepeat), 1})
	if e.repeat == nil {
		e.repeat = time.AfterFunc(checkRepeat, func() { e.sendAgain(again) })
	} else if len(e.checks) == 1 {
		e.repeat.Reset(checkRepeat)
	}
}

// sendAgain sends the checks that are due.
func (e *early) sendAgain(send func(b []byte, to netip.AddrPort)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	for i := range e.checks {
		if c := &e.checks[i]; !c.due.After(now) {
			send(c.data, c.to)
			c.due = now.Add(checkRepeat << c.tries)
			c.tries++
		}
	}
	e.checks = slices.DeleteFunc(e.checks, func(c sentCheck) bool { return c.tries >= checkTries })
	if len(e.checks) > 0 {
		next := slices.MinFunc(e.checks, func(a, b sentCheck) int { return a.due.Compare(b.due) })
		e.repeat.Reset(next.due.Sub(now))
	}
}

// answered notes that a response came from an address.
func (e *early) answered(from netip.AddrPort) {
	e.checks = slices.DeleteFunc(e.checks, func(c sentCheck) bool { return c.to == from })
}

func learn(addrs []netip.AddrPort, addr netip.AddrPort) []netip.AddrPort {
	if len(addrs) < maxKnown && !slices.Contains(addrs, addr) {
		return append(addrs, addr)
	}
	return addrs
}

// hold takes note of a packet that has come. It reports whether it is held, and
// so not to be handed on now.
func (e *early) hold(b []byte, from netip.AddrPort) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case isCheck(b):
		e.known, e.heard = learn(e.known, from), learn(e.heard, from)
	case isResponse(b):
		e.answered(from)
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

// forget ends all that.
func (e *early) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.known, e.heard, e.held, e.checks = nil, nil, nil, nil
	if e.repeat != nil {
		e.repeat.Stop()
	}
}

// isDTLS tells the protocols of a peer's packets apart (RFC 7983, 7).
func isDTLS(b []byte) bool { return len(b) > 0 && b[0] >= 20 && b[0] < 64 }

// isCheck reports whether b is a connectivity check: a STUN binding request (RFC 8489, 5).
func isCheck(b []byte) bool { return stun.IsMessage(b) && b[0] == 0 && b[1] == 1 }

// isResponse reports whether b is a success response to a check.
func isResponse(b []byte) bool { return stun.IsMessage(b) && b[0] == 1 && b[1] == 1 }
