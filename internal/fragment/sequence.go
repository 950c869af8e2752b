package fragment

import (
	"math"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// Reset makes ready for another sequence of frames.
func (c *Cutter) Reset() {
	c.begun = false
	for _, l := range c.lanes {
		l.queue, l.taken, l.last, l.newest, l.keyed, l.stops, l.back = nil, 0, never, never, false, 0, never
		l.noted = [noteKinds]bool{}
	}
	c.queued, c.bytes, c.known, c.desc, c.newest = 0, 0, 0, nil, never
}

// Forget lets a fragment's frames be cut again in a sequence to come, and what is after
// them in that.
func (c *Cutter) Forget(f *Fragment) {
	if c.lost.end == 0 {
		c.lost.start = f.Start
	}
	c.lost = span{min(c.lost.start, f.Start), max(c.lost.end, f.End)}
}

// span is a stretch of timestamps, ms; empty if end is zero.
type span struct{ start, end int64 }

// resume begins a sequence. If its first frame is on the clock of the sequence before,
// the frames may have been in that one.
func (c *Cutter) resume(l *lane, t tick) {
	c.begun = true
	same := l.line.begun && t.timed && (t.time-t.pts-l.line.offset).Abs() <= clockSlack
	if at := mkv.Milliseconds(t.pts + l.line.offset); same && at > c.first-near {
		if at <= c.lost.end {
			c.floor, c.lost = min(c.floor, c.lost.start-1), span{}
		}
		c.old = c.floor
		return
	}
	for _, l := range c.lanes {
		l.line = line{}
	}
	c.sent, c.floor, c.first, c.lost, c.old = false, 0, math.MaxInt64, span{}, 0
}
