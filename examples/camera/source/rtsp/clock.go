package rtsp

import (
	"slices"
	"time"
)

// clock follows the RTP timestamps of one stream.
type clock struct {
	rate    int64 // ticks a second
	forward bool  // timestamps only rise: no pictures are reordered

	ticks int64 // of the latest frame, on the unwrapped clock from 0 on
	begun bool
	line  mark     // the latest frame on the line
	away  mark     // the latest frame, if its timestamp was off the line
	lost  bool     // away is set
	steps [8]int64 // the latest distances between frames, in ticks
	count int      // of steps, ever
}

// mark is a frame: its timestamp, its ticks, and its arrival.
type mark struct {
	stamp uint32
	ticks int64
	at    time.Duration
}

// next sets ticks to those of the next frame; anew is true if the sender has set its
// clock. A frame whose timestamp is off the line is placed at the usual distance from
// the one before.
func (c *clock) next(stamp uint32, at time.Duration) (anew bool) {
	switch d := c.distance(c.line, stamp); {
	case !c.begun:
		c.begun = true
		c.line = mark{stamp, 0, at}
	case c.follows(d, c.line, at):
		c.learn(d)
		c.line = mark{stamp, c.line.ticks + d, at}
	case c.lost && c.follows(c.distance(c.away, stamp), c.away, at):
		anew = true
		c.line = mark{stamp, c.away.ticks + c.distance(c.away, stamp), at}
	default:
		before := c.line
		if c.lost {
			before = c.away
		}
		c.away = mark{stamp, before.ticks + c.guess(at-before.at), at}
		c.lost, c.ticks = true, c.away.ticks
		return false
	}
	c.lost, c.ticks = false, c.line.ticks
	return anew
}

// distance is the number of ticks from a frame to a timestamp, which may have wrapped.
func (c *clock) distance(from mark, stamp uint32) int64 { return int64(int32(stamp - from.stamp)) }

// follows reports whether a frame can be d ticks behind another: about as far as
// its arrival is, or less after a stall and in a burst.
func (c *clock) follows(d int64, from mark, at time.Duration) bool {
	slack := 10 * c.rate // before it is known how far frames are apart
	if c.count > 2 {
		slack = max(c.rate, 3*c.step())
	}
	least := -slack // pictures can be reordered
	if c.forward {
		least = 1
	}
	return d >= least && d <= c.inTicks(at-from.at)+slack
}

// guess returns how far a frame is likely to be behind the one before, in ticks.
func (c *clock) guess(elapsed time.Duration) int64 {
	if c.inTicks(elapsed) > max(c.rate, 3*c.step()) {
		return c.inTicks(elapsed) // there was a pause
	}
	return c.step()
}

func (c *clock) learn(d int64) {
	if d > 0 {
		c.steps[c.count%len(c.steps)] = d
		c.count++
	}
}

// step returns the usual distance between two frames in ticks, the median of the latest.
func (c *clock) step() int64 {
	if c.count == 0 {
		return max(c.rate/50, 1)
	}
	latest := slices.Clone(c.steps[:min(c.count, len(c.steps))])
	slices.Sort(latest)
	return latest[len(latest)/2]
}

func (c *clock) inTicks(d time.Duration) int64 {
	return int64(d/time.Second)*c.rate + int64(d%time.Second)*c.rate/int64(time.Second)
}

// time returns ticks as a duration, exact over years.
func (c *clock) time(ticks int64) time.Duration {
	return time.Duration(ticks/c.rate)*time.Second + time.Duration(ticks%c.rate)*time.Second/time.Duration(c.rate)
}
