package catalog

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"
)

// What a wall clock is believed.
const (
	earliest  = 1_577_836_800_000 // 2020-01-01: a clock before it was never set
	latest    = 7_258_118_400_000 // 2200-01-01
	maxMillis = math.MaxInt32 * 1000
	step      = time.Minute // the clock was set: more than it is slewed by
	steadyFor = time.Hour
)

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// clock judges the wall clock by the monotonic one.
type clock struct {
	known         bool
	offset        int64 // ms since 1970 of the monotonic clock's zero
	reference     int64 // the offset that steps are measured from
	at, unchanged time.Duration
	up            time.Duration
}

// set takes a reading of both clocks and reports whether the time is now known and was not
// before.
func (k *clock) set(now time.Time, up time.Duration) (first bool) {
	k.up = up
	ms := now.UnixMilli()
	if now.IsZero() || ms < earliest || ms > latest {
		k.known, k.unchanged = false, up
		return false
	}
	first = !k.known
	k.offset = ms - up.Milliseconds()
	switch moved := millis(k.offset - k.reference); {
	case first || moved > step || moved < -step:
		k.reference, k.at, k.unchanged = k.offset, up, up
	case up-k.at > steadyFor: // slewing is no step
		k.reference, k.at = k.offset, up
	}
	k.known = true
	return first
}

// steady reports whether the clock has run for an hour without a step.
func (k *clock) steady() bool { return k.known && k.up-k.unchanged >= steadyFor }

// time returns the wall clock in ms since 1970 at a moment of the monotonic one; 0 unknown.
func (k *clock) time(up time.Duration) int64 {
	if !k.known {
		return 0
	}
	return k.offset + up.Milliseconds()
}

// stretch is a range of the wall clock in ms since 1970, without its end.
type stretch struct{ from, to int64 }

// place returns want, or the first time after it at which length overlaps none of taken.
// It sorts taken.
func place(want int64, length time.Duration, taken []stretch) int64 {
	slices.SortFunc(taken, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	for _, t := range taken {
		if want < t.to && want+length.Milliseconds() > t.from {
			want = t.to
		}
	}
	return want
}

// ages returns the latest time at which each of what was made in this order can have ended,
// in ms since 1970, 0 unknown: nothing is older than what was made before it, and what is of
// after now is no younger than what was made after it. So footage of a clock that was behind
// does not look old, and that of one that was ahead does not stay for ever.
func ages(ends []int64, now int64) []int64 {
	out, newest := make([]int64, len(ends)), int64(0)
	for i, end := range ends {
		if end <= now {
			newest = max(newest, end)
			out[i] = newest
		}
		if end == 0 {
			out[i] = 0
		}
	}
	next := int64(0)
	for i := range slices.Backward(ends) {
		if ends[i] > now {
			out[i] = next
		} else if ends[i] != 0 {
			next = out[i]
		}
	}
	return out
}

// Later is for NewFile the time of a first frame that is not known yet: see Anchor.
const Later = time.Duration(math.MinInt64)

// Anchor tells when the first frame of a file was, on the monotonic clock, which NewFile was
// not told. The file has a base from then on, once the wall clock is known.
func (c *Catalog) Anchor(seq uint64, up time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[seq]
	if f == nil {
		return ErrUnknown
	}
	if f.up != Later {
		return nil
	}
	f.up = up
	if c.follow(f); c.clock.known {
		c.stamp()
	}
	for _, cl := range f.clips {
		c.conclude(cl)
	}
	return nil
}

// SetClock tells the wall clock (zero if it is not known, as are times before 2020) and the
// monotonic one, once a second or so. With the first time that is known it stamps the
// files that have none: of this boot exactly, of earlier ones with the latest time that
// they can have.
func (c *Catalog) SetClock(now time.Time, up time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clock.set(now, up) {
		c.stamp()
	}
}

// Steady reports whether the clock ran for an hour without a step of more than a minute:
// only then Evict judges age.
func (c *Catalog) Steady() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock.steady()
}

// stamp gives a base to each file without one.
func (c *Catalog) stamp() {
	bound := c.clock.time(c.opt.Up)
	for i := len(c.made) - 1; i >= 0; i-- {
		f := c.made[i]
		if f.Base == 0 && f.up != Later && !f.picture() {
			want := c.baseOf(f)
			if !f.timed {
				want, f.Estimated = bound-f.Length.Milliseconds(), true
			}
			f.Base = place(want, c.reach(f), c.taken(f))
			c.touchFile(f)
			c.urgent = true // nothing of it is uploaded before it is settled
			for _, cl := range f.clips {
				c.refresh(cl)
			}
		}
		if f.Base != 0 && f.Base < bound {
			bound = f.Base
		}
	}
}

// before returns the file that another one goes on from: that of the same clip before it, with
// Continuous that of the recording. It is nil if not both have a time that is known exactly.
func (c *Catalog) before(f *file) (o *file) {
	if !f.timed || f.up == Later {
		return nil
	}
	if cl := c.clips[f.Clip]; cl != nil {
		i := slices.IndexFunc(cl.Spans, func(s Span) bool { return s.File == f.Seq })
		if i < 0 { // it is about to be made
			i = len(cl.Spans)
		}
		if i > 0 {
			o = c.files[cl.Spans[i-1].File]
		}
	} else {
		i := sort.Search(len(c.made), func(i int) bool { return c.made[i].Seq >= f.Seq }) - 1
		for ; i >= 0 && o == nil; i-- {
			if c.made[i].Clip.IsZero() {
				o = c.made[i]
			}
		}
	}
	if o == nil || !o.timed || o.up == Later {
		return nil
	}
	return o
}

// follow finds out whether a file of Continuous begins where the one before ends.
func (c *Catalog) follow(f *file) {
	if o := c.before(f); o != nil && f.Clip.IsZero() && (f.up-o.up-o.Length).Abs() < apart {
		f.Follows = true
		c.touchFile(f)
	}
}

// apart is from when on something is missing between files: their moments are known less
// exactly than their lengths.
const apart = time.Second

// baseOf returns the time of a file's first frame. A clip goes on by the time of its file
// before, as a clock that was set meanwhile makes no gap in it. With Continuous it does so in
// one file, and not in the next one, as there may always be a clip.
func (c *Catalog) baseOf(f *file) int64 {
	want := int64(0)
	if f.up != Later {
		want = c.clock.time(f.up)
	}
	o := c.before(f)
	if o == nil || o.Base == 0 {
		return want
	}
	on := o.Base + (f.up - o.up).Milliseconds()
	if !f.Clip.IsZero() {
		return on
	}
	if o.kept || !slices.ContainsFunc(o.clips, func(cl *clip) bool { return !cl.Ended }) {
		return want
	}
	f.kept = millis(on-want).Abs() > apart
	return on
}

// reach is how long a file is or can get.
func (c *Catalog) reach(f *file) time.Duration {
	if f.Closed {
		return f.Length
	}
	return max(f.Length, c.opt.Longest)
}

// taken returns the times of the other files.
func (c *Catalog) taken(but *file) []stretch {
	taken := make([]stretch, 0, len(c.made))
	for _, f := range c.made {
		if f != but && f.Base != 0 {
			taken = append(taken, stretch{f.Base, f.Base + f.Length.Milliseconds()})
		}
	}
	return taken
}
