package rtc

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v5/packetio"
)

// Limits of what waits to be read of a received stream, as in pion/srtp.
const (
	maxWaitingRTP  = 1000 * 1000
	maxWaitingRTCP = 100 * 1000
)

// maxForeign is how many SSRCs that are not sent a peer's RTCP may be about in a
// session: pion keeps some 2 kB for each of them as long as the session lasts. The SSRCs that a peer sends under are bounded by the network's guard.
const maxForeign = 256

// maxServed is how many SSRCs of pictures, of sounds and of retransmissions are
// served at a time: one of each is needed, and a second one when the peer replaces
// it. A served stream may hold 3 MB of packets that wait for a lost one, and 4 MB of
// an access unit.
const maxServed = 2

// vacant is how long nothing has to come under an SSRC before another one may
// take its place.
const vacant = 5 * time.Second

// streams are the SSRCs that a peer has used.
type streams struct {
	foreign atomic.Int32 // SSRCs that the peer's RTCP is about and that are not sent
	lost    atomic.Int64 // RTP packets that were not served

	mu     sync.Mutex
	served map[class][]*placed
	queues []queue // of all that is received; as many as the network's guard lets SSRCs be
	closed bool
}

// queue returns a queue, which close closes: pion forgets to close what it begins to
// read while it stops.
func (s *streams) queue(limit int) queue {
	q := queue{packetio.NewBuffer()} // which takes no room while it is empty
	q.SetLimitSize(limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues = append(s.queues, q); s.closed {
		_ = q.Close()
	}
	return q
}

// close ends all reading.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, q := range s.queues {
		_ = q.Close()
	}
}

// class is what an SSRC is used for.
type class int

const (
	pictures class = iota + 1
	sounds
	repairs
)

// classes returns what pion's payload types are used for.
func classes(codecs []negotiable) map[uint8]class {
	m := map[uint8]class{}
	for _, n := range codecs {
		m[n.pt] = sounds
		if n.codec.Video() {
			m[n.pt] = pictures
		}
		if n.rtx != 0 {
			m[n.rtx] = repairs
		}
	}
	return m
}

// place gives an SSRC of a class a place, perhaps that of one under which nothing
// comes any more, and reports whether there was one.
func (s *streams) place(p *placed, c class, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.gone || c == 0 {
		return false
	}
	if s.served == nil {
		s.served = map[class][]*placed{}
	}
	if len(s.served[c]) >= maxServed {
		i := slices.IndexFunc(s.served[c], func(o *placed) bool { return now.Sub(o.last) > vacant })
		if i < 0 {
			return false
		}
		old := s.served[c][i]
		s.served[c] = slices.Delete(s.served[c], i, i+1)
		old.class, old.gone = 0, true
		_ = old.Close() // which ends its reading
	}
	p.class, p.last = c, now
	s.served[c] = append(s.served[c], p)
	return true
}

// unplaced is how many RTP packets came under a payload type of neither description,
// or under more SSRCs than are served.
func (s *streams) unplaced() int { return int(s.lost.Load()) }

// receiver returns the buffer for what pion receives for an SSRC. The peer's RTCP for
// a stream of ours is served at once; everything else waits to be read. A session
// whose peer reports about too many SSRCs ends.
func (s *Session) receiver(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	switch {
	case kind != packetio.RTCPBufferPacket:
		return &placed{queue: s.streams.queue(maxWaitingRTP), session: s}
	case s.sender != nil && s.sender.Sends(ssrc):
		return feedbackWriter{s, ssrc}
	case s.streams.foreign.Add(1) > maxForeign:
		s.end(fmt.Errorf("webrtc: the peer's RTCP is about more than %d SSRCs that are not sent", maxForeign))
		return sink{}
	}
	return s.streams.queue(maxWaitingRTCP)
}

// queue is a packetio.Buffer without attributes.
type queue struct{ *packetio.Buffer }

func (q queue) Read(b []byte) (int, error) {
	n, _, err := q.Buffer.Read(b, nil)
	return n, err
}

func (q queue) Write(b []byte) (int, error) { return q.Buffer.Write(b, nil) }

// placed is a queue of RTP packets. It counts and drops those whose payload type
// nobody agreed on and those of an SSRC without a place, and gives the others the
// payload types under which pion knows their codecs. Only pion's reading goroutine
// calls Write.
type placed struct {
	queue
	session *Session
	class   class // 0 without a place
	gone    bool  // it had one
	last    time.Time
	begun   bool
	highest uint16 // sequence number
}

func (p *placed) Write(b []byte) (int, error) {
	if len(b) < 2 {
		return len(b), nil
	}
	types := p.session.types.Load()
	if types == nil {
		return len(b), nil
	}
	pt, ok := (*types)[b[1]&0x7f]
	now := time.Now()
	if !ok || p.class == 0 && !p.session.streams.place(p, p.session.classes[pt], now) {
		p.session.streams.lost.Add(1)
		return len(b), nil
	}
	p.last = now
	p.session.arrivals.add(now, len(b), p.advance(b), p.class != repairs)
	return p.queue.Write(b)
}

// advance returns how far the sequence number of b is ahead of the highest before it,
// which it may replace.
func (p *placed) advance(b []byte) int {
	if len(b) < 4 {
		return 0
	}
	seq, ahead := binary.BigEndian.Uint16(b[2:]), 1
	if p.begun {
		ahead = int(int16(seq - p.highest))
	}
	if ahead > 0 {
		p.begun, p.highest = true, seq
	}
	return ahead
}

// Read leaves out what came under a payload type that a further offer has taken away
// since: pion ends the reading of a stream over one that it does not know.
func (p *placed) Read(b []byte) (int, error) {
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
