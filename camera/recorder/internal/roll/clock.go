package roll

import "time"

const (
	leastWindow = time.Minute // clocks of 100 ppm drift apart by 6 ms in it
	settleTime  = time.Second // reading a pre-roll out of memory takes less
	aheadOfTime = 10 * time.Second
	backOfTime  = 5 * time.Second // B-frames go back by less
)

// clock maps the media time of one loop to the monotonic clock.
type clock struct {
	began  time.Duration // the loop, or since media time jumped
	seen   bool          // a frame came
	live   bool          // the pre-roll has been read, so that offset is right
	first  time.Duration // PTS
	newest time.Duration // PTS

	arrived, pts  time.Duration // of the latest frame
	least, before time.Duration // least offset since turned, and in the window before that
	turned        time.Duration
}

// jumps reports whether media time has jumped before a frame: back, or ahead of what the
// time of its arrival explains. What is read faster than it came cannot be told from a
// leap ahead, so there is none before the clock is live.
func (c *clock) jumps(now, pts time.Duration, key bool) bool {
	switch {
	case !c.seen:
		return false
	case key && pts <= c.newest, pts < c.newest-backOfTime:
		return true
	}
	return c.live && now-pts < c.offset()-aheadOfTime
}

func (c *clock) add(now, pts time.Duration) {
	offset := now - pts
	switch {
	case !c.seen:
		c.least, c.before, c.turned, c.first, c.newest = offset, offset, now, pts, pts
	case now-c.turned >= leastWindow:
		c.before, c.least, c.turned = c.least, offset, now
	}
	// Of a pre-roll the frames come faster than they were made.
	if c.seen && now-c.began >= settleTime && pts > c.pts && now-c.arrived >= (pts-c.pts)/2 {
		c.live = true
	}
	c.least = min(c.least, offset)
	c.newest = max(c.newest, pts)
	c.seen, c.arrived, c.pts = true, now, pts
}

// offset returns what is to be added to a PTS for the monotonic time.
func (c *clock) offset() time.Duration { return min(c.least, c.before) }
