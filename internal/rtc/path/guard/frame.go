package guard

import (
	"encoding/binary"
	"net/netip"
)

// frame follows the messages of a TURN server through a stream of bytes. It keeps
// only headers and addresses.
type frame struct {
	state state
	head  [headLen]byte // of the message
	part  [headLen]byte // of the attribute or the peer's packet
	have  int           // bytes of what state collects
	skip  int           // bytes to pass over before the next state
	left  int           // bytes of a Data indication's attributes
	size  int           // bytes of the peer's packet or of the address
	whole int           // the same with its padding
	data  bool          // the message is a Data indication
	peer  netip.AddrPort
}

type state uint8

const (
	atMessage   state = iota // the beginning of a message
	atAttribute              // the beginning of an attribute of a Data indication
	atAddress                // its XOR-PEER-ADDRESS
	atChannel                // a peer's packet in ChannelData
	atPacket                 // a peer's packet
)

// collect takes bytes of b until there are n of them in to.
func (f *frame) collect(to, b []byte, n int) (taken int, done bool) {
	taken = copy(to[f.have:n], b)
	f.have += taken
	return taken, f.have == n
}

// step works off some bytes of b, which is not empty, and returns how many.
func (f *frame) step(b []byte, r *Relay) (int, bool) {
	if f.skip > 0 {
		n := min(f.skip, len(b))
		f.skip -= n
		return n, true
	}
	switch f.state {
	case atAttribute:
		return f.attribute(b), true
	case atAddress:
		return f.address(b), true
	case atChannel:
		return f.channel(b), true
	case atPacket:
		return f.packet(b, r), true
	case atMessage:
	}
	return f.message(b, r)
}

// message reads a message's header.
func (f *frame) message(b []byte, r *Relay) (int, bool) {
	first := b[0]
	if f.have > 0 {
		first = f.head[0]
	}
	if isChannel(first) {
		n, done := f.collect(f.head[:], b, 4)
		if done {
			f.data, f.peer = false, r.channel(binary.BigEndian.Uint16(f.head[:]))
			size := int(binary.BigEndian.Uint16(f.head[2:]))
			f.enter(size, padded(size))
		}
		return n, true
	}
	n, done := f.collect(f.head[:], b, headLen)
	if !done {
		return n, true
	}
	if binary.BigEndian.Uint32(f.head[4:]) != magicCookie {
		return n, false
	}
	f.have, f.peer = 0, netip.AddrPort{}
	size := int(binary.BigEndian.Uint16(f.head[2:]))
	if binary.BigEndian.Uint16(f.head[:]) != dataIndication {
		f.skip = size
		return n, true
	}
	f.data, f.left = true, size
	f.next()
	return n, true
}

// next goes on to the next attribute, or to the next message.
func (f *frame) next() {
	f.have = 0
	if f.data && f.left >= 4 {
		f.state = atAttribute
		return
	}
	if f.data {
		f.skip += f.left
	}
	f.state, f.left = atMessage, 0
}

// attribute reads an attribute's header. An address that follows the packet is not
// seen: the packet is then an unknown peer's.
func (f *frame) attribute(b []byte) int {
	n, done := f.collect(f.part[:], b, 4)
	if !done {
		return n
	}
	f.left -= 4
	size := min(int(binary.BigEndian.Uint16(f.part[2:])), f.left)
	whole := min(padded(size), f.left)
	f.left -= whole
	switch attr := binary.BigEndian.Uint16(f.part[:]); {
	case attr == attrData:
		f.enter(size, whole)
	case attr == attrXORPeerAddress && (size == 8 || size == 20) && !f.peer.IsValid():
		f.have, f.size, f.state = 0, size, atAddress
	default:
		f.skip = whole
		f.next()
	}
	return n
}

func (f *frame) address(b []byte) int {
	n, done := f.collect(f.part[:], b, f.size)
	if done {
		f.peer = peerAddress(f.part[:f.size], f.head[4:])
		f.next()
	}
	return n
}

// enter begins a peer's packet. One without a whole header is none of any protocol.
func (f *frame) enter(size, whole int) {
	f.have, f.size, f.whole = 0, size, whole
	switch {
	case !f.data && size >= 4:
		f.state = atChannel
	case size >= headLen:
		f.state = atPacket
	default:
		f.skip = whole
		f.next()
	}
}

// channel reads the first bytes of a peer's packet in ChannelData. Pion takes the
// message for a STUN message if they are the magic cookie, and would read the rest
// of the stream as the peer wants: they are changed.
func (f *frame) channel(b []byte) int {
	n, done := f.collect(f.part[:], b, 4)
	if !done {
		return n
	}
	if binary.BigEndian.Uint32(f.part[:]) == magicCookie {
		b[n-1] ^= 0xff
	}
	if f.state = atPacket; f.size < headLen {
		f.skip = f.whole - 4
		f.next()
	}
	return n
}

// packet reads a peer's packet as far as it is looked at.
func (f *frame) packet(b []byte, r *Relay) int {
	n, done := f.collect(f.part[:], b, headLen)
	if !done {
		return n
	}
	if !r.flow.In(f.part[:], f.peer) {
		b[n-1] ^= 0xff // the transaction ID's or the encrypted part's
	}
	f.skip = f.whole - headLen
	f.next()
	return n
}
