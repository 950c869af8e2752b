package fragment

import (
	"math"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// lipSync is by how much sound and picture may differ before anybody notices
// (ITU-R BT.1359: 45 ms sound ahead to 125 ms behind).
const lipSync = 80 * time.Millisecond

// NoteKind says what a [Note] tells.
type NoteKind uint8

// What is noted, of each track once in a sequence.
const (
	Aligned    NoteKind = iota // the track's clock is By ahead of the picture's, which is made up for
	Leapt                      // PTS leapt; the frames go on By later than PTS says
	Moved                      // the clock was set; timestamps go on By later
	Unaligned                  // the track's frames are left out: see ErrUnaligned
	Undeclared                 // frames of the track are left out: see ErrUndeclared
	noteKinds
)

// Note tells of a track's clock.
type Note struct {
	Lane int
	Kind NoteKind
	By   time.Duration
}

// Notes returns what was noted since the last call.
func (c *Cutter) Notes() []Note {
	n := c.notes
	c.notes = nil
	return n
}

func (c *Cutter) note(l *lane, kind NoteKind, by time.Duration) {
	if !l.noted[kind] {
		l.noted[kind] = true
		c.notes = append(c.notes, Note{l.index, kind, by})
	}
}

// reference returns the lane that another one is aligned with, nil if there is none.
func (c *Cutter) reference(l *lane) *lane {
	if l != c.lead && c.lead.line.begun {
		return c.lead
	}
	for _, other := range c.order {
		if other != l && other.line.begun && !l.line.begun {
			return other
		}
	}
	return nil
}

// place gives a frame its timestamp in ms, and reports false if it has none.
func (c *Cutter) place(l *lane, t tick) (at int64, ok bool) {
	ln, ref, dp := &l.line, (*line)(nil), t.pts-l.line.pts
	from := c.reference(l)
	if from != nil {
		ref = &from.line
	}
	if began := ln.begun && (ln.timed || !t.timed || ref == nil); !began {
		if dp = 0; !ln.begin(t, ref, l == c.lead, c.clock.truth()) {
			c.note(l, Unaligned, 0)
			return 0, false
		}
		l.aligned = 0
		if l == c.lead {
			c.realign(t)
		}
	} else if leapt := ln.follow(t); leapt != 0 {
		c.note(l, Leapt, leapt)
		if l == c.lead && !ln.timed {
			c.Pause() // nobody knows how long it was
		}
		if ref != nil {
			l.aligned = ln.offset - ref.offset
		}
	}
	switch {
	case ref == nil || l == c.lead:
		if ln.timed {
			ln.keepTime(dp)
		}
	case ln.timed && ref.timed:
		ln.agree(ref)
		if d := ln.truth + ref.deviation() - ln.offset; d.Abs() > resync {
			ln.offset += d
		} else {
			ln.approach(d, dp)
		}
	case ref.near(t):
		ln.offset = ref.offset
	}
	stamp := t.pts + ln.offset
	if l != c.lead && ref != nil && from.last != never {
		if ref.apart(stamp, t.now) > maxApart {
			ln.begun = false
			c.note(l, Unaligned, 0)
			return 0, false
		}
		if d := ln.offset - ref.offset; (d - l.aligned).Abs() > lipSync {
			c.note(l, Aligned, -d)
		}
	}
	return mkv.Milliseconds(stamp), true
}

// compare takes notice of how much later than those of other tracks a frame comes.
func (c *Cutter) compare(l *lane, at int64) {
	l.late = max(l.late-l.late/256-1, 0)
	for _, o := range c.lanes {
		if o == l || o.last == never {
			continue
		}
		l.late = max(l.late, o.last-at)
		if l.line.came.Sub(o.line.came) <= flows { // and the other one is as far behind
			o.late = max(o.late, at-o.last)
		}
	}
}

// realign has the tracks that came before the picture begin anew, if they have no capture
// times to be aligned by.
func (c *Cutter) realign(t tick) {
	for _, l := range c.lanes {
		if l != c.lead && !(l.line.timed && t.timed) {
			l.line.begun = false
		}
	}
}

// Correct takes notice of what is known of the clock.
func (c *Cutter) Correct(clock Clock) {
	d := clock.Correction - c.corrected
	c.corrected, c.clock = clock.Correction, clock
	if d == 0 {
		return
	}
	begun := false
	for _, l := range c.lanes {
		begun = begun || l.line.begun
		l.line.correct(d)
	}
	if begun && !c.sent && d.Abs() > clockSlack {
		c.moveAll(mkv.Milliseconds(d))
	}
}

// fit brings the time lines to the clock where a fragment begins with a frame of a
// lane, and returns by how much it moved what waits, in ms. As long as nothing was sent
// everything can be moved; later a leap forward leaves a gap, and what the lines are
// ahead is made up for step by step.
func (c *Cutter) fit(l *lane) (moved int64) {
	d := l.line.late()
	if d.Abs() <= clockSlack || l.line.pts+l.line.offset+d > c.clock.truth()+clockSlack { // no frame is later than now
		return 0
	}
	moved = mkv.Milliseconds(d)
	switch {
	case !c.sent:
		c.moveAll(moved)
	case d > 0:
		c.move(moved)
	default:
		for _, l := range c.lanes {
			l.line.shift(-driftStep)
		}
		return 0
	}
	c.note(l, Moved, d)
	return moved
}

// move moves what waits and what is to come.
func (c *Cutter) move(ms int64) {
	for _, l := range c.lanes {
		l.shift(ms)
	}
	c.newest += ms
}

// moveAll moves what was cut as well.
func (c *Cutter) moveAll(ms int64) {
	c.move(ms)
	c.Window.shift(ms)
	if c.floor > 0 {
		c.floor += ms
	}
	if c.first < math.MaxInt64 {
		c.first += ms
	}
	if c.lost.end > 0 {
		c.lost = span{c.lost.start + ms, c.lost.end + ms}
	}
}
