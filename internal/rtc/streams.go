package rtc

import (
	"fmt"
	"io"
	"sync/atomic"

	"github.com/pion/transport/v5/packetio"
)

// Limits of what waits to be read of a received stream, as in pion/srtp.
const (
	maxWaitingRTP  = 1000 * 1000
	maxWaitingRTCP = 100 * 1000
)

// maxStreams is how many SSRCs of each kind a peer may use in a session: pion keeps
// each of them for as long as the session lasts, some 2 kB and, for RTP, a
// goroutine. A peer that talks uses one and sometimes takes another; what comes of
// RTCP about streams that nobody sends counts too.
const maxStreams = 256

// streams are the SSRCs that a peer has used.
type streams struct {
	rtp, rtcp atomic.Int32
	lost      atomic.Int64 // RTP packets of no payload type that was agreed on
}

// unplaced is how many RTP packets came under a payload type of neither description.
func (s *streams) unplaced() int { return int(s.lost.Load()) }

// receiver returns the buffer for what pion receives for an SSRC. The peer's RTCP for
// a stream of ours is served at once; everything else waits to be read. A session
// whose peer uses too many SSRCs ends.
func (s *Session) receiver(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	count := &s.streams.rtcp
	if kind != packetio.RTCPBufferPacket {
		count = &s.streams.rtp
	} else if s.sender != nil && s.sender.Sends(ssrc) {
		return feedbackWriter{s, ssrc}
	}
	if count.Add(1) > maxStreams {
		s.end(fmt.Errorf("rtc: the peer uses more than %d SSRCs", maxStreams))
		return sink{}
	}
	q := queue{packetio.NewBuffer()}
	if kind == packetio.RTCPBufferPacket {
		q.SetLimitSize(maxWaitingRTCP)
		return q
	}
	q.SetLimitSize(maxWaitingRTP)
	return placed{q, s}
}

// queue is a packetio.Buffer without attributes.
type queue struct{ *packetio.Buffer }

func (q queue) Read(b []byte) (int, error) {
	n, _, err := q.Buffer.Read(b, nil)
	return n, err
}

func (q queue) Write(b []byte) (int, error) { return q.Buffer.Write(b, nil) }

// placed is a queue of RTP packets. It counts and drops those whose payload type
// nobody agreed on, and gives the others the ones under which pion knows their
// codecs.
type placed struct {
	queue
	session *Session
}

func (p placed) Write(b []byte) (int, error) {
	if len(b) < 2 {
		return len(b), nil
	}
	types := p.session.types.Load()
	if types == nil {
		return len(b), nil
	}
	if _, ok := (*types)[b[1]&0x7f]; !ok {
		p.session.streams.lost.Add(1)
		return len(b), nil
	}
	return p.queue.Write(b)
}

// Read leaves out what came under a payload type that a further offer has taken away
// since: pion ends the reading of a stream over one that it does not know.
func (p placed) Read(b []byte) (int, error) {
	for {
		n, err := p.queue.Read(b)
		if err != nil || n < 2 {
			return n, err
		}
		if pt, ok := (*p.session.types.Load())[b[1]&0x7f]; ok {
			b[1] = b[1]&0x80 | pt
			return n, nil
		}
	}
}

// feedbackWriter takes the peer's RTCP for one sent stream. Pion's reading goroutine
// calls Write, so it must not block; nothing is left to be read.
type feedbackWriter struct {
	session *Session
	ssrc    uint32
}

func (f feedbackWriter) Write(compound []byte) (int, error) {
	f.session.sender.Feedback(f.ssrc, compound)
	return len(compound), nil
}

func (f feedbackWriter) Read([]byte) (int, error) { return 0, io.EOF }

func (f feedbackWriter) Close() error { return nil }

// sink takes what comes for a session that ends, and keeps nothing.
type sink struct{}

func (sink) Write(b []byte) (int, error) { return len(b), nil }

func (sink) Read([]byte) (int, error) { return 0, io.EOF }

func (sink) Close() error { return nil }
