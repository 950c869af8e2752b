//go:build linux

package netlab

import (
	"encoding/binary"
	"net/netip"
)

// Protocol numbers.
const (
	protoTCP = 6
	protoUDP = 17
)

// packet is an IPv4 or IPv6 packet of UDP or TCP. Its methods change it in place.
type packet struct {
	b        []byte
	proto    byte
	head     int // length of the IP header
	src, dst netip.AddrPort
}

// parse reads a packet; it reports false for fragments and for protocols that
// the router does not carry.
func parse(b []byte) (p packet, ok bool) {
	var src, dst netip.Addr
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		n := int(binary.BigEndian.Uint16(b[2:]))
		p.head, p.proto = int(b[0]&15)*4, b[9]
		if n > len(b) || n < p.head || p.head < 20 || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
			return p, false
		}
		p.b = b[:n]
		src, dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	case len(b) >= 40 && b[0]>>4 == 6:
		n := 40 + int(binary.BigEndian.Uint16(b[4:]))
		p.head, p.proto = 40, b[6]
		if n > len(b) {
			return p, false
		}
		p.b = b[:n]
		src, dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	default:
		return p, false
	}
	if p.proto == protoUDP && len(p.body()) < 8 || p.proto == protoTCP && len(p.body()) < 20 || p.proto != protoUDP && p.proto != protoTCP {
		return p, false
	}
	p.src = netip.AddrPortFrom(src, binary.BigEndian.Uint16(p.body()))
	p.dst = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(p.body()[2:]))
	return p, true
}

func (p *packet) v6() bool     { return p.head == 40 && p.b[0]>>4 == 6 }
func (p *packet) body() []byte { return p.b[p.head:] }

// setSrc and setDst translate an IPv4 packet; seal must follow.
func (p *packet) setSrc(a netip.AddrPort) {
	p.src = a
	copy(p.b[12:16], a.Addr().AsSlice())
	binary.BigEndian.PutUint16(p.body(), a.Port())
}

func (p *packet) setDst(a netip.AddrPort) {
	p.dst = a
	copy(p.b[16:20], a.Addr().AsSlice())
	binary.BigEndian.PutUint16(p.body()[2:], a.Port())
}

// seal makes the checksums right.
func (p *packet) seal() {
	if !p.v6() {
		binary.BigEndian.PutUint16(p.b[10:], 0)
		binary.BigEndian.PutUint16(p.b[10:], checksum(0, p.b[:p.head]))
	}
	at := map[byte]int{protoUDP: 6, protoTCP: 16}[p.proto]
	body := p.body()
	if p.proto == protoUDP && !p.v6() && binary.BigEndian.Uint16(body[at:]) == 0 {
		return // sent without a checksum, which IPv4 allows
	}
	binary.BigEndian.PutUint16(body[at:], 0)
	sum := checksum(pseudo(p.src.Addr(), p.dst.Addr(), p.proto, len(body)), body)
	if sum == 0 && p.proto == protoUDP {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(body[at:], sum)
}

// pseudo is the sum of the pseudo-header (RFC 768, RFC 8200, 8.1).
func pseudo(src, dst netip.Addr, proto byte, n int) uint32 {
	return sum(0, src.AsSlice()) + sum(0, dst.AsSlice()) + uint32(proto) + uint32(n)
}

func sum(s uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

// checksum is the Internet checksum (RFC 1071).
func checksum(s uint32, b []byte) uint16 {
	s = sum(s, b)
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

// tooBig is the ICMP error for a packet larger than mtu: type 3, code 4 (RFC
// 1191), or ICMPv6 type 2 (RFC 8201). It comes from the packet's destination,
// whom its sender knows.
func tooBig(p *packet, mtu int) []byte {
	if p.v6() {
		quote := p.b[:min(len(p.b), 1280-48)]
		b := make([]byte, 48+len(quote))
		b[0], b[6], b[7] = 6<<4, 58, 64
		binary.BigEndian.PutUint16(b[4:], uint16(8+len(quote)))
		copy(b[8:], p.b[24:40])
		copy(b[24:], p.b[8:24])
		b[40] = 2
		binary.BigEndian.PutUint32(b[44:], uint32(mtu))
		copy(b[48:], quote)
		binary.BigEndian.PutUint16(b[42:], checksum(pseudo(p.dst.Addr(), p.src.Addr(), 58, len(b)-40), b[40:]))
		return b
	}
	quote := p.b[:min(len(p.b), p.head+8)]
	b := make([]byte, 28+len(quote))
	b[0], b[8], b[9] = 0x45, 64, 1
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	copy(b[12:], p.b[16:20])
	copy(b[16:], p.b[12:16])
	binary.BigEndian.PutUint16(b[10:], checksum(0, b[:20]))
	b[20], b[21] = 3, 4
	binary.BigEndian.PutUint16(b[26:], uint16(mtu))
	copy(b[28:], quote)
	binary.BigEndian.PutUint16(b[22:], checksum(0, b[20:]))
	return b
}

// clamp lowers the segment size that a TCP SYN announces to what fits mtu.
func (p *packet) clamp(mtu int) {
	tcp := p.body()
	if p.proto != protoTCP || tcp[13]&2 == 0 {
		return
	}
	most := uint16(mtu - p.head - 20)
	options := tcp[20:max(20, min(int(tcp[12]>>4)*4, len(tcp)))]
	for len(options) > 1 && options[0] != 0 {
		if options[0] == 1 {
			options = options[1:]
			continue
		}
		n := int(options[1])
		if n < 2 || n > len(options) {
			return
		}
		if options[0] == 2 && n == 4 && binary.BigEndian.Uint16(options[2:]) > most {
			binary.BigEndian.PutUint16(options[2:], most)
			p.seal()
		}
		options = options[n:]
	}
}
