package guard

import (
	"encoding/binary"
	"net/netip"
	"sync"
)

// Relay is what passes between pion and the peers behind one connection to a TURN
// server. It looks into ChannelData messages and into Send and Data indications
// (RFC 8656, 11 and 12).
type Relay struct {
	flow *Flow
	in   frame // of the one goroutine that reads

	mu       sync.Mutex
	channels map[uint16]netip.AddrPort // that pion asked for
}

// Relay returns the flow of a further connection to a TURN server.
func (g *Guard) Relay() *Relay {
	return &Relay{flow: g.Flow()}
}

// Datagram looks at a datagram of the TURN server as Stream does.
func (r *Relay) Datagram(b []byte) bool {
	r.in = frame{}
	return r.Stream(b)
}

// Stream looks at the next bytes of a TCP connection. It cannot take a packet out
// of them: it changes one byte of a packet that must not reach pion, so that its
// authentication fails. Stream reports false if the bytes are no TURN messages or
// the session has ended: then none of them must reach pion.
func (r *Relay) Stream(b []byte) bool {
	for len(b) > 0 {
		n, ok := r.in.step(b, r)
		if !ok || r.flow.guard.ended.Load() {
			return false
		}
		b = b[n:]
	}
	return !r.flow.guard.ended.Load()
}

// Out reports whether a message of pion, which is whole, may go to the TURN server.
func (r *Relay) Out(b []byte) bool {
	if len(b) < 4 {
		return true
	}
	if isChannel(b[0]) {
		if n := int(binary.BigEndian.Uint16(b[2:])); 4+n <= len(b) {
			return r.flow.Out(b[4:4+n], r.channel(binary.BigEndian.Uint16(b)))
		}
		return true
	}
	kind := binary.BigEndian.Uint16(b)
	if kind != sendIndication && kind != channelBind || len(b) < headLen {
		return true
	}
	var peer netip.AddrPort
	var data []byte
	var number uint16
	for rest := b[headLen:]; len(rest) >= 4; {
		attr, n := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if 4+n > len(rest) {
			break
		}
		switch value := rest[4 : 4+n]; {
		case attr == attrXORPeerAddress:
			peer = peerAddress(value, b[4:headLen])
		case attr == attrData:
			data = value
		case attr == attrChannelNumber && n >= 2:
			number = binary.BigEndian.Uint16(value)
		}
		rest = rest[min(len(rest), 4+padded(n)):]
	}
	if kind == channelBind {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.channels == nil {
			r.channels = map[uint16]netip.AddrPort{}
		}
		if isChannel(byte(number >> 8)) { // so there are 4,096 at most
			r.channels[number] = peer
		}
		return true
	}
	return r.flow.Out(data, peer)
}

// channel is the peer's address of a channel, the zero value if pion did not bind it.
func (r *Relay) channel(number uint16) netip.AddrPort {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.channels[number]
}

// isChannel reports whether a message that begins with a byte is ChannelData.
func isChannel(first byte) bool { return first >= 64 && first <= 79 }

func padded(n int) int { return (n + 3) &^ 3 }

// peerAddress reads the value of an XOR-PEER-ADDRESS attribute (RFC 8489, 14.2);
// key is the message's magic cookie and transaction ID.
func peerAddress(value, key []byte) netip.AddrPort {
	if len(value) != 8 && len(value) != 20 {
		return netip.AddrPort{}
	}
	var b [16]byte
	n := copy(b[:], value[4:])
	for i := range n {
		b[i] ^= key[i]
	}
	ip, _ := netip.AddrFromSlice(b[:n])
	return netip.AddrPortFrom(ip.Unmap(), binary.BigEndian.Uint16(value[2:])^uint16(magicCookie>>16))
}
