//go:build linux

package netlab

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Network is what stands between a host's interface and the internet. The zero
// value of each field means nothing of the kind.
type Network struct {
	V4, V6   netip.Prefix  // the host's addresses
	More     []netip.Addr  // further public ones, of a server
	NAT      NAT           // of V4, and the filter of V6
	Public   netip.Addr    // the NAT's IPv4 address; needed unless NAT is Open
	NoUDP    bool          // UDP is dropped
	UDPPorts []uint16      // the only ports to which UDP may be sent
	TCPPorts []uint16      // the only ports to which TCP may connect
	DeadV6   bool          // V6 and its route are there, but its packets are dropped
	MTU      int           // largest packet, either way
	Silent   bool          // larger ones are dropped without an ICMP error: a black hole
	Delay    time.Duration // added to each packet, either way
	Rate     int           // bits per second, either way, with a queue of 200 ms
	Loss     float64       // share of the packets that are dropped, 0 to 1, either way
}

// maxQueue is how long a packet may wait for a link of limited rate.
const maxQueue = 200 * time.Millisecond

// link is a host's interface on a network.
type link struct {
	Network
	lab      *Lab
	tun      *os.File
	up, down *shaper
	work     sync.WaitGroup
	held     atomic.Bool

	mu  sync.Mutex
	nat *nat
}

// addresses are where the internet finds the link.
func (l *link) addresses() (as []netip.Addr) {
	switch {
	case l.NAT != Open && l.V4.IsValid():
		as = append(as, l.Public)
	case l.V4.IsValid():
		as = append(as, l.V4.Addr())
	}
	if l.V6.IsValid() {
		as = append(as, l.V6.Addr())
	}
	return append(as, l.More...)
}

// run takes what the host sends until the interface goes.
func (l *link) run() {
	b := make([]byte, 65536)
	for {
		n, err := l.tun.Read(b)
		if err != nil {
			return
		}
		if p, ok := parse(slices.Clone(b[:n])); ok {
			l.send(p)
		}
	}
}

// send passes a packet of the host to the internet.
func (l *link) send(p packet) {
	own := append([]netip.Addr{l.V4.Addr(), l.V6.Addr()}, l.More...)
	if !slices.Contains(own, p.src.Addr()) || l.blocks(&p) {
		return
	}
	to := l.lab.find(p.dst.Addr())
	if to == nil {
		return
	}
	for _, side := range []*link{l, to} {
		if side.MTU == 0 {
			continue
		}
		if side.Silent {
			p.clamp(side.MTU)
		}
		if len(p.b) > side.MTU {
			if !side.Silent {
				_, _ = l.tun.Write(tooBig(&p, side.MTU)) // the host may be gone
			}
			return
		}
	}
	l.mu.Lock()
	l.nat.out(&p)
	l.mu.Unlock()
	l.up.pass(len(p.b), func() { to.down.pass(len(p.b), func() { to.receive(p) }) })
}

// receive passes a packet of the internet to the host.
func (l *link) receive(p packet) {
	if l.held.Load() || p.v6() && l.DeadV6 || p.proto == protoUDP && l.NoUDP {
		return
	}
	l.mu.Lock()
	ok := l.nat.in(&p)
	l.mu.Unlock()
	if ok {
		_, _ = l.tun.Write(p.b) // the host may be gone
	}
}

// blocks reports whether the network's firewall drops a packet of the host.
func (l *link) blocks(p *packet) bool {
	switch {
	case p.v6() && l.DeadV6, l.held.Load():
		return true
	case p.proto == protoUDP:
		return l.NoUDP || l.UDPPorts != nil && !slices.Contains(l.UDPPorts, p.dst.Port())
	}
	return l.TCPPorts != nil && !slices.Contains(l.TCPPorts, p.dst.Port())
}

// shaper is one direction of a link. One that adds nothing passes packets at
// once, in the caller's goroutine.
type shaper struct {
	delay time.Duration
	rate  int
	loss  float64
	late  chan delayed

	mu   sync.Mutex
	free time.Time // when the link has sent all that waits
}

// delayed is a packet under way.
type delayed struct {
	due     time.Time
	deliver func()
}

func newShaper(n Network, done <-chan struct{}, work *sync.WaitGroup) *shaper {
	s := &shaper{delay: n.Delay, rate: n.Rate, loss: n.Loss, late: make(chan delayed, 16384)}
	if s.delay > 0 || s.rate > 0 {
		work.Go(func() { s.run(done) })
	}
	return s
}

func (s *shaper) pass(size int, deliver func()) {
	if s.loss > 0 && rand.Float64() < s.loss {
		return
	}
	if s.delay == 0 && s.rate == 0 {
		deliver()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.free.Before(now) {
		s.free = now
	}
	if s.rate > 0 {
		if s.free.Sub(now) > maxQueue {
			return
		}
		s.free = s.free.Add(time.Duration(size*8) * time.Second / time.Duration(s.rate))
	}
	select {
	case s.late <- delayed{s.free.Add(s.delay), deliver}:
	default: // more than any queue holds
	}
}

func (s *shaper) run(done <-chan struct{}) {
	for {
		select {
		case d := <-s.late:
			select {
			case <-time.After(time.Until(d.due)):
				d.deliver()
			case <-done:
				return
			}
		case <-done:
			return
		}
	}
}
