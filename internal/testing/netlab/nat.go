//go:build linux

package netlab

import "net/netip"

// NAT is a kind of network address translator, and of the filter that comes
// with it.
type NAT uint8

// The kinds of NAT; the package documentation says what they do.
const (
	Open NAT = iota // neither: the host has a public address
	FullCone
	AddressRestricted
	PortRestricted
	Symmetric
)

// String returns the kind's usual name.
func (n NAT) String() string {
	return [...]string{"open", "full cone", "address-restricted", "port-restricted", "symmetric"}[n]
}

// flow names a mapping: from where, and, with a symmetric NAT, to where.
type flow struct {
	proto    byte
	from, to netip.AddrPort
}

// mapping is an address and port that stands for one behind the NAT.
type mapping struct {
	inside, outside netip.AddrPort
	sent            map[netip.AddrPort]bool // where packets went
}

// nat is the translator and filter of one network.
type nat struct {
	kind   NAT
	public netip.Addr
	next   uint16
	flows  map[flow]*mapping
	ports  map[flow]*mapping // by protocol and the mapping's outside, as from
}

func newNAT(kind NAT, public netip.Addr) *nat {
	return &nat{kind: kind, public: public, next: 40000, flows: map[flow]*mapping{}, ports: map[flow]*mapping{}}
}

// out passes a packet to the internet.
func (n *nat) out(p *packet) {
	if n.kind == Open {
		return
	}
	key := flow{proto: p.proto, from: p.src}
	if n.kind == Symmetric {
		key.to = p.dst
	}
	m := n.flows[key]
	if m == nil {
		m = &mapping{inside: p.src, outside: p.src, sent: map[netip.AddrPort]bool{}}
		if !p.v6() {
			m.outside = n.allocate(p.proto, p.src.Port())
		}
		n.flows[key] = m
		n.ports[flow{proto: p.proto, from: m.outside}] = m
	}
	m.sent[p.dst] = true
	if !p.v6() {
		p.setSrc(m.outside)
		p.seal()
	}
}

// allocate finds a free port, the given one if it may be kept.
func (n *nat) allocate(proto byte, port uint16) netip.AddrPort {
	if n.kind == Symmetric {
		n.next += 7
		port = n.next
	}
	for {
		a := netip.AddrPortFrom(n.public, port)
		if n.ports[flow{proto: proto, from: a}] == nil {
			return a
		}
		n.next++
		port = n.next
	}
}

// in passes a packet from the internet, or reports false.
func (n *nat) in(p *packet) bool {
	if n.kind == Open {
		return true
	}
	m := n.ports[flow{proto: p.proto, from: p.dst}]
	if m == nil || !n.admits(m, p) {
		return false
	}
	if !p.v6() {
		p.setDst(m.inside)
		p.seal()
	}
	return true
}

func (n *nat) admits(m *mapping, p *packet) bool {
	switch {
	case p.v6(), n.kind == PortRestricted, n.kind == Symmetric:
		return m.sent[p.src]
	case n.kind == AddressRestricted:
		for to := range m.sent {
			if to.Addr() == p.src.Addr() {
				return true
			}
		}
		return false
	}
	return true
}
