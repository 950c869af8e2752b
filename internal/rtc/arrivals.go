package rtc

import (
	"sync"
	"time"
)

// arrivalWindow is the time over which arrivals are counted.
const arrivalWindow = time.Second

// maxGap is how many packets in a row count as lost: a sender of this SDK leaves out
// more sequence numbers at once than its peer would ask for again, where nothing is lost.
const maxGap = 1000

// arrivals measures the RTP packets that come. It is safe for concurrent use.
type arrivals struct {
	mu          sync.Mutex
	start       time.Time // of the window
	now, before window
}

// window is what came in one window.
type window struct {
	bytes              int
	expected, received int // packets of media; retransmissions under their own SSRC do not count
}

// roll begins another window if the one that runs is over. a.mu is held.
func (a *arrivals) roll(now time.Time) {
	switch past := now.Sub(a.start); {
	case past < arrivalWindow:
		return
	case past < 2*arrivalWindow:
		a.before, a.start = a.now, a.start.Add(arrivalWindow)
	default:
		a.before, a.start = window{}, now
	}
	a.now = window{}
}

// add counts a packet. ahead is how far its sequence number is ahead of its stream's
// newest before it; media is false for a retransmission under an SSRC of its own.
func (a *arrivals) add(now time.Time, bytes, ahead int, media bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.roll(now)
	a.now.bytes += bytes
	if !media {
		return
	}
	if ahead > maxGap {
		ahead = 1
	}
	a.now.expected += max(ahead, 0)
	a.now.received++
}

// read returns what came in the last whole window.
func (a *arrivals) read(now time.Time) (bitrate int, loss float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.roll(now)
	w := a.before
	if w.expected > w.received { // late packets and copies are received as well (RFC 3550, 6.4.1)
		loss = float64(w.expected-w.received) / float64(w.expected)
	}
	return w.bytes * 8 * int(time.Second/arrivalWindow), loss
}

// Arrival is what a session knows of the network from the peer, from what comes.
type Arrival struct {
	Bitrate int           // bits per second of media that came in the last second
	Loss    float64       // share of the packets lost in it
	RTT     time.Duration // of the last ICE check; 0 until there was one
}

// Arrival returns what is known of the network from the peer.
func (s *Session) Arrival() Arrival {
	var a Arrival
	a.Bitrate, a.Loss = s.arrivals.read(time.Now())
	if s.ctx.Err() != nil {
		return Arrival{}
	}
	if pair, ok := s.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats(); ok {
		a.RTT = time.Duration(pair.CurrentRoundTripTime * float64(time.Second))
	}
	return a
}
