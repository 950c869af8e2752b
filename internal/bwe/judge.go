package bwe

import (
	"math"
	"time"
)

// judge decides about the estimate after a report.
func (e *Estimator) judge(now time.Duration) {
	overused := e.excess.fast > e.level && (e.excess.fast > e.excess.slow || now-e.cut > time.Second)
	switch {
	case overused:
		carried := e.capacity()
		if carried == 0 { // too few packets to tell
			if now-e.cut < holdAfter {
				return
			}
			carried = e.target * 0.9
		}
		if !e.draining {
			e.before = e.target
		}
		e.full, e.cut, e.draining = carried, now, true
		queue := e.ahead(carried, now) / drainDelay
		to := carried * max(fullShare-queue*queue, leastDrain)
		e.set(min(e.target, max(to, deepest*e.target)))
		e.modelled, e.measured = 0, 0
	case e.draining && e.excess.fast < leastThreshold:
		e.draining = false
		// If the path stood still for a moment, the queue is gone sooner than it came.
		e.full = max(e.full, min(e.arrivals.over(100_000), e.before))
		e.set(max(e.target, fullShare*e.full))
		e.cut = now - holdAfter/2
	case e.draining && now-e.cut > 2*time.Second:
		e.draining = false // the queue is somebody else's
	case e.loss > lossLimit && e.lately > lossLimit && now-e.cut > holdAfter:
		carried := e.arrivals.over(300_000)
		if carried == 0 {
			carried = e.target
		}
		e.full, e.cut = carried, now
		e.set(min(e.target, carried) * (1 - e.loss/2))
	default:
		e.grow(now)
		return
	}
	e.grown = now
}

// grow raises the estimate if nothing speaks against it and it is made use of.
func (e *Estimator) grow(now time.Duration) {
	dt := min((now - e.grown).Seconds(), 0.3)
	e.grown = now
	if now-e.cut < holdAfter || e.draining || e.excess.fast > leastThreshold {
		return
	}
	if e.target > 1.2*e.full || now-e.cut > forgetAfter {
		e.full = 0
	}
	t := (now - e.cut).Seconds() / patience
	growth := slowGrowth * t * t
	// The model's queues were there for more than a moment, and the path's were not.
	faster := e.modelled > 0.05 && e.measured < 0.45*e.modelled
	switch {
	case e.full == 0 || e.target < 0.7*e.full:
		growth = fastGrowth
	case faster:
		growth = probeGrowth
	}
	growth *= min(max(0, 2-2*e.loss/lossLimit), 1)
	bound := e.bound()
	if e.wideAt >= 0 { // what was reached a moment ago says more than what was a second ago
		bound = min(bound, 1.3*max(e.arrivals.over(500_000), e.arrivals.recent(e.last))+Floor)
	}
	if e.target < bound {
		e.set(min(e.target*math.Exp(growth*dt), bound))
	}
}

// bound is up to where the estimate is proved by use.
func (e *Estimator) bound() float64 {
	used := e.arrivals.recent(e.last)
	if e.wideAt < 0 {
		used = e.sending.recent(e.lastSent.Microseconds())
	}
	return 1.5*used + Floor
}

// capacity is the rate of arrivals while the path was busy, 0 if unknown.
func (e *Estimator) capacity() float64 {
	if e.busyFrom == 0 {
		return 0
	}
	span := e.last - e.busyFrom
	if span < 40_000 {
		return 0
	}
	carried := e.arrivals.over(min(span, 250_000))
	if e.newest > e.level+worse { // it got much worse just now
		carried = min(carried, e.arrivals.over(min(span, 100_000)))
		if newest := e.train.rate(); newest > 0 {
			carried = min(carried, newest)
		}
	}
	return carried
}

// ahead is the queue in seconds that the next packet meets on a path with the
// given rate, beyond what the model has: what was sent after the newest packet
// known to have arrived is still under way, less what the path has carried since.
func (e *Estimator) ahead(rate float64, now time.Duration) float64 {
	micros := now.Microseconds()
	var bytes int
	oldest := uint32(micros)
	for q := max(e.reported, e.next-historyLen); q < e.next; q++ {
		if r := &e.history[uint16(q)%historyLen]; r.seq == uint16(q) && r.state == underWay {
			bytes += int(r.size)
			oldest = min(oldest, r.at)
		}
	}
	since := float64(uint32(micros)-oldest)/1e6 - e.queue.fast
	queue := max(e.queue.fast, float64(bytes)*8/rate-max(since, 0))
	return max(0, queue-e.backlog*8/e.target)
}

func (e *Estimator) set(target float64) {
	e.target = min(max(target, e.min), e.max)
}

// countLoss averages the share of lost packets over some hundred packets or a
// second, whichever is less.
func (e *Estimator) countLoss(lost, came float64, now time.Duration) {
	n, dt := lost+came, (now - e.counted).Seconds()
	if n == 0 {
		return
	}
	e.counted, e.lately = now, lost/n
	e.loss += (lost/n - e.loss) * max(n/(n+100), dt/(dt+1))
	switch {
	case e.queue.fast > burstDelay:
		e.burst = max(0.7*e.burst, leastBurst)
	case lost > lossLimit*n:
		e.burst = max(0.7*e.burst, min(e.burst, lossyBurst))
	default:
		e.burst = min(1.005*e.burst, e.most)
	}
}
