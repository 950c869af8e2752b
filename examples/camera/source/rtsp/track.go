package rtsp

import "time"

const (
	window    = 10 * time.Second      // of arrivals, of which two count
	tolerance = 20 * time.Millisecond // what is not corrected; lip sync bears twice as much
	maxSync   = 2 * time.Second       // between tracks, by sender reports
	sameClock = 50 * time.Millisecond // between two sender reports of a clock that was not set
)

// track is one stream on the line.
type track struct {
	clock clock
	each  int64         // ticks of one frame, 0 if only the clock knows
	last  time.Duration // media time of the frame before

	seen   bool
	low    [2]time.Duration // least time from media to arrival, in this window and the one before
	since  time.Duration    // when this window began
	offset time.Duration    // from media time to capture, on the clock of arrival
	fixed  bool             // offset is set
	moving bool             // offset is being corrected
	before time.Duration    // media time up to which it was

	sync    time.Duration // what sender reports add to low
	sender  time.Duration // from media time to the sender's wall clock, by its last report
	reports bool          // there was one
	agreed  int           // how many in a row agree
}

// arrived returns the media time of a unit and how many frames are missing before it;
// earlier is true if it shows that frames are sent sooner than all before suggested.
func (t *track) arrived(u *Unit) (media time.Duration, missing int, earlier bool) {
	if u.Reordered {
		t.clock.forward = false
	}
	if u.Index == 0 && t.clock.next(u.Stamp, u.At, !u.Lossy) {
		t.agreed = 0
	}
	media = t.clock.time(t.clock.ticks + int64(u.Index)*t.each)
	if u.Lossy {
		missing = max(u.Dropped, t.missing(media))
	}
	t.last = media
	return media, missing, t.observe(u.At - media)
}

// missing returns how many frames belong between the one before and one at media.
func (t *track) missing(media time.Duration) int {
	each := t.clock.time(t.each)
	if each == 0 && t.clock.count > 0 {
		each = t.clock.time(t.clock.step())
	}
	if each == 0 || !t.seen {
		return 0
	}
	return int(min(max((media-t.last+each/2)/each-1, 0), 1<<20))
}

// observe takes the time from media to arrival of a frame.
func (t *track) observe(lag time.Duration) (earlier bool) {
	at := t.last + lag
	switch {
	case !t.seen:
		t.seen, t.low, t.since = true, [2]time.Duration{lag, lag}, at
		return true
	case at-t.since > window:
		t.low, t.since = [2]time.Duration{lag, t.low[0]}, at
	}
	earlier = lag < t.soonest()-tolerance
	t.low[0] = min(t.low[0], lag)
	return earlier
}

func (t *track) soonest() time.Duration { return min(t.low[0], t.low[1]) }

// settle sets the offset to what is known.
func (t *track) settle() { t.offset, t.fixed = t.soonest()+t.sync, true }

// captured returns when a frame was captured, on the clock of arrival. It moves the
// offset towards what is known, by a fiftieth of the time that passes, and faster if it
// is far off.
func (t *track) captured(media time.Duration) time.Duration {
	if !t.fixed {
		t.settle()
		t.before = media
	}
	passed := max(media-t.before, 0)
	t.before += passed
	off := t.soonest() + t.sync - t.offset
	t.moving = off.Abs() > tolerance || t.moving
	if t.moving {
		share := min(max(off.Abs().Seconds()/10, 0.02), 0.25)
		most := time.Duration(share * float64(passed))
		t.offset += min(max(off, -most), most)
		t.moving = off.Abs() > most
	}
	return media + t.offset
}

// report takes a sender report: the sender's wall clock at a timestamp. It returns true
// if that clock was set since the report before.
func (t *track) report(wall time.Duration, stamp uint32) (set bool) {
	if !t.seen {
		return false
	}
	sender := wall - t.clock.time(t.clock.line.ticks+t.clock.distance(t.clock.line, stamp))
	set = t.agreed > 0 && (sender-t.sender).Abs() > sameClock
	if set {
		t.agreed = 0
	}
	t.sender, t.reports = sender, true
	t.agreed++
	return set
}

// NTP converts a timestamp of NTP (RFC 3550, 4) to the time since its era began.
func NTP(t uint64) time.Duration {
	return time.Duration(t>>32)*time.Second + time.Duration((t&0xffffffff)*uint64(time.Second)>>32)
}
