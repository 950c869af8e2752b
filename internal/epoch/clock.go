package epoch

import (
	"math"
	"sync"
	"time"
)

// Frame is what a [Clock] has to know of a frame.
type Frame struct {
	Track int
	PTS   time.Duration
	Time  time.Time // of capture; zero if it is not known

	// Reorder is how far PTS may be behind that of an earlier frame, which is how
	// B-frames come. Zero means not at all, as with key frames, which are shown
	// after all that is decoded before them.
	Reorder time.Duration
}

// Change tells why a frame has another offset than the one before it.
type Change uint8

// Changes of a track's offset.
const (
	None      Change = iota
	Behind           // no leap: it has the PTS of the frame before, or is a B-frame too far behind
	Returned         // after a stray
	Together         // to the epoch that another track began
	Wrapped          // a counter was full
	ByTime           // PTS leapt; the times of capture say by how much
	ByArrival        // PTS leapt; the times of arrival say by how much
)

// String names what the offset was found by.
func (c Change) String() string {
	return [...]string{"nothing", "being behind", "the epoch before", "another track", "the counter's length", "Time", "arrival"}[c]
}

// Begins reports whether an epoch begins that no other track has begun.
func (c Change) Begins() bool { return c >= Wrapped }

// Clock has the media time of tracks that were captured together. Its methods may
// be called concurrently.
type Clock struct {
	mu     sync.Mutex
	zero   time.Time // arrival times count from it
	tracks []track
}

// New returns a clock for as many tracks as there are rates, which are those of
// their counters in Hz.
func New(rates ...int) *Clock {
	c := &Clock{tracks: make([]track, len(rates))}
	for i, rate := range rates {
		c.tracks[i].rounds = rounds(rate)
	}
	return c
}

// rounds returns how long it takes until counters are full: of 32 bits at a rate, in
// microseconds and in milliseconds, and of 32 and 33 bits at the 90 kHz of RTP video
// (RFC 3551, 5) and of MPEG (ISO/IEC 13818-1, 2.4.2).
func rounds(rate int) []time.Duration {
	const full = 1 << 32
	all := []time.Duration{full * time.Second / 90_000, 2 * full * time.Second / 90_000, full * time.Microsecond, full * time.Millisecond}
	if rate > 0 && rate != 90_000 {
		all = append(all, full*time.Second/time.Duration(rate))
	}
	return all
}

// Map returns the media time of a frame that arrives now, which is after that of the
// track's earlier frames or less than f.Reorder behind, and why its offset is another
// one than that of the frame before. Of a frame that is Behind it returns where that
// would be, and forgets it.
func (c *Clock) Map(f Frame, now time.Time) (time.Duration, Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.zero.IsZero() {
		c.zero = now
	}
	arrival := now.Sub(c.zero)
	t := &c.tracks[f.Track]
	m := add(f.PTS, t.offset)
	change, sure := None, true
	switch {
	case !t.begun:
		m, change = c.begin(t, f, arrival)
	case m == t.last.media:
		return m, Behind
	case !t.sure || m <= t.solid.media-f.Reorder || m > t.high+modest:
		m, change, sure = c.place(t, f, arrival)
	}
	if change == Behind {
		return m, Behind
	}
	return t.take(place{m, arrival, f.Time}, change, sure, f.Reorder), change
}

// begin finds the offset of a track's first frame: that of the other tracks, or 0,
// if it puts the frame near where those are now.
func (c *Clock) begin(t *track, f Frame, arrival time.Duration) (time.Duration, Change) {
	t.begun = true
	var other *track
	for i := range c.tracks {
		if o := &c.tracks[i]; o != t && o.begun && (other == nil || o.last.arrival > other.last.arrival) {
			other = o
		}
	}
	change := None
	if other == nil {
		if f.PTS > math.MaxInt64/2 || f.PTS < math.MinInt64/2 {
			t.offset = between(f.PTS, 0) // no room to go on
		}
	} else {
		want, by := other.last.after(f.Time, arrival)
		t.offset = other.offset
		if apart(add(f.PTS, t.offset), want) > reach {
			t.offset = 0
		}
		if apart(add(f.PTS, t.offset), want) > reach {
			t.offset, change = between(f.PTS, want), by
		}
	}
	m := add(f.PTS, t.offset)
	t.from, t.since, t.high = t.offset, arrival, m-1
	t.ahead = [2]time.Duration{m - arrival, m - arrival}
	return m, change
}

// place finds the offset for a frame that does not simply follow the one before, as the
// package says. sure is false while the next frame has to confirm it.
func (c *Clock) place(t *track, f Frame, arrival time.Duration) (m time.Duration, change Change, sure bool) {
	if t.sure {
		t.from = t.offset
	}
	want, by := t.solid.after(f.Time, arrival)
	want = max(want, t.high+least)
	low, high := t.solid.media-f.Reorder, max(t.high, arrival+max(t.ahead[0], t.ahead[1]))
	best, offset := time.Duration(math.MaxInt64), time.Duration(0)
	try := func(o time.Duration, why Change, low, high time.Duration) {
		at := add(f.PTS, o)
		if d := apart(at, want); at > low && at <= high && d < best {
			best, offset, m, change = d, o, at, why
		}
	}
	try(t.offset, None, low, high+reach)
	for _, f := range t.before[:min(t.changes, len(t.before))] {
		if arrival-f.left <= moment {
			try(f.offset, Returned, low, want+modest)
		}
	}
	for _, r := range t.rounds {
		try(add(t.offset, r), Wrapped, low, want+modest)
	}
	for i := range c.tracks {
		if o := &c.tracks[i]; o != t && o.begun && arrival-o.since <= moment {
			for _, offset := range []time.Duration{o.offset, add(t.from, o.offset-o.from)} {
				try(offset, Together, max(low, t.high-overlap), want+together)
			}
		}
	}
	switch {
	case best == math.MaxInt64 && f.Reorder > 0 && add(f.PTS, t.offset) <= low:
		return add(f.PTS, t.offset), Behind, false // no epoch begins with a B-frame
	case best == math.MaxInt64:
		offset, m, change = between(f.PTS, want), want, by
	case change == None:
		return m, change, m <= want+modest
	}
	t.before[t.changes%len(t.before)] = former{offset: t.offset, left: arrival}
	t.changes++
	t.offset, t.since = offset, arrival
	return m, change, change == Returned || change == Wrapped
}

// add adds without overflow.
func add(a, b time.Duration) time.Duration {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}

// between is what leads from one time to another.
func between(from, to time.Duration) time.Duration { return add(to, -max(from, -math.MaxInt64)) }

// apart is the distance of two times.
func apart(a, b time.Duration) time.Duration {
	if d := max(a, b) - min(a, b); d >= 0 {
		return d
	}
	return math.MaxInt64
}
