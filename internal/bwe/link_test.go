package bwe

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
)

// link is a network path in virtual time: a queue that drains at a rate, in front
// of a delay.
type link struct {
	rate   func(at time.Duration) float64       // bits per second
	cross  func(at time.Duration) float64       // of it taken by others, through the same queue
	queue  int                                  // bytes
	delay  time.Duration                        // each way
	jitter time.Duration                        // added to each packet, up to so much; keeps the order
	loss   float64                              // at random
	report time.Duration                        // time between reports; 0 means 50 ms
	extra  func(at time.Duration) time.Duration // the queue that others keep full; nil for none
	dead   func(at time.Duration) bool          // nothing passes; nil for never
	noNews float64                              // share of the reports that are lost
}

// source is the encoder in front of the path.
type source struct {
	fps     int
	gop     int                            // frames
	keySize float64                        // of a key frame, in other frames
	most    func(at time.Duration) float64 // bits per second it makes at most; nil for no limit
	unpaced bool
	start   uint16 // first sequence number
}

// sample is the state of a run at one moment.
type sample struct {
	at              time.Duration
	target, bitrate int
	sent            float64 // bits per second in the last second
	packets, lost   int     // so far
}

// run is what came of a simulation.
type run struct {
	samples []sample
	delays  []time.Duration // of whole frames, from encoder to receiver
	lost    int             // packets
	sent    int
}

const step = 250 * time.Microsecond

// packetUnderWay is a packet behind the queue.
type packetUnderWay struct {
	arrives time.Duration
	seq     uint16
	frame   int
	size    int
}

// simulate runs an encoder that follows the estimate over a path.
func simulate(e *Estimator, l link, src source, length time.Duration) run {
	const mtu = 1200
	if l.report == 0 {
		l.report = 50 * time.Millisecond
	}
	random := rand.New(rand.NewPCG(1, 2))
	recorder := twcc.NewRecorder(7)
	var out run
	type frame struct {
		made, done time.Duration
		parts      int
	}
	type waiting struct{ frame, size int }
	type news struct {
		at     time.Duration
		packet []byte
	}
	var (
		frames  []frame
		paced   []waiting
		queued  []packetUnderWay
		bytes   int // in queue
		credit  float64
		flying  []packetUnderWay
		reports []news
		pacer   Pacer
		seq     = src.start
		last    time.Duration
		sent    rate
		got     = map[int]int{}
	)
	period := time.Second / time.Duration(src.fps)
	for now := time.Duration(0); now < length; now += step {
		if now%period < step { // a frame
			n := len(frames)
			rate := float64(e.Target())
			if src.most != nil {
				rate = min(rate, src.most(now))
			}
			unit := rate / 8 * float64(src.gop) / float64(src.fps) / (float64(src.gop-1) + src.keySize)
			if n%src.gop == 0 {
				unit *= src.keySize
			}
			size := max(int(unit*(0.8+0.4*random.Float64())), 100)
			f := frame{made: now, done: -1}
			for rest := size; rest > 0; rest -= mtu {
				paced = append(paced, waiting{n, min(rest, mtu)})
				f.parts++
			}
			frames = append(frames, f)
		}
		if src.unpaced {
			pacer.SetRate(0, now)
		} else {
			pacer.SetRate(e.Pace(), now)
		}
		for len(paced) > 0 && pacer.Wait(now) == 0 {
			w := paced[0]
			paced = paced[1:]
			pacer.Spend(w.size, now)
			seq++
			e.Sent(seq, w.size, now)
			sent.add(now.Microseconds(), w.size)
			out.sent++
			if bytes+w.size > l.queue {
				out.lost++
				continue
			}
			bytes += w.size
			queued = append(queued, packetUnderWay{seq: seq, frame: w.frame, size: w.size})
		}
		if l.cross != nil { // others' packets
			n := int(l.cross(now) / 8 * step.Seconds())
			if n > 0 && bytes+n <= l.queue {
				bytes += n
				if k := len(queued); k > 0 && queued[k-1].frame < 0 {
					queued[k-1].size += n
				} else {
					queued = append(queued, packetUnderWay{frame: -1, size: n})
				}
			}
		}
		credit += l.rate(now) / 8 * step.Seconds()
		for len(queued) > 0 && credit >= float64(queued[0].size) {
			p := queued[0]
			queued = queued[1:]
			credit -= float64(p.size)
			bytes -= p.size
			if p.frame < 0 || l.dead != nil && l.dead(now) || random.Float64() < l.loss {
				if p.frame >= 0 {
					out.lost++
				}
				continue
			}
			if l.extra != nil {
				last = max(last, now+l.delay+l.extra(now))
			}
			last = max(last, now+l.delay+time.Duration(random.Float64()*float64(l.jitter)))
			p.arrives = last
			flying = append(flying, p)
		}
		if len(queued) == 0 {
			credit = min(credit, 0)
		}
		for len(flying) > 0 && flying[0].arrives <= now {
			p := flying[0]
			flying = flying[1:]
			recorder.Record(7, p.seq, p.arrives.Microseconds())
			got[p.frame]++
			if f := &frames[p.frame]; got[p.frame] == f.parts {
				f.done = now
			}
		}
		if now%l.report < step {
			for _, p := range recorder.BuildFeedbackPacket() {
				b, err := p.Marshal()
				if err != nil {
					panic(err)
				}
				if random.Float64() >= l.noNews {
					reports = append(reports, news{now + l.delay, b})
				}
			}
		}
		for len(reports) > 0 && reports[0].at <= now {
			if !e.Feedback(reports[0].packet, now) {
				panic("a report could not be read")
			}
			reports = reports[1:]
		}
		if now%(50*time.Millisecond) < step {
			out.samples = append(out.samples, sample{now, e.Target(), e.Bitrate(), sent.between(now.Microseconds()-1_000_000, now.Microseconds()), out.sent, out.lost})
		}
	}
	for _, f := range frames {
		if f.done >= 0 {
			out.delays = append(out.delays, f.done-f.made)
		}
	}
	slices.Sort(out.delays)
	return out
}

// at is the state at a moment.
func (r run) at(at time.Duration) sample {
	return r.samples[int(at/(50*time.Millisecond))]
}

// percentile is the p-th percentile of the frames' delays.
func (r run) percentile(p int) time.Duration {
	return r.delays[min(len(r.delays)*p/100, len(r.delays)-1)]
}
