package send

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bwe"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
)

// maxBurst is how many packets go to the link at once.
const maxBurst = 16

const (
	// overhead is the size in bytes of what surrounds a payload on the network: RTP
	// header with transport sequence number, SRTP tag, UDP and IPv4 headers.
	overhead = 64

	// nearby is the round-trip time of a path that is taken to be a local
	// network, where a first picture need not be spread over time.
	nearby      = 3 * time.Millisecond
	nearbyBurst = 64

	// firstWindow is how many bytes of a session are sent without pace, as TCP
	// begins (RFC 6928, 2): the better part of a first picture.
	firstWindow = 14_600
)

// Path describes the network path to the peer.
type Path struct {
	Bitrate     int           // send rate in bit/s that the last seconds prove the path to carry
	Target      int           // send rate in bit/s that the path has sustained; it does not fall when less is sent
	Constrained bool          // the path has been found full, or the peer set a limit: more than Target is too much
	Limited     bool          // Target is what the peer asked not to be exceeded
	Loss        float64       // share of packets lost in the last second or so, 0 to 1
	RTT         time.Duration // 0 if unknown
	Queue       time.Duration // how long packets wait on the way
	Late        time.Duration // how far the picture that is being sent is behind the newest one
}

// path estimates what the way to the peer carries, and paces what is sent on it.
type path struct {
	mu        sync.Mutex
	started   time.Time
	estimator *bwe.Estimator // nil before start
	pacer     bwe.Pacer
	sentBytes int64
	reports   [4]sentReport // the newest sender reports, whose echo tells the round trip
	reported  int
	most      int // bit/s that the peer asked not to be exceeded; 0 for no limit
	late      time.Duration
}

type sentReport struct {
	ntp uint32 // the middle bits of its NTP time
	at  time.Duration
}

// start begins a new estimate, from bitrate in bit/s (0 if nothing is known) and the
// round trip measured so far. The estimate of an earlier path is dropped.
func (p *path) start(bitrate int, rtt time.Duration) {
	c := bwe.Config{Start: max(bitrate, bwe.DefaultStart)}
	if rtt > 0 && rtt < nearby {
		c.Burst = nearbyBurst
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started, p.estimator, p.pacer, p.reported = time.Now(), bwe.New(c), bwe.Pacer{}, 0
}

func (p *path) now() time.Duration { return time.Since(p.started) }

// sent notes that a packet with a payload of size bytes was sent.
func (p *path) sent(seq uint16, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.estimator.Sent(seq, size+overhead, now)
	if p.sentBytes >= firstWindow || p.most > 0 {
		p.pacer.Spend(size+overhead, now)
	}
	p.sentBytes += int64(size + overhead)
}

// room returns how many packets may be sent now, or how long to wait.
func (p *path) room() (packets int, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	pace := p.estimator.Pace()
	if p.most > 0 {
		pace = min(pace, p.most)
	}
	p.pacer.SetRate(pace, now)
	if wait = p.pacer.Wait(now); wait > 0 {
		return 0, wait
	}
	return min(max(p.pacer.Room(now)/(packet.MaxPayload+overhead), 1), maxBurst), 0
}

func (p *path) state() Path {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.estimator
	if e == nil {
		return Path{}
	}
	at := Path{Bitrate: e.Bitrate(), Target: e.Target(), Constrained: e.Constrained(), Loss: e.Loss(), RTT: e.RTT(), Queue: e.Queue(), Late: p.late}
	if p.most > 0 && at.Target >= p.most {
		at.Bitrate, at.Target, at.Constrained, at.Limited = min(at.Bitrate, p.most), p.most, true, true
	}
	return at
}

// limit sets the most, in bit/s, that is sent; 0 for no limit.
func (p *path) limit(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = most
}

// setLate notes how far the picture that is being sent is behind.
func (p *path) setLate(late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = late
}

// way returns the shortest time after which a NACK for a packet can arrive.
func (p *path) way() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.estimator == nil {
		return 0
	}
	return (p.estimator.LeastRTT() + p.estimator.Queue()) * 3 / 4
}

// total is how many bytes were sent.
func (p *path) total() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sentBytes
}

// wideFeedback takes transport-wide feedback.
func (p *path) wideFeedback(packet []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.estimator != nil {
		p.estimator.Feedback(packet, p.now())
	}
}

// senderReported remembers a sender report of a moment ago.
func (p *path) senderReported(ntp uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reports[p.reported%len(p.reports)] = sentReport{uint32(ntp >> 16), p.now()}
	p.reported++
}

// receiverReport takes the report blocks about ssrc of a receiver or sender report
// (RFC 3550, 6.4), which begin at the offset first.
func (p *path) receiverReport(packet []byte, first int, ssrc uint32) {
	for n := int(packet[0] & 0x1f); n > 0 && len(packet) >= first+24; n-- {
		b := packet[first : first+24]
		first += 24
		if binary.BigEndian.Uint32(b) != ssrc {
			continue
		}
		p.received(float64(b[4])/256, binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:]))
	}
}

// received takes what a report block says: the share of packets lost, the newest
// sender report that had come, and how long before, in 1/65536 s.
func (p *path) received(loss float64, echo, held uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.estimator == nil {
		return
	}
	now := p.now()
	var rtt time.Duration
	for _, r := range p.reports[:min(p.reported, len(p.reports))] {
		if r.ntp == echo && echo != 0 {
			rtt = max(now-r.at-time.Duration(held)*time.Second>>16, 0)
		}
	}
	p.estimator.Report(loss, rtt, now)
}

// remb takes a receiver's own estimate (draft-alvestrand-rmcat-remb-03, 2.2).
func (p *path) remb(packet []byte) {
	if len(packet) < 20 || string(packet[12:16]) != "REMB" {
		return
	}
	mantissa := int64(packet[17]&3)<<16 | int64(packet[18])<<8 | int64(packet[19])
	rate := int64(bwe.DefaultMax)
	if exp := packet[17] >> 2; exp < 32 {
		rate = min(rate, mantissa<<exp)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.estimator != nil {
		p.estimator.Limit(int(rate), p.now())
	}
}
