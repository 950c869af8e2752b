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
	pause int64    // before the first such frame, or a stall of the network, in ticks
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
// the one before. whole says that no frame is missing between the two.
func (c *clock) next(stamp uint32, at time.Duration, whole bool) (anew bool) {
	switch d := c.distance(c.line, stamp); {
	case !c.begun:
		c.begun = true
		c.line = mark{stamp, 0, at}
	case c.follows(d, c.line, at):
		if d > 0 && whole {
			c.steps[c.count%len(c.steps)] = d
			c.count++
		}
		c.line = mark{stamp, c.line.ticks + d, at}
	case c.lost && c.follows(c.distance(c.away, stamp), c.away, at):
		anew = true
		d := c.distance(c.away, stamp)
		ticks := c.away.ticks + d
		if c.inTicks(at-c.away.at) > d/2 { // not in a burst, as after a stall: what was before was a pause
			ticks += c.pause
		}
		c.line = mark{stamp, ticks, at}
	default:
		before := c.away
		if !c.lost {
			before = c.line
			c.pause = 0
			if elapsed := c.inTicks(at - before.at); elapsed > c.slack() {
				c.pause = elapsed - c.step()
			}
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
	slack := c.slack()
	least := -slack // pictures can be reordered
	if c.forward {
		least = 1
	}
	return d >= least && d <= c.inTicks(at-from.at)+slack
}

// slack is by how much a frame's timestamp and its arrival may disagree.
func (c *clock) slack() int64 {
	if c.count <= 2 { // it is not known yet how far frames are apart
		return 10 * c.rate
	}
	return max(c.rate, 3*c.step())
}

// guess returns how far a frame is likely to be behind the one before, in ticks.
func (c *clock) guess(elapsed time.Duration) int64 {
	if c.count == 0 {
		return min(max(c.inTicks(elapsed), c.step()), c.rate)
	}
	return c.step()
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
