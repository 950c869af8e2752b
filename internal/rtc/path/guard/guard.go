package guard

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxAddresses is how many addresses of a peer may pass a connectivity check
	// between two restarts of ICE: pion keeps a candidate for each of them, and a
	// pair with each own candidate.
	maxAddresses = 32

	// maxSSRCs is how many SSRCs of RTP, and as many of the senders of RTCP, a
	// peer may use in a session: pion keeps the SRTP state of each.
	maxSSRCs = 256
)

// Guard bounds one session. Its methods may be called concurrently.
type Guard struct {
	overrun func(error)
	ended   atomic.Bool
	pace    pacer

	mu     sync.Mutex
	proved map[netip.AddrPort]struct{} // addresses that pion sent a success response
	rtp    map[uint32]struct{}
	rtcp   map[uint32]struct{}
	flows  int
}

// New returns the guard of a session. It calls overrun once, from a goroutine that
// reads, when the peer exceeds a bound that ends the session; overrun must not
// block.
func New(overrun func(error)) *Guard {
	g := &Guard{overrun: overrun, proved: map[netip.AddrPort]struct{}{}, rtp: map[uint32]struct{}{}, rtcp: map[uint32]struct{}{}}
	g.pace.restart(time.Now())
	return g
}

// Ended reports whether the peer exceeded a bound that ends the session. Nothing
// must reach pion any more.
func (g *Guard) Ended() bool { return g.ended.Load() }

// Restart forgets the peer's addresses, as pion does when ICE restarts, and paces
// the checks again.
func (g *Guard) Restart() {
	g.mu.Lock()
	clear(g.proved)
	g.mu.Unlock()
	g.pace.restart(time.Now())
}

// Settle ends the pacing of checks: the session is connected.
func (g *Guard) Settle() { g.pace.settle() }

// prove notes that pion sent a success response to an address, which it does after
// it has verified the check's password, or that a check was answered from there.
func (g *Guard) prove(to netip.AddrPort) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.proved) < maxAddresses {
		g.proved[to] = struct{}{}
	}
}

// Proved reports whether a check of an address has had pion's success response.
func (g *Guard) Proved(a netip.AddrPort) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.proved[a]
	return ok
}

// admits reports whether a check of an address may reach pion.
func (g *Guard) admits(from netip.AddrPort) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.proved[from]
	return ok || len(g.proved) < maxAddresses
}

// count reports whether a packet of media may reach pion: it is of an address that
// has proved itself, and of no SSRC too many. A packet of any other address neither
// counts nor gets through, so that a stranger's packets cannot end the session.
func (g *Guard) count(k kind, ssrc uint32, from netip.AddrPort) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.proved[from]; !ok {
		return false
	}
	seen := g.rtp
	if k == rtcp {
		seen = g.rtcp
	}
	if _, ok := seen[ssrc]; ok {
		return true
	}
	if len(seen) >= maxSSRCs {
		if g.ended.CompareAndSwap(false, true) {
			g.overrun(fmt.Errorf("webrtc: the peer uses more than %d SSRCs", maxSSRCs))
		}
		return false
	}
	seen[ssrc] = struct{}{}
	return true
}

// Flow is what passes between pion and a peer over one socket.
type Flow struct {
	guard *Guard
	id    int
	last  [2]stream // of RTP and RTCP; of the one goroutine that reads
}

// stream is the newest SSRC that was counted, and where it came from.
type stream struct {
	from netip.AddrPort
	ssrc uint32
	ok   bool
}

// Flow returns the flow of a further socket.
func (g *Guard) Flow() *Flow {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flows++
	return &Flow{guard: g, id: g.flows}
}

// In reports whether a packet of the peer may reach pion. Only one goroutine calls it
// at a time.
func (f *Flow) In(b []byte, from netip.AddrPort) bool {
	if f.guard.ended.Load() {
		return false
	}
	switch k := kindOf(b); k {
	case check:
		return f.guard.admits(from)
	case response:
		if f.guard.pace.answered(pair{f.id, from}, transactionOf(b)) {
			f.guard.prove(from) // an ICE lite peer sends no checks of its own
		}
	case rtp, rtcp:
		last, s := &f.last[k-rtp], stream{from, ssrc(k, b), true}
		if *last == s {
			return true
		}
		if !f.guard.count(k, s.ssrc, from) {
			return false
		}
		*last = s
	case other:
	}
	return true
}

// Out reports whether a packet of pion may go to an address.
func (f *Flow) Out(b []byte, to netip.AddrPort) bool {
	switch kindOf(b) {
	case response:
		f.guard.prove(to)
	case check:
		return f.guard.pace.allow(pair{f.id, to}, transactionOf(b), f.guard.Proved(to), time.Now())
	case other, rtp, rtcp:
	}
	return true
}
