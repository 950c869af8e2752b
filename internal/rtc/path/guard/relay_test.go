package guard

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

// attribute returns a STUN attribute, padded.
func attribute(kind uint16, value []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	return append(b, make([]byte, padded(len(value))-len(value))...)
}

// xorAddress is an XOR-PEER-ADDRESS of a message that stun makes with id 1.
func xorAddress(a netip.AddrPort) []byte {
	key := stun(0, 1)[4:headLen]
	family := byte(1)
	if a.Addr().Is6() {
		family = 2
	}
	b := binary.BigEndian.AppendUint16([]byte{0, family}, a.Port()^uint16(magicCookie>>16))
	for i, c := range a.Addr().AsSlice() {
		b = append(b, c^key[i])
	}
	return attribute(attrXORPeerAddress, b)
}

// indication returns a Send or Data indication.
func indication(kind uint16, peer netip.AddrPort, packet []byte) []byte {
	return stun(kind, 1, attribute(0x8022, []byte("a server")), xorAddress(peer), attribute(attrData, packet))
}

func channelData(number uint16, packet []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, number)
	b = binary.BigEndian.AppendUint16(b, uint16(len(packet)))
	b = append(b, packet...)
	return append(b, make([]byte, padded(len(packet))-len(packet))...)
}

func bind(number uint16, peer netip.AddrPort) []byte {
	return stun(channelBind, 1, attribute(attrChannelNumber, binary.BigEndian.AppendUint16(nil, number)), xorAddress(peer))
}

var sixth = netip.MustParseAddrPort("[2001:db8::7]:4000")

// TestRelayLooksIntoMessages feeds a stream of messages in pieces of each size.
func TestRelayLooksIntoMessages(t *testing.T) {
	friend, stranger := address(1), address(2)
	messages := []struct {
		what   string
		bytes  []byte
		passes bool
	}{
		{"an answer of the server", stun(0x0103, 3, attribute(0x0020, make([]byte, 8))), true},
		{"a friend's RTP in a channel", channelData(0x4000, media(rtp, 1)), true},
		{"a stranger's RTP in a channel", channelData(0x4001, media(rtp, 1)), false},
		{"RTP in a channel that nobody bound", channelData(0x4002, media(rtp, 1)), false},
		{"a friend's RTP of odd length", channelData(0x4000, media(rtp, 1)[:33]), true},
		{"a stranger's DTLS", channelData(0x4001, append([]byte{22}, make([]byte, 50)...)), true},
		{"a short packet", channelData(0x4001, []byte{1, 2, 3, 4, 5}), true},
		{"an empty packet", channelData(0x4001, nil), true},
		{"a packet that looks like a STUN message to pion", channelData(0x4000, append([]byte{0x21, 0x12, 0xa4, 0x42}, make([]byte, 30)...)), false},
		{"a friend's RTCP in an indication", indication(dataIndication, friend, media(rtcp, 1)), true},
		{"an IPv6 friend's RTCP in an indication", indication(dataIndication, sixth, media(rtcp, 1)), true},
		{"a stranger's RTCP in an indication", indication(dataIndication, stranger, media(rtcp, 1)), false},
		{"a stranger's check", indication(dataIndication, stranger, stun(bindingRequest, 5)), true},
		{"RTP before its address", stun(dataIndication, 1, attribute(attrData, media(rtp, 1)), xorAddress(friend)), false},
		{"an indication of nothing", stun(dataIndication, 1), true},
		{"the last one", channelData(0x4000, media(rtcp, 1)), true},
	}
	var all []byte
	for _, m := range messages {
		all = append(all, m.bytes...)
	}
	for size := 1; size <= len(all); size++ {
		g := New(func(err error) { t.Error(err) })
		r := g.Relay()
		r.Out(bind(0x4000, friend))
		r.Out(bind(0x4001, stranger))
		r.Out(channelData(0x4000, stun(bindingSuccess, 1)))
		r.Out(indication(sendIndication, sixth, stun(bindingSuccess, 1)))
		got := slices.Clone(all)
		for piece := range slices.Chunk(got, size) {
			if !r.Stream(piece) {
				t.Fatalf("pieces of %d bytes: the stream is broken", size)
			}
		}
		for _, m := range messages {
			if passes := bytes.Equal(got[:len(m.bytes)], m.bytes); passes != m.passes {
				t.Fatalf("pieces of %d bytes: %s passes: %t", size, m.what, passes)
			}
			got = got[len(m.bytes):]
		}
	}
	g := New(nil)
	r := g.Relay()
	if r.Stream([]byte("SSH-2.0-OpenSSH_9.2p1 Debian")) {
		t.Error("what is not TURN passes")
	}
}

func TestRelayBounds(t *testing.T) {
	var why error
	g := New(func(err error) { why = err })
	r := g.Relay()
	for i := range maxAddresses {
		r.Out(indication(sendIndication, address(i), stun(bindingSuccess, 1)))
	}
	late := indication(dataIndication, address(maxAddresses), stun(bindingRequest, 1))
	if got := slices.Clone(late); !r.Datagram(got) || bytes.Equal(got, late) {
		t.Error("a check of one address too many reaches pion")
	}
	for i := range maxSSRCs {
		if !r.Datagram(indication(dataIndication, address(0), media(rtcp, uint32(i)))) {
			t.Fatalf("SSRC %d is dropped", i)
		}
	}
	if r.Datagram(indication(dataIndication, address(0), media(rtcp, maxSSRCs))) || why == nil || !g.Ended() {
		t.Errorf("one SSRC too many: %v", why)
	}
}

// Checks that go through a relay are paced as direct ones are.
func TestRelayedChecksArePaced(t *testing.T) {
	g := New(nil)
	r := g.Relay()
	sent := 0
	for i := range 500 {
		if r.Out(bind(0x4000+uint16(i), address(i))); i%2 == 0 {
			if r.Out(channelData(0x4000+uint16(i), stun(bindingRequest, 1))) {
				sent++
			}
		} else if r.Out(indication(sendIndication, address(i), stun(bindingRequest, 1))) {
			sent++
		}
	}
	if sent < burst || sent > burst+50 { // some tokens come while the test runs
		t.Errorf("%d of 500 checks go out", sent)
	}
}

func FuzzRelay(f *testing.F) {
	f.Add(channelData(0x4000, media(rtp, 1)), uint8(3))
	f.Add(indication(dataIndication, address(1), media(rtcp, 2)), uint8(7))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		whole, pieces := New(func(error) {}).Relay(), New(func(error) {}).Relay()
		for _, r := range []*Relay{whole, pieces} {
			r.Out(bind(0x4000, address(1)))
			r.Out(channelData(0x4000, stun(bindingSuccess, 1)))
		}
		a, c := slices.Clone(b), slices.Clone(b)
		ok := whole.Stream(a)
		all := true
		for piece := range slices.Chunk(c, 1+int(size)) {
			if all = pieces.Stream(piece); !all {
				break
			}
		}
		if ok != all || ok && !bytes.Equal(a, c) {
			t.Errorf("in one piece %t %x, in many %t %x", ok, a, all, c)
		}
		whole.Out(b)
	})
}
