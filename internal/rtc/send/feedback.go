package send

import (
	"encoding/binary"

	"github.com/pion/rtcp"
)

// Feedback serves a compound RTCP packet (RFC 3550, 6.1) of the peer about the
// stream with the SSRC, or about its retransmissions. It reports whether that is
// one of the sender's.
func (s *Sender) Feedback(ssrc uint32, compound []byte) bool {
	out := s.of(ssrc)
	if out == nil {
		return false
	}
	for len(compound) >= 4 {
		n := 4 * (int(binary.BigEndian.Uint16(compound[2:])) + 1)
		if compound[0]>>6 != 2 || len(compound) < n {
			break
		}
		s.feedback(out, rtcp.PacketType(compound[1]), compound[0]&0x1f, compound[:n])
		compound = compound[n:]
	}
	return true
}

// Sends reports whether the SSRC is one of the sender's.
func (s *Sender) Sends(ssrc uint32) bool { return s.of(ssrc) != nil }

func (s *Sender) of(ssrc uint32) *stream {
	for _, out := range []*stream{&s.picture, &s.sound} {
		if ssrc != 0 && (ssrc == out.SSRC || ssrc == out.Repair) {
			return out
		}
	}
	return nil
}

// feedback serves one RTCP packet of a type and format. What is not used is not
// read: a browser reports on each packet of its path many times a second.
func (s *Sender) feedback(out *stream, kind rtcp.PacketType, format uint8, packet []byte) {
	switch {
	case kind == rtcp.TypeTransportSpecificFeedback && format == rtcp.FormatTLN:
		if out.lost.add(packet) {
			s.wake()
		}
	case kind == rtcp.TypePayloadSpecificFeedback && (format == rtcp.FormatPLI || format == rtcp.FormatFIR):
		if lane := s.lane.Load(); out.video && lane >= 0 {
			s.owner.WantKeyframe(int(lane))
		}
	case kind == rtcp.TypeTransportSpecificFeedback && format == rtcp.FormatTCC:
		s.path.wideFeedback(packet)
	case kind == rtcp.TypePayloadSpecificFeedback && format == rtcp.FormatREMB:
		s.path.remb(packet)
	case kind == rtcp.TypeReceiverReport && out.video:
		s.path.receiverReport(packet, 8, out.SSRC)
	case kind == rtcp.TypeSenderReport && out.video:
		s.path.receiverReport(packet, 28, out.SSRC)
	}
}
