package bwe

import (
	"math"
	"time"
)

// Defaults of [Config], in bits per second.
const (
	DefaultStart = 1_000_000
	DefaultMin   = 50_000
	DefaultMax   = 50_000_000
)

// Floor is the estimate, in bits per second, up to which nothing needs to be
// proved by use.
const Floor = 100_000

const (
	historyLen = 1024 // packets whose reports are awaited, a power of two

	fastTime = 0.04 // seconds; time constants of the delay's short and long average
	slowTime = 0.25

	leastThreshold = 0.025 // seconds of excess delay
	mostThreshold  = 0.6
	thresholdRise  = 0.3 // per second, of the excess above the threshold
	thresholdFall  = 1.0

	worse      = 0.03  // seconds above the threshold that tell of a sudden change
	busyDelay  = 0.010 // seconds of queue from which the path counts as busy
	drainDelay = 0.8   // seconds of queue to be drained by sending least
	leastDrain = 0.2   // share of what the path carries that is sent at least
	deepest    = 0.2   // share of the target that is left at least by what one report tells
	fullShare  = 0.91  // and at most, after the path was full

	slowGrowth  = 0.02 // per second at first, near the rate at which the path was full
	patience    = 3.0  // seconds after which it grows so fast
	probeGrowth = 0.35 // per second, there but with queues that are too short for it
	fastGrowth  = 0.75 // per second, elsewhere

	// modelSpeed is how much faster than the estimate the model's queue drains:
	// at the same rate it would explain any queue at all.
	modelSpeed = 1.15

	baseLife     = 10_000_000 // microseconds
	standingLife = 250_000

	holdAfter    = 400 * time.Millisecond // no growth after a reduction
	forgetAfter  = 30 * time.Second       // a path that was full so long ago may have changed
	silenceAfter = 600 * time.Millisecond // without a report the path is taken to get worse
	silenceEvery = 200 * time.Millisecond
	wideLife     = 3 * time.Second // receiver reports count again so long after the last transport-wide one
	rembLife     = 10 * time.Second

	lossyBurst   = 4 // where many packets get lost without a queue
	leastBurst   = 1.5
	defaultBurst = 16
	// Before the first report a picture goes out fast, what follows it less so,
	// unless the path is known to be a short one.
	blindBytes = 64_000
	blindBurst = 2.5
	blindTrust = 32

	burstDelay = 0.03 // seconds of queue that make bursts smaller

	jump = 10_000_000 // microseconds without arrivals, after which delays are measured anew

	lossLimit = 0.12 // share of lost packets that lowers the estimate; half of it does no harm
)

// Config bounds an [Estimator]. Rates are in bits per second; zero fields have
// the defaults of the constants.
type Config struct {
	Start, Min, Max int

	// Burst is how many times the estimate the pace is at first. Zero means 16.
	Burst float64
}

// Estimator estimates what a path carries. Its methods are not safe for
// concurrent use.
type Estimator struct {
	min, max float64 // bits per second, as all rates below
	target   float64
	full     float64 // what the path carried when it was full, 0 if unknown
	limit    float64 // REMB's
	limited  time.Duration

	history  [historyLen]record
	started  bool
	next     int64   // sequence number after the newest one sent, unwrapped
	reported int64   // after the newest one reported
	backlog  float64 // bytes in the model's queue
	lastSent time.Duration
	awaiting time.Duration // when the first packet after the last report was sent; negative for none
	decayed  time.Duration

	clock    arrivalClock
	arrivals rate
	sending  rate
	base     least
	standing least // delay that has been there all the time of late
	busyFrom int64 // arrival, microseconds; 0 while there is no queue
	last     int64 // newest arrival
	train    train
	excess   filter
	newest   float64 // excess of the newest packet
	queue    filter
	level    float64 // the threshold
	modelled float64 // delays of late, the model's and the measured ones
	measured float64

	wideAt   time.Duration // last transport-wide report; negative for none
	cut      time.Duration // last reduction
	draining bool
	before   float64 // target before that
	grown    time.Duration
	most     float64 // of burst
	unheard  int     // bytes sent before the first report
	burst    float64 // how much faster than the target packets may follow each other
	loss     float64
	lately   float64 // in the last report
	counted  time.Duration
	rtt      time.Duration
	leastRTT time.Duration
}

// record is a packet that was sent.
type record struct {
	at    uint32 // microseconds, wraps
	seq   uint16
	size  uint16
	model uint16 // queueing delay by the model, in 1/10 ms
	state state
}

type state uint8

const (
	unused state = iota
	underWay
	arrived
	missing
)

// filter is an average of a delay over a short and a long time, in seconds.
type filter struct{ fast, slow float64 }

func (f *filter) add(x, dt float64) {
	f.fast += (x - f.fast) * dt / (dt + fastTime)
	f.slow += (x - f.slow) * dt / (dt + slowTime)
}

// New returns an estimator for one path.
func New(c Config) *Estimator {
	if c.Burst <= 0 {
		c.Burst = defaultBurst
	}
	or := func(a, b int) float64 {
		if a > 0 {
			return float64(a)
		}
		return float64(b)
	}
	e := &Estimator{min: or(c.Min, DefaultMin), max: or(c.Max, DefaultMax), level: leastThreshold,
		burst: c.Burst, most: c.Burst, awaiting: -1, wideAt: -1, cut: -holdAfter}
	e.max = max(e.max, e.min)
	e.target = min(max(or(c.Start, DefaultStart), e.min), e.max)
	return e
}

// Sent tells of a packet of size bytes with the transport-wide sequence number seq.
func (e *Estimator) Sent(seq uint16, size int, now time.Duration) {
	if !e.started {
		e.started = true
		e.next = int64(seq)
		e.reported = e.next
		e.lastSent, e.grown = now, now
	}
	e.next += int64(int16(seq-uint16(e.next))) + 1
	if e.awaiting < 0 {
		e.awaiting, e.decayed = now, now
	}
	e.silence(now)
	e.backlog = max(0, e.backlog-modelSpeed*e.target/8*(now-e.lastSent).Seconds()) + float64(size)
	e.lastSent = now
	if e.unheard += size; e.wideAt < 0 && e.unheard > blindBytes && e.burst < blindTrust {
		e.burst = min(e.burst, blindBurst)
	}
	e.sending.add(now.Microseconds(), size)
	e.history[seq%historyLen] = record{at: uint32(now.Microseconds()), seq: seq, size: uint16(min(size, math.MaxUint16)),
		model: uint16(min(e.backlog*8/e.target*1e4, math.MaxUint16)), state: underWay}
}

// silence lowers the estimate while no report comes.
func (e *Estimator) silence(now time.Duration) {
	if e.wideAt < 0 || now-e.awaiting < silenceAfter+2*e.rtt || now-e.decayed < silenceEvery {
		return
	}
	e.decayed, e.cut = now, now
	e.set(0.8 * e.target)
}

// Feedback takes an RTCP packet with transport-wide feedback, header included.
// It reports whether the packet could be read.
func (e *Estimator) Feedback(packet []byte, now time.Duration) bool {
	f, ok := parse(packet)
	if !ok || !e.started {
		return ok
	}
	e.clock.set(f.reference)
	if gone := e.clock.now - e.last; gone > jump || gone < -jump {
		e.restart()
	}
	first := e.reported + int64(int16(f.first-uint16(e.reported)))
	var came, lost, fresh int
	seq := first
	for {
		st, delta, n, more := f.next()
		if !more {
			break
		}
		if st != notReceived {
			e.clock.step(delta)
		}
		for ; n > 0; n, seq = n-1, seq+1 {
			if seq >= e.next || seq < e.next-historyLen {
				continue
			}
			r := &e.history[uint16(seq)%historyLen]
			if r.seq != uint16(seq) {
				continue
			}
			switch {
			case st == notReceived && r.state == underWay:
				r.state = missing
				lost++
			case st != notReceived && (r.state == underWay || r.state == missing):
				if r.state == missing {
					lost-- // it was late, not lost
				}
				r.state = arrived
				came++
				e.arrive(r, now)
			}
			fresh++
		}
	}
	if fresh == 0 {
		return true
	}
	// What earlier reports told that were lost themselves arrived as far as is known.
	for q := max(e.reported, e.next-historyLen); q < min(first, e.next); q++ {
		if r := &e.history[uint16(q)%historyLen]; r.seq == uint16(q) && r.state == underWay {
			r.state = arrived
			e.arrivals.add(e.last, int(r.size))
		}
	}
	e.reported = max(e.reported, min(seq, e.next))
	if came > 0 {
		e.wideAt, e.awaiting = now, -1
		if e.reported < e.next {
			e.awaiting, e.decayed = now, now
		}
	}
	e.countLoss(float64(max(lost, 0)), float64(came), now)
	e.judge(now)
	return true
}

// restart forgets delays, as the receiver's clock or the path is another one.
func (e *Estimator) restart() {
	e.last, e.busyFrom = e.clock.now, 0
	e.base, e.standing, e.arrivals, e.train = least{}, least{}, rate{}, train{}
	e.queue, e.excess, e.draining = filter{}, filter{}, false
	e.modelled, e.measured = 0, 0
}

// arrive looks at a packet that came at the clock's time.
func (e *Estimator) arrive(r *record, now time.Duration) {
	at := e.clock.now
	e.arrivals.add(at, int(r.size))
	e.train.add(at, int(r.size))
	sent := now.Microseconds() - int64(uint32(now.Microseconds())-r.at)
	queue := float64(e.base.add(at, at-sent, baseLife)) / 1e6
	e.standing.add(at, int64(queue*1e6), standingLife)
	model := float64(r.model) / 1e4
	dt := min(max(float64(at-e.last)/1e6, 0.001), 0.1)
	e.last = max(e.last, at)
	e.queue.add(queue, dt)
	e.newest = max(queue-model, float64(e.standing.before)/1e6)
	e.excess.add(e.newest, dt)
	if e.queue.fast < busyDelay {
		e.busyFrom = 0
	} else if e.busyFrom == 0 {
		e.busyFrom = at
	}
	change := thresholdRise
	if e.excess.fast < e.level {
		change = thresholdFall
	}
	e.level += change * (max(e.excess.fast, 0) - e.level) * dt
	e.level = min(max(e.level, leastThreshold), mostThreshold)
	const memory = 0.5 // seconds
	fade := memory / (memory + dt)
	e.modelled = e.modelled*fade + model
	e.measured = e.measured*fade + queue
}

// Pace is the rate in bits per second at which packets may follow each other. It
// begins far above the target, for the first picture to be soon there, and comes
// down to it where that fills the path's queue, and to no more than the target
// while a queue is to drain that loses packets.
func (e *Estimator) Pace() int {
	if e.draining && e.loss > lossLimit/4 {
		return e.Target()
	}
	return int(e.burst * float64(e.Target()))
}

// Report takes what a receiver report says: the share of packets lost since the
// one before, 0 to 1, and the round-trip time, 0 if unknown. While
// transport-wide feedback comes, which says more, only the round trip is used.
func (e *Estimator) Report(loss float64, rtt, now time.Duration) {
	if rtt > 0 {
		e.rtt = rtt
		if e.leastRTT == 0 || rtt < e.leastRTT {
			e.leastRTT = rtt
		}
	}
	if !e.started || !(loss >= 0 && loss <= 1) || e.wideAt >= 0 && now-e.wideAt < wideLife {
		return
	}
	e.wideAt, e.awaiting = -1, -1
	e.loss += (loss - e.loss) / 2
	used := e.sending.recent(e.lastSent.Microseconds())
	queued := e.rtt > 2*e.leastRTT+100*time.Millisecond
	switch {
	case (loss > lossLimit || queued) && now-e.cut > holdAfter:
		e.full, e.cut = used*(1-loss), now
		factor := 1 - loss/2
		if queued {
			factor = min(factor, 0.8)
		}
		e.set(min(e.target, max(used, Floor)) * factor)
	case loss <= lossLimit && !queued:
		e.excess, e.draining = filter{}, false
		e.grow(now)
		return
	}
	e.grown = now
}

// Limit takes the receiver's own estimate in bits per second (REMB), which holds
// for ten seconds.
func (e *Estimator) Limit(bitrate int, now time.Duration) {
	e.limit, e.limited = float64(max(bitrate, 0)), now
}

// Target is what the path was shown to carry, in bits per second: the rate for
// an encoder and for pacing. It stays while less is sent.
func (e *Estimator) Target() int {
	t := e.target
	if e.limit > 0 && e.lastSent-e.limited < rembLife {
		t = max(min(t, e.limit), e.min)
	}
	return int(t)
}

// Bitrate is the estimate in bits per second: Target, but no more than 1.5 times
// what arrived in the last seconds plus [Floor].
func (e *Estimator) Bitrate() int {
	return min(e.Target(), max(int(e.bound()), int(e.min)))
}

// Constrained reports whether the path has been found full, or worse, since it
// last grew beyond that; otherwise the estimate is only what was tried so far.
func (e *Estimator) Constrained() bool {
	return e.full > 0 || e.draining || e.limit > 0 && e.lastSent-e.limited < rembLife
}

// Queue is how long packets wait in the path's queue at present.
func (e *Estimator) Queue() time.Duration {
	return time.Duration(e.queue.fast * float64(time.Second))
}

// Loss is the share of packets lost of late, 0 to 1.
func (e *Estimator) Loss() float64 { return e.loss }

// RTT is the round-trip time of the last receiver report that told it, 0 for none.
func (e *Estimator) RTT() time.Duration { return e.rtt }

// LeastRTT is the shortest round-trip time so far, 0 if none is known.
func (e *Estimator) LeastRTT() time.Duration { return e.leastRTT }
