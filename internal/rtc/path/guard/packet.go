package guard

import "encoding/binary"

// kind is what a peer's packet is, as far as its clear header tells.
type kind uint8

const (
	other    kind = iota
	check         // a connectivity check: a STUN binding request
	response      // a success response to one
	rtp
	rtcp
)

// headLen is how many bytes of a packet tell all that a guard looks at: a STUN
// header up to the end of its transaction ID. No SRTP or SRTCP packet is as short.
const headLen = 20

// STUN message types (RFC 8489, 5; RFC 8656, 17) and attributes (RFC 8656, 18).
const (
	bindingRequest = 0x0001
	bindingSuccess = 0x0101
	channelBind    = 0x0009
	sendIndication = 0x0016
	dataIndication = 0x0017

	attrChannelNumber  = 0x000c
	attrXORPeerAddress = 0x0012
	attrData           = 0x0013

	magicCookie = 0x2112A442
)

// kindOf tells the protocols of a peer's packets apart (RFC 7983, 7; RFC 5761, 4).
func kindOf(b []byte) kind {
	switch {
	case len(b) < headLen:
		return other
	case b[0] >= 128 && b[0] <= 191:
		if b[1] >= 192 && b[1] <= 223 {
			return rtcp
		}
		return rtp
	case binary.BigEndian.Uint32(b[4:]) != magicCookie:
		return other
	}
	switch binary.BigEndian.Uint16(b) {
	case bindingRequest:
		return check
	case bindingSuccess:
		return response
	}
	return other
}

// ssrc is that of an RTP packet, or of the sender of an RTCP packet.
func ssrc(k kind, b []byte) uint32 {
	if k == rtcp {
		return binary.BigEndian.Uint32(b[4:])
	}
	return binary.BigEndian.Uint32(b[8:])
}

// transaction is the ID of a STUN message.
type transaction [12]byte

func transactionOf(b []byte) transaction { return transaction(b[8:headLen]) }
