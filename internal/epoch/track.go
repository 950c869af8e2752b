package epoch

import "time"

const (
	// modest is a step of PTS that is taken as it is.
	modest = 500 * time.Millisecond

	// reach is how much further than the time that has passed a PTS may step, and how
	// far a track may begin from the others: sources send in bursts and leave out.
	reach = 5 * time.Second

	// moment is how long an offset that was left, or that another track has come to, is
	// tried for a PTS that leaps. Offsets of before might fit by chance.
	moment = 10 * time.Second

	// Tracks leap together if by the other's offset a track goes on at most overlap too
	// early and together too late: encoders of a restarting camera start by turns.
	together = 2 * time.Second
	overlap  = 250 * time.Millisecond

	// wallSet is a difference of the times of capture and of arrival that is no delay of
	// a frame any more: the wall clock was set.
	wallSet = 10 * time.Second

	// least is the step of a frame that comes too early, of the coarsest clock in use,
	// that of Matroska as the service takes it.
	least = time.Millisecond

	// window is how long the greatest lead of media time is remembered, at least.
	window = time.Minute
)

// place is where a frame was put.
type place struct {
	media   time.Duration
	arrival time.Duration // since Clock.zero
	time    time.Time     // of capture
}

// after returns where a later frame is expected, and what tells so.
func (p place) after(captured time.Time, arrival time.Duration) (time.Duration, Change) {
	want := p.media + arrival - p.arrival
	if !captured.IsZero() && !p.time.IsZero() {
		if by := add(p.media, captured.Sub(p.time)); apart(by, want) <= wallSet {
			return by, ByTime
		}
	}
	return want, ByArrival
}

// former is an offset that a track had.
type former struct {
	offset time.Duration
	left   time.Duration // arrival time of the first frame without it
}

// track is the media time of one track.
type track struct {
	rounds []time.Duration
	begun  bool

	offset  time.Duration // what is added to PTS
	since   time.Duration // arrival time of the first frame with it
	from    time.Duration // the offset before the last leap, a stray's not counted
	before  [4]former     // the last ones
	changes int

	high  time.Duration // furthest media time so far
	solid place         // of the furthest frame that is no stray
	last  place         // of the furthest frame
	sure  bool          // last is no stray

	ahead   [2]time.Duration // the most that media time was ahead of arrival, in this window and the one before
	rotated time.Duration    // arrival time when this window began
}

// take puts a frame where its offset has it, or behind what is already there, and
// returns its media time.
func (t *track) take(p place, change Change, sure bool, reorder time.Duration) time.Duration {
	media := p.media
	switch {
	case media > t.high:
		if sure {
			t.solid = p
		} else if change == None {
			t.solid = t.last // this frame confirms it
		}
		t.last = p
	case reorder > 0:
		return media
	default: // the one before was a stray that came to lie ahead
		media = t.high + least
		t.solid = p
		t.last = p
	}
	t.high, t.sure = media, sure
	if sure {
		lead := p.media - p.arrival
		if p.arrival-t.rotated > window {
			t.ahead[1], t.ahead[0], t.rotated = t.ahead[0], lead, p.arrival
		}
		t.ahead[0] = max(t.ahead[0], lead)
	}
	return media
}
