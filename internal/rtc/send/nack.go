package send

import (
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
)

const (
	// resendGap is the shortest time between two retransmissions of a packet, in
	// milliseconds.
	resendGap = 8

	// resendBurst is how many retransmissions may come at once. Beyond it there
	// is one for each packet sent, so that a peer that asks for everything all
	// the time at most doubles what it costs.
	resendBurst = 256

	// repeatLast is how many packets are repeated to fill a stream.
	repeatLast = 32
)

// lost holds the sequence numbers that the peer misses, until Run takes them.
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

// resend sends again what the peer misses of a stream, as far as the pace allows,
// and otherwise says how long to wait.
func (s *Sender) resend(out *stream) (wait time.Duration) {
	for out.lost.some() {
		n, wait := s.path.room()
		if n == 0 {
			return wait
		}
		s.seqs = out.lost.take(s.seqs[:0], n)
		now, way := time.Now(), s.path.way()
		var err error
		s.link.Begin()
		for _, seq := range s.seqs {
			if err = out.resend(seq, s.source.Ring, now, way); err != nil {
				break
			}
		}
		_ = s.flush(err) // an end is noticed with the next frame
	}
	return 0
}

// remember keeps the header of the packet at hand.
func (s *stream) remember(h sentHeader) {
	if s.headers == nil {
		s.headers = make([]sentHeader, historyLen)
	}
	s.headers[s.seq%historyLen] = h
}

// remembered returns a packet that was sent and its unit, if they are still there.
func (s *stream) remembered(seq uint16, units *ring.Ring[*packet.Unit]) (*sentPacket, ring.Item[*packet.Unit], bool) {
	p := &s.history[seq%historyLen]
	if !p.sent || s.seq-1-seq >= historyLen {
		return nil, ring.Item[*packet.Unit]{}, false
	}
	it, ok := units.Get(s.unit.Seq + uint64(int32(p.unit-uint32(s.unit.Seq)))) // near the newest one
	return p, it, ok
}

// resend sends a lost packet again, as RTX (RFC 4588) where the peer takes it, but
// not before word of its loss can have come: way is how long that takes.
func (s *stream) resend(seq uint16, units *ring.Ring[*packet.Unit], now time.Time, way time.Duration) error {
	if s.history == nil || s.resends == 0 || !s.format.On {
		return nil
	}
	p, it, ok := s.remembered(seq, units)
	gap := uint32(way / time.Millisecond)
	if ok && p.again {
		gap += resendGap
	}
	if !ok || s.millis(now)-p.at < gap {
		return nil // if it is evicted, the viewer will ask for a key frame
	}
	p.at, p.again = s.millis(now), true
	s.resends--
	if s.format.RTX == 0 {
		parts := it.Value.Payloads()
		s.payload = parts[p.part].Append(s.payload, it.Value.Frame.Data)
		h := s.headers[seq%historyLen]
		return s.put(seq, s.format.PT, s.SSRC, h.stamp, h.wide, s.marker(int(p.part), parts), s.payload)
	}
	_, err := s.sendRTX(seq, p, it)
	return err
}

// sendRTX sends a packet again in the stream for that; the payload is the packet's
// sequence number and payload. It returns the payload's size.
func (s *stream) sendRTX(seq uint16, p *sentPacket, it ring.Item[*packet.Unit]) (int, error) {
	parts := it.Value.Payloads()
	rtx := append(s.payload[:0], byte(seq>>8), byte(seq))
	rtx = rtx[:2+len(parts[p.part].Append(rtx[2:], it.Value.Frame.Data))]
	s.rtxSeq++
	return len(rtx), s.send(s.rtxSeq, s.format.RTX, s.Repair, s.stampOf(it), s.marker(int(p.part), parts), rtx)
}

// repeat sends one of the last packets once more, which the peer does not need.
// It returns its size, 0 if there is none.
func (s *stream) repeat(units *ring.Ring[*packet.Unit]) (int, error) {
	if s.history == nil || s.format.RTX == 0 || s.packets == 0 {
		return 0, nil
	}
	s.repeated++
	seq := s.seq - 1 - uint16(s.repeated%min(repeatLast, s.packets))
	p, it, ok := s.remembered(seq, units)
	if !ok {
		return 0, nil
	}
	return s.sendRTX(seq, p, it)
}
