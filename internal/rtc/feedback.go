package rtc

import (
	"encoding/binary"
	"io"
	"slices"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/transport/v5/packetio"
)

// Limits of what waits to be read of a received stream, as in pion/srtp.
const (
	maxWaitingRTP  = 1000 * 1000
	maxWaitingRTCP = 100 * 1000
)

// receiver is where pion puts what comes for an SSRC: the peer's RTCP for an own
// stream is served on the spot, all else waits to be read.
func (s *Session) receiver(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	q := queue{packetio.NewBuffer()}
	if kind != packetio.RTCPBufferPacket {
		q.SetLimitSize(maxWaitingRTP)
		return q
	}
	if out := s.out.of(ssrc); out != nil {
		return feedbackWriter{s, out}
	}
	q.SetLimitSize(maxWaitingRTCP)
	return q
}

// queue is a packetio.Buffer without attributes.
type queue struct{ *packetio.Buffer }

func (q queue) Read(b []byte) (int, error) {
	n, _, err := q.Buffer.Read(b, nil)
	return n, err
}

func (q queue) Write(b []byte) (int, error) { return q.Buffer.Write(b, nil) }

// feedbackWriter takes the peer's RTCP for one sent stream. Pion's reading goroutine
// calls Write, so it must not block; nothing is left to be read.
type feedbackWriter struct {
	session *Session
	out     *sender
}

func (f feedbackWriter) Write(compound []byte) (int, error) {
	f.session.feedbacks(f.out, compound)
	return len(compound), nil
}

func (f feedbackWriter) Read([]byte) (int, error) { return 0, io.EOF }

func (f feedbackWriter) Close() error { return nil }

// feedbacks serves a compound RTCP packet (RFC 3550, 6.1).
func (s *Session) feedbacks(out *sender, compound []byte) {
	for len(compound) >= 4 {
		n := 4 * (int(binary.BigEndian.Uint16(compound[2:])) + 1)
		if compound[0]>>6 != 2 || len(compound) < n {
			return
		}
		s.feedback(out, rtcp.PacketType(compound[1]), compound[0]&0x1f, compound[:n])
		compound = compound[n:]
	}
}

// feedback serves one RTCP packet of a type and format. What is not used is not
// read: a browser reports on each packet of its path many times a second.
func (s *Session) feedback(out *sender, kind rtcp.PacketType, format uint8, packet []byte) {
	switch {
	case kind == rtcp.TypeTransportSpecificFeedback && format == rtcp.FormatTLN:
		if out.lost.add(packet) {
			s.out.wake()
		}
	case kind == rtcp.TypePayloadSpecificFeedback && (format == rtcp.FormatPLI || format == rtcp.FormatFIR):
		if out.codec.Video() {
			s.askKeyframe(int(s.out.lane.Load()))
		}
	case kind == rtcp.TypeTransportSpecificFeedback && format == rtcp.FormatTCC:
		s.out.path.wideFeedback(packet)
	case kind == rtcp.TypePayloadSpecificFeedback && format == rtcp.FormatREMB:
		s.out.path.remb(packet)
	case kind == rtcp.TypeReceiverReport && out.codec.Video():
		s.out.path.receiverReport(packet, 8, out.ssrc)
	case kind == rtcp.TypeSenderReport && out.codec.Video():
		s.out.path.receiverReport(packet, 28, out.ssrc)
	}
}

// lost holds the sequence numbers that the peer misses, until the goroutine that
// sends takes them.
type lost struct {
	mu   sync.Mutex
	seqs []uint16
}

// add takes a NACK (RFC 4585, 6.2.1); false if it says nothing new.
func (l *lost) add(packet []byte) bool {
	if len(packet) < 16 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.seqs)
	for pairs := packet[12:]; len(pairs) >= 4; pairs = pairs[4:] {
		seq, more := binary.BigEndian.Uint16(pairs), binary.BigEndian.Uint16(pairs[2:])
		for bits := uint32(more)<<1 | 1; bits != 0 && len(l.seqs) < resendBurst; bits >>= 1 {
			if bits&1 != 0 && !slices.Contains(l.seqs, seq) {
				l.seqs = append(l.seqs, seq)
			}
			seq++
		}
	}
	return len(l.seqs) > before
}

// some reports whether anything waits.
func (l *lost) some() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seqs) > 0
}

// take appends up to n of what waits to dst.
func (l *lost) take(dst []uint16, n int) []uint16 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = min(n, len(l.seqs))
	dst = append(dst, l.seqs[:n]...)
	l.seqs = slices.Delete(l.seqs, 0, n)
	return dst
}

// forget drops what waits.
func (l *lost) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seqs = l.seqs[:0]
}
