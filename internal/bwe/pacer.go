package bwe

import (
	"math"
	"time"
)

// slice is the time over which a pacer does not spread: packets within it go at
// once, so that they cost few wake-ups and system calls.
const slice = 4 * time.Millisecond

// overslept is the time that a late wake-up does not cost: what could have been
// sent in it still goes.
const overslept = 10 * time.Millisecond

// mostDebt bounds the wait for what was sent out of turn.
const mostDebt = 200 * time.Millisecond

// Pacer spreads packets over time at a rate. Its zero value lets all pass at
// once. Its methods are not safe for concurrent use.
type Pacer struct {
	rate float64       // bytes per second; 0 for no limit
	due  time.Duration // when what was sent has left, at the rate
}

// SetRate sets the rate in bits per second; 0 means no limit.
func (p *Pacer) SetRate(bitrate int, now time.Duration) {
	rate := float64(max(bitrate, 0)) / 8
	if p.rate > 0 && rate > 0 && p.due > now { // what is spent takes another time to leave
		p.due = now + min(time.Duration(float64(p.due-now)*p.rate/rate), mostDebt)
	}
	p.rate = rate
}

// Wait is how long to wait before more is sent; 0 means that it may go now.
func (p *Pacer) Wait(now time.Duration) time.Duration {
	if p.rate == 0 || p.due <= now+slice {
		return 0
	}
	return p.due - now
}

// Room is how many bytes may go now.
func (p *Pacer) Room(now time.Duration) int {
	if p.rate == 0 {
		return math.MaxInt32
	}
	return int((now + slice - max(p.due, now-overslept)).Seconds() * p.rate)
}

// Spend tells of size bytes that were sent, in turn or not.
func (p *Pacer) Spend(size int, now time.Duration) {
	if p.rate == 0 {
		p.due = now
		return
	}
	p.due = min(max(p.due, now-overslept)+time.Duration(float64(size)/p.rate*float64(time.Second)), now+mostDebt)
}
