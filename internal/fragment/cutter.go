package fragment

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// How fragments are cut: the service takes 1 to 20 seconds and 50 MB ("Amazon
// Kinesis Video Streams service quotas").
const (
	minFragment   = 1000  // ms
	soundFragment = 2000  // ms, where no video sets the rhythm
	longFragment  = 19500 // ms; the next frame of the leading track must not come later
	endFragment   = 19900 // ms; whatever comes later begins a new one
	fragmentShare = 3     // fragments are not larger than so many times what may wait for other tracks

	pauseGap  = 5000   // ms; nothing came for so long: a pause
	longStep  = 60_000 // ms; frames of one stream are not further apart: a pause, or a clock that was set
	maxQueued = 1000   // frames that wait for those of other tracks
)

// MaxBytes bounds a fragment with what keeping its frames costs, which is more than what
// they are in the stream. The rest of 50 MB is for the header.
const MaxBytes = 49_900_000

// PauseGap is how long no frame may come until the fragment should be ended: see
// [Cutter.Pause].
const PauseGap = pauseGap * time.Millisecond

// QueueTime is how long no frame may come until those that wait for other tracks
// should be passed on: see [Cutter.Flush].
const QueueTime = 2 * minWait * time.Millisecond

// Clock is what time it is: locally, and what to add to that for the true time.
type Clock struct {
	Now        time.Time
	Correction time.Duration
}

func (c Clock) truth() time.Duration {
	return time.Duration(c.Now.Add(c.Correction).UnixNano())
}

// Track is what a Cutter knows of a track.
type Track struct{ Video bool }

// Frame is a frame of one of the tracks. Frames of one track come in the order of
// decoding.
type Frame struct {
	Lane  int           // index of the track
	PTS   time.Duration // on the clock of the track
	Time  time.Time     // of capture, by the local clock; zero if unknown
	Key   bool          // decoding can begin here; all sound has it
	Data  []byte
	Units [][]byte   // see Sample
	Entry *mkv.Track // describes the track from this frame on: another pointer, another description
}

// Cutter makes fragments of frames.
type Cutter struct {
	Window Window

	lanes    []*lane // by index
	order    lanes   // video first
	lead     *lane   // whose key frames begin fragments
	tags     func() []byte
	maxBytes int
	desc     *Description

	begun  bool  // a frame of this sequence came
	sent   bool  // the service has seen timestamps: they cannot be moved any more
	newest int64 // timestamp, ms
	floor  int64 // the latest timestamp of complete fragments, ms
	first  int64 // the first timestamp on this clock, ms
	lost   span  // between what is missing first and last
	old    int64 // frames up to here were uploaded before
	last   time.Time
	queued int // frames in lanes
	bytes  int // of them
	unfit  int
	known  int // frames of this sequence that were uploaded before
	notes  []Note

	clock     Clock         // at the latest call
	corrected time.Duration // the correction that timestamps have
}

// New returns a Cutter of the tracks. Frames of at most so many bytes wait for those of
// other tracks. tags is called whenever a fragment is complete, and returns what follows
// it in the stream.
func New(tracks []Track, maxBytes int, tags func() []byte) *Cutter {
	c := &Cutter{maxBytes: maxBytes, tags: tags}
	for i, t := range tracks {
		c.lanes = append(c.lanes, &lane{Track: t, index: i})
	}
	c.order = slices.Clone(c.lanes)
	slices.SortStableFunc(c.order, func(a, b *lane) int {
		switch {
		case a.Video == b.Video:
			return 0
		case a.Video:
			return -1
		}
		return 1
	})
	c.lead = c.order[0]
	c.Reset()
	return c
}

// Unfit returns how many frames there was no place for.
func (c *Cutter) Unfit() int { return c.unfit }

// Known returns how many frames of the sequence were uploaded before.
func (c *Cutter) Known() int { return c.known }

// Last returns when the last frame came, or what took its place: see Wait.
func (c *Cutter) Last() time.Time { return c.last }

// Wait notes that no frame can come for the moment, which is no pause.
func (c *Cutter) Wait(now time.Time) { c.last = now }

// Queued returns how many bytes of frames wait for those of other tracks.
func (c *Cutter) Queued() int { return c.bytes }

// Add takes a frame. Its error is [ErrPTS] or [ErrUnaligned]: the frame has no place
// in time, and is left out.
func (c *Cutter) Add(f Frame, clock Clock) error {
	if f.PTS.Abs() > maxPTS {
		c.unfit++
		return ErrPTS
	}
	l := c.lanes[f.Lane]
	c.Correct(clock)
	t := tick{pts: f.PTS, now: clock.Now}
	if s := f.Time.Unix(); s >= 0 && s < maxTime {
		t.timed, t.time = true, time.Duration(f.Time.UnixNano())+clock.Correction
	}
	if !c.begun {
		c.resume(l, t)
	}
	c.last = clock.Now
	at, ok := c.place(l, t)
	if !ok {
		c.unfit++
		return ErrUnaligned
	}
	if c.newest != never && at > c.newest+pauseGap {
		c.Pause()
	} else {
		c.compare(l, at)
	}
	if c.newest == never || at > c.newest+pauseGap { // as if all flowed, so they are waited for
		for _, l := range c.lanes {
			l.newest = max(l.newest, at-1)
		}
	}
	stamp := l.stamp(at, f.Key)
	if l == c.lead && l.Video && stamp > at { // it goes on from there, and the others with it
		l.line.shift(time.Duration(stamp-at) * time.Millisecond)
	}
	at = stamp
	order := at - l.depth
	if at > l.last { // so are all that come after it
		order = max(order, l.last+1)
	}
	l.last, l.newest, c.newest = max(l.last, at), max(l.newest, at), max(c.newest, at)
	l.push(queued{at: at, order: order, key: f.Key, data: f.Data, units: f.Units, entry: f.Entry})
	c.queued++
	c.bytes += len(f.Data)
	c.release(c.queued > maxQueued || c.bytes > c.maxBytes)
	return nil
}

// Pause ends the fragment, as no frame may come for a while.
func (c *Cutter) Pause() {
	c.Flush()
	c.complete(true)
}

// Flush passes on the frames that wait for those of other tracks.
func (c *Cutter) Flush() { c.release(true) }

// Sent notes that the service has seen timestamps: they cannot be moved any more.
func (c *Cutter) Sent() { c.sent = true }

// GiveUp takes a fragment out of the window for good. If it is being built, the next
// one begins with a key frame, as what the frames to come refer to is lost.
func (c *Cutter) GiveUp(f *Fragment) {
	if f == c.Window.Open {
		c.complete(false)
		for _, l := range c.lanes {
			l.keyed = !l.Video
		}
	}
	c.Window.Remove(f)
}

// release passes on the frames that need not wait any more.
func (c *Cutter) release(all bool) {
	for {
		l := c.order.next(c.lead, c.Window.Open != nil, all)
		if l == nil {
			return
		}
		q := c.pop(l)
		if !c.put(l, q, all) {
			c.unfit++
		}
	}
}

// pop takes the first frame out of a lane's queue.
func (c *Cutter) pop(l *lane) queued {
	q := l.pop()
	c.queued--
	c.bytes -= len(q.data)
	return q
}

// put adds a frame to the fragment that it belongs to, and reports whether there
// is one. all says that no frame is waited for.
func (c *Cutter) put(l *lane, q queued, all bool) bool {
	if c.old > 0 && q.at <= c.old {
		c.known++
		return true
	}
	l.entry = q.entry
	l.keyed = l.keyed || q.key
	o := c.Window.Open
	cut := o != nil && c.cuts(o, l, q)
	if cut {
		c.complete(q.at-o.Start < minFragment) // ended, it may be short
	}
	if o == nil || cut {
		if o = c.begin(l, q, cut || all && c.lead.keyed); o == nil {
			return false
		}
		q.at = o.Start
	}
	if !l.keyed {
		return false
	}
	if o.Description.Number(l.index) == 0 {
		c.note(l, Undeclared, 0)
		return false
	}
	// Raised, a timestamp is not later than the fragment's first: no limit is passed.
	at := max(q.at, c.floor+1, o.Start+math.MinInt16)
	c.add(l, q, at)
	return true
}

func (c *Cutter) add(l *lane, q queued, at int64) {
	c.Window.add(Sample{At: at, Data: q.data, Units: q.units, Lane: l.index, Key: q.key})
	l.in = true
}

// whole reports whether the fragment being built has frames of all tracks that it
// declares.
func (c *Cutter) whole() bool {
	for _, lane := range c.Window.Open.Description.Lanes {
		if !c.lanes[lane].in {
			return false
		}
	}
	return true
}

// cuts reports whether a fragment ends before a frame.
func (c *Cutter) cuts(o *Fragment, l *lane, q queued) bool {
	long := q.at - o.Start
	least := int64(minFragment)
	if !c.lead.Video {
		least = soundFragment
	}
	leads := o.Description.Number(c.lead.index) != 0
	switch {
	case l == c.lead && (!leads && l.keyed || q.key && long >= least && c.whole()):
		return true
	case l == c.lead && long+(q.at-o.lastOf(l.index)) > longFragment:
		return long > 0
	case !leads && l.index == o.Description.Lanes[0] && long >= soundFragment && c.whole():
		return true
	}
	return long > endFragment || o.Bytes+len(q.data) > min(MaxBytes, fragmentShare*c.maxBytes)
}

// begin begins a fragment with a frame, if one can begin with it: one of the
// leading track, or any if that track does not come. The tracks of which no frame
// comes soon are not declared: the service refuses a fragment that lacks frames
// of a track. now says that the leading track cannot be waited for.
func (c *Cutter) begin(l *lane, q queued, now bool) *Fragment {
	absent := q.at-c.lead.newest > pauseGap
	if !l.keyed || l != c.lead && !absent && !now {
		return nil
	}
	q.at += c.fit(l)
	start := c.floor + 1
	if behind := start - q.at; behind > 0 {
		c.move(behind) // so that the frames to come keep their distance
	}
	start = max(start, q.at)
	d := &Description{}
	for _, other := range c.order {
		w := other.waiting()
		switch {
		case other == l:
			d.Lanes, d.Entries = append(d.Lanes, l.index), append(d.Entries, q.entry)
		case len(w) == 0 || w[0].at-q.at > near || !other.keyed && !w[0].key || q.at < other.back:
			if c.desc != nil && c.desc.Number(other.index) != 0 {
				other.back = q.at + int64(min(other.stops, 10))*1000
				other.stops++
			}
		default:
			d.Lanes, d.Entries = append(d.Lanes, other.index), append(d.Entries, w[0].entry)
		}
	}
	c.first = min(c.first, start)
	if c.desc == nil || !slices.Equal(c.desc.Lanes, d.Lanes) || !slices.Equal(c.desc.Entries, d.Entries) {
		c.desc = d
	}
	o := &Fragment{Description: c.desc, Start: start, End: start, Before: c.floor, Key: q.key && l.index == d.Lanes[0]}
	c.Window.begin(o)
	for _, l := range c.lanes {
		l.in = false
	}
	return o
}

// complete ends the fragment being built; ends says whether for a pause.
func (c *Cutter) complete(ends bool) {
	o := c.Window.Open
	if o == nil {
		return
	}
	for _, lane := range o.Description.Lanes { // what waits comes early, or the service refuses the fragment
		if l := c.lanes[lane]; !l.in && len(l.waiting()) > 0 {
			q := c.pop(l)
			c.add(l, q, max(q.at, c.floor+1))
		}
	}
	o.Complete, o.Ends, o.Tags = true, ends, c.tags()
	c.floor = max(c.floor, o.End)
	c.Window.Open = nil
}

// Errors of [Cutter.Add], and ErrUndeclared of frames that it took: see [Undeclared].
var (
	ErrPTS       = errors.New("its PTS is out of range: at most 140 years from zero, either way")
	ErrUnaligned = errors.New("its track cannot be aligned with the picture: " +
		"its PTS is more than 5 s from the picture's, and its Time is not set or is of another moment; let all tracks have the time of their capture")
	ErrUndeclared = errors.New("the fragment of its time began without its track, of which no frame had come; " +
		"let sound come within 5 s of the picture, and without pauses")
)

// Bounds of what is computed with: differences of both fit into a time.Duration.
const (
	maxPTS  = 140 * 365 * 24 * time.Hour
	maxTime = 4_102_444_800 // s since 1970: the year 2100
)
