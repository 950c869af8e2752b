// Package faultnet puts a bad network between two ends of a test: a UDP relay
// that delays, drops and holds packets, and lets them through at a limited rate.
package faultnet

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// Link is how bad the network is, in each direction.
type Link struct {
	Delay time.Duration // added to each packet
	Loss  float64       // share of the packets that are dropped, 0 to 1
	Seed  uint64        // of the random drops
	Rate  int           // bits per second; 0 for no limit; see SetRate
	Queue int           // bytes that wait for the rate, what comes beyond is dropped; 0 means 256 KiB
}

// The directions of a relay.
const (
	toTarget = iota
	toClient
)

// Relay forwards packets between its clients and one target over a [Link].
type Relay struct {
	conn   *net.UDPConn
	target netip.AddrPort
	link   Link
	work   sync.WaitGroup
	ways   [2]*bottleneck
	late   chan delayed
	done   chan struct{}

	mu      sync.Mutex
	rand    *rand.Rand
	hold    bool
	clients map[netip.AddrPort]*net.UDPConn
	closed  bool
}

// NewRelay returns a relay to target that lives until the test ends.
func NewRelay(t testing.TB, target netip.AddrPort, link Link) *Relay {
	t.Helper()
	r, err := newRelay(target, link)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

func newRelay(target netip.AddrPort, link Link) (*Relay, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(4 << 20)
	r := &Relay{conn: conn, target: target, link: link, rand: rand.New(rand.NewPCG(link.Seed, 1)),
		clients: map[netip.AddrPort]*net.UDPConn{}, late: make(chan delayed, 16384), done: make(chan struct{})}
	for i := range r.ways {
		r.ways[i] = newBottleneck(link)
		r.work.Go(func() { r.ways[i].run(r.done) })
	}
	r.work.Go(r.forward)
	r.work.Go(r.deliver)
	return r, nil
}

// Addr is where clients send to.
func (r *Relay) Addr() netip.AddrPort { return r.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// Hold makes the network a black hole, or lets packets through again.
func (r *Relay) Hold(hold bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = hold
}

func (r *Relay) close() {
	r.mu.Lock()
	r.closed = true
	close(r.done)
	r.conn.Close()
	for _, c := range r.clients {
		c.Close()
	}
	r.mu.Unlock()
	r.work.Wait()
}

// forward takes the clients' packets.
func (r *Relay) forward() {
	buf := make([]byte, 2000)
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if out := r.client(from); out != nil {
			r.pass(toTarget, buf[:n], func(b []byte) { _, _ = out.Write(b) })
		}
	}
}

// client is the socket that stands for a client at the target.
func (r *Relay) client(from netip.AddrPort) *net.UDPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.clients[from]
	if c != nil || r.closed {
		return c
	}
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(r.target))
	if err != nil {
		return nil
	}
	_ = c.SetReadBuffer(4 << 20)
	r.clients[from] = c
	r.work.Go(func() {
		buf := make([]byte, 2000)
		for {
			n, err := c.Read(buf)
			if err != nil {
				if r.gone() {
					return
				}
				continue // an ICMP error: the target may listen later
			}
			r.pass(toClient, buf[:n], func(b []byte) { _, _ = r.conn.WriteToUDPAddrPort(b, from) })
		}
	})
	return c
}

func (r *Relay) gone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// pass lets a packet through, late or not at all.
func (r *Relay) pass(way int, b []byte, send func([]byte)) {
	r.mu.Lock()
	drop := r.hold || r.rand.Float64() < r.link.Loss
	r.mu.Unlock()
	if drop {
		return
	}
	b = append([]byte(nil), b...)
	if !r.ways[way].put(len(b), func() { r.delay(b, send) }) {
		r.delay(b, send)
	}
}

// delay lets a packet through after the link's delay.
func (r *Relay) delay(b []byte, send func([]byte)) {
	if r.link.Delay == 0 {
		send(b)
		return
	}
	select {
	case r.late <- delayed{time.Now().Add(r.link.Delay), func() { send(b) }}:
	default: // the network's queue is full
	}
}

// delayed is a packet under way.
type delayed struct {
	due  time.Time
	send func()
}

// deliver lets delayed packets through, in order.
func (r *Relay) deliver() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case d := <-r.late:
			if wait := time.Until(d.due); wait > 0 {
				timer.Reset(wait)
				select {
				case <-timer.C:
				case <-r.done:
					return
				}
			}
			d.send()
		case <-r.done:
			return
		}
	}
}

// description is a signaling payload with an SDP.
type description struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

// rewrite passes each candidate line of a description through f, which returns
// an empty line to drop it.
func rewrite(t testing.TB, payload []byte, f func(line string) string) []byte {
	t.Helper()
	var d description
	if err := json.Unmarshal(payload, &d); err != nil {
		t.Fatal(err)
	}
	d.SDP = eachCandidate(d.SDP, f)
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// eachCandidate passes each candidate line of an SDP through f.
func eachCandidate(sdp string, f func(line string) string) string {
	var lines []string
	for line := range strings.SplitSeq(sdp, "\r\n") {
		if strings.HasPrefix(line, "a=candidate:") {
			if line = f(line); line == "" {
				continue
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\r\n")
}

// WithoutCandidates returns the payload of a viewer's offer without candidates,
// so that the camera finds the viewer only through the network of [Through].
func WithoutCandidates(t testing.TB, offer []byte) []byte {
	t.Helper()
	return rewrite(t, offer, func(string) string { return "" })
}

// Through puts the network between a viewer and the camera whose answer it is:
// the only candidate that the returned answer has is a relay to the camera's
// first IPv4 interface. Candidates that the two trickle are to be dropped.
func Through(t testing.TB, answer []byte, link Link) ([]byte, *Relay) {
	t.Helper()
	var relay *Relay
	b := rewrite(t, answer, func(line string) string {
		f := strings.Fields(line)
		if len(f) < 8 || relay != nil || f[2] != "udp" || f[7] != "host" {
			return ""
		}
		addr, err := netip.ParseAddrPort(f[4] + ":" + f[5])
		if err != nil || !addr.Addr().Is4() {
			return ""
		}
		relay = NewRelay(t, addr, link)
		f[4], f[5] = relay.Addr().Addr().String(), fmt.Sprint(relay.Addr().Port())
		return strings.Join(f, " ")
	})
	if relay == nil {
		t.Fatal("the answer has no candidate of an IPv4 interface")
	}
	return b, relay
}
