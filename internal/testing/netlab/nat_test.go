//go:build linux

package netlab

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// udp makes a sealed IPv4 packet.
func udp(src, dst string, body string) packet {
	b := make([]byte, 28+len(body))
	b[0], b[8], b[9] = 0x45, 64, protoUDP
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[24:], uint16(8+len(body)))
	binary.BigEndian.PutUint16(b[26:], 1) // some checksum
	copy(b[28:], body)
	p, ok := parse(b)
	if !ok {
		panic("not a packet")
	}
	p.setSrc(netip.MustParseAddrPort(src))
	p.setDst(netip.MustParseAddrPort(dst))
	p.seal()
	return p
}

// sound reports whether the packet's checksums are right.
func sound(p packet) bool {
	return checksum(0, p.b[:p.head]) == 0 &&
		checksum(pseudo(p.src.Addr(), p.dst.Addr(), p.proto, len(p.body())), p.body()) == 0
}

func TestNAT(t *testing.T) {
	const inside = "192.168.1.2:5000"
	for _, c := range []struct {
		kind             NAT
		oneMapping       bool // for all destinations
		anyone, sameHost bool // may send to it
	}{
		{FullCone, true, true, true},
		{AddressRestricted, true, false, true},
		{PortRestricted, true, false, false},
		{Symmetric, false, false, false},
	} {
		t.Run(c.kind.String(), func(t *testing.T) {
			n := newNAT(c.kind, netip.MustParseAddr("203.0.113.1"))
			out := func(dst string) netip.AddrPort {
				p := udp(inside, dst, "odd")
				n.out(&p)
				if !sound(p) {
					t.Errorf("checksum of %x", p.b)
				}
				return p.src
			}
			a, b := out("198.51.100.1:1"), out("198.51.100.2:2")
			if a != out("198.51.100.1:1") || a.Addr() != n.public {
				t.Errorf("mapped to %v", a)
			}
			if (a == b) != c.oneMapping {
				t.Errorf("mapped to %v and %v", a, b)
			}
			for _, in := range []struct {
				src  string
				want bool
			}{
				{"198.51.100.1:1", true},
				{"198.51.100.1:9", c.sameHost},
				{"198.51.100.3:1", c.anyone},
			} {
				p := udp(in.src, a.String(), "hello")
				if got := n.in(&p); got != in.want {
					t.Errorf("packet of %s passes: %v", in.src, got)
				} else if got && (p.dst.String() != inside || !sound(p)) {
					t.Errorf("packet of %s arrives at %v: %x", in.src, p.dst, p.b)
				}
			}
			p := udp("198.51.100.1:1", "203.0.113.1:9", "")
			if n.in(&p) {
				t.Error("a port without a mapping takes a packet")
			}
		})
	}
}

func TestParse(t *testing.T) {
	whole := udp("10.0.0.1:1", "10.0.0.2:2", "hello")
	for n := range whole.b {
		if _, ok := parse(whole.b[:n]); ok {
			t.Errorf("%d bytes of a packet are taken for one", n)
		}
	}
	fragment := udp("10.0.0.1:1", "10.0.0.2:2", "hello")
	fragment.b[6] = 0x20
	if _, ok := parse(fragment.b); ok {
		t.Error("a fragment is taken")
	}
}
