package kvsmedia

import (
	"math"
	"slices"
	"time"
)

// How fragments are cut: the service takes 1 to 20 seconds and 50 MB ("Amazon
// Kinesis Video Streams service quotas").
const (
	minFragment   = 1000  // ms
	soundFragment = 2000  // ms, where no video sets the rhythm
	longFragment  = 19500 // ms; the next frame of the leading track must not come later
	endFragment   = 19900 // ms; whatever comes later begins a new one
	fragmentBytes = 48 << 20

	restartGap = 2 * time.Second // PTS that goes back by more begins anew
	pauseGap   = 5 * time.Second // nothing came for so long: a pause
	maxQueued  = 1000            // frames that wait for those of other tracks
)

// fragmenter makes fragments of frames. It does no I/O and reads no clock.
type fragmenter struct {
	window   *window
	timeline timeline
	lanes    lanes // video first
	lead     *lane // whose key frames begin fragments
	desc     *description
	tags     fragmentTags

	begun  bool          // a frame of this upload came
	newest time.Duration // PTS
	floor  int64         // the latest timestamp of complete fragments
	old    int64         // frames up to here were uploaded before
	last   time.Time     // when the last frame came
	queued int           // frames in lanes
	nalus  [][]byte      // of the frame at hand; reused
	unfit  int           // frames that could not be stored

	corrected time.Duration // the correction that timestamps have
}

// clock is what time it is: locally, and what to add to that.
type clock struct {
	now        time.Time
	correction time.Duration
}

func (c clock) truth() time.Time { return c.now.Add(c.correction) }

func newFragmenter(w *window, tracks []*muxTrack) *fragmenter {
	f := &fragmenter{window: w}
	for _, video := range []bool{true, false} {
		for _, t := range tracks {
			if t.Codec.Video() == video {
				f.lanes = append(f.lanes, &lane{muxTrack: t})
			}
		}
	}
	f.lead = f.lanes[0]
	return f
}

// reset makes ready for another sequence of frames.
func (f *fragmenter) reset() {
	f.begun = false
	for _, l := range f.lanes {
		l.queue, l.taken, l.keyed, l.stops, l.back = nil, 0, false, 0, 0
	}
	f.queued, f.desc = 0, nil
}

// add takes a frame. An error says why the frame cannot be stored; it is then
// left out. Frames of other tracks are passed by.
func (f *fragmenter) add(fr *Frame, c clock) error {
	i := slices.IndexFunc(f.lanes, func(l *lane) bool { return l.Track == fr.Track })
	if i < 0 {
		return nil
	}
	l := f.lanes[i]
	nalus, err := l.head(f.nalus[:0], fr.Data)
	key := false
	if err == nil {
		key, err = l.examine(nalus, fr.Key)
	}
	clear(nalus)
	f.nalus = nalus
	if err != nil {
		f.unfit++
		return err
	}
	q := queued{pts: fr.PTS + l.delay, key: key, data: fr.Data}
	if !fr.Time.IsZero() {
		q.time = fr.Time.Round(0).Add(c.correction)
	}
	f.correct(c)
	if !f.begun || q.pts < l.newest-restartGap || q.pts > f.newest+pauseGap {
		f.resume(q, c)
	}
	f.last = c.now
	l.newest, f.newest = max(l.newest, q.pts), max(f.newest, q.pts)
	l.queue = append(l.queue, q)
	f.queued++
	f.release(f.queued > maxQueued, c)
	return nil
}

// resume begins anew with a frame, at the start, after a pause or when PTS
// starts again.
func (f *fragmenter) resume(q queued, c clock) {
	first := !f.begun
	if first {
		f.begun = true
		again := f.timeline.begun && !q.time.IsZero() &&
			(time.Duration(q.time.UnixNano())-q.pts-f.timeline.offset).Abs() <= clockSlack
		if again { // the same clock as in an upload before: these frames may have been in it
			f.old = f.floor
		} else {
			f.timeline, f.floor, f.old = timeline{}, 0, 0
		}
	} else {
		f.pause(c)
	}
	if !first || f.old == 0 {
		f.timeline.anchor(q.pts, q.time, c.truth(), f.floor)
	}
	f.newest = q.pts
	for _, l := range f.lanes {
		l.newest = q.pts - 1 // as if it flowed, so it is waited for
	}
}

// pause ends the fragment, as no frame may come for a while.
func (f *fragmenter) pause(c clock) {
	f.release(true, c)
	f.complete(true)
}

// release passes on the frames that need not wait any more.
func (f *fragmenter) release(all bool, c clock) {
	for {
		first := f.lead // fragments begin with it, where that is possible
		if f.window.open != nil {
			first = nil
		}
		l, q := f.lanes.next(first, all)
		if l == nil {
			return
		}
		f.queued--
		if !f.put(l, q, all, c) {
			f.unfit++
		}
	}
}

// put adds a frame to the fragment that it belongs to, and reports whether there
// is one. all says that no frame is waited for.
func (f *fragmenter) put(l *lane, q queued, all bool, c clock) bool {
	if f.old > 0 && f.timeline.at(q.pts) <= f.old {
		return true // it was uploaded before
	}
	l.keyed = l.keyed || q.key
	at := f.timeline.at(q.pts)
	o := f.window.open
	cut := o != nil && f.cuts(o, l, q, at)
	if cut {
		f.complete(false)
	}
	if o == nil || cut {
		if o = f.begin(l, q, cut || all && f.lead.keyed, c); o == nil {
			return false
		}
		at = o.start
	}
	if !l.keyed || o.desc.number(l) == 0 {
		return false
	}
	at = max(at, f.floor+1, o.start+math.MinInt16)
	f.window.add(sample{at: at, data: q.data, lane: l, key: q.key})
	return true
}

// correct takes notice of what is known of the clock.
func (f *fragmenter) correct(c clock) {
	d := c.correction - f.corrected
	f.corrected = c.correction
	if f.timeline.begun && !f.timeline.sent && d.Abs() > clockSlack {
		f.timeline.offset += d
		f.shift(d)
	}
}

// shift moves what was stamped already.
func (f *fragmenter) shift(d time.Duration) {
	ms := milliseconds(d)
	f.window.shift(ms)
	if f.floor > 0 {
		f.floor += ms
	}
}

// cuts reports whether a fragment ends before a frame.
func (f *fragmenter) cuts(o *fragment, l *lane, q queued, at int64) bool {
	long := at - o.start
	least := int64(minFragment)
	if !f.lead.Codec.Video() {
		least = soundFragment
	}
	leads := o.desc.number(f.lead) != 0
	switch {
	case l == f.lead && (!leads && l.keyed || q.key && long >= least):
		return true
	case l == f.lead && long+(at-o.lastOf(l)) > longFragment:
		return long > 0
	case !leads && l == o.desc.lanes[0] && long >= soundFragment:
		return true
	}
	return long > endFragment || o.bytes+len(q.data) > fragmentBytes
}

// lastOf returns the timestamp of a lane's last frame, or of the fragment's first.
func (f *fragment) lastOf(l *lane) int64 {
	for i := len(f.samples) - 1; i >= 0; i-- {
		if f.samples[i].lane == l {
			return f.samples[i].at
		}
	}
	return f.start
}

// begin begins a fragment with a frame, if one can begin with it: one of the
// leading track, or any if that track does not come. The tracks of which no frame
// comes soon are not declared: the service refuses a fragment that lacks frames
// of a track. now says that the leading track cannot be waited for.
func (f *fragmenter) begin(l *lane, q queued, now bool, c clock) *fragment {
	absent := q.pts-f.lead.newest > pauseGap
	if !l.keyed || l != f.lead && !absent && !now {
		return nil
	}
	var flow []*lane
	for _, other := range f.lanes {
		w := other.waiting()
		switch {
		case other == l:
		case len(w) == 0 || w[0].pts-q.pts > waitFor || !other.keyed && !w[0].key || q.pts < other.back:
			if f.desc != nil && f.desc.number(other) != 0 {
				other.back = q.pts + time.Duration(min(other.stops, 10))*time.Second
				other.stops++
			}
			continue
		}
		flow = append(flow, other)
	}
	desc, err := describe(f.desc, flow)
	if err != nil {
		return nil // parameter sets that cannot be read
	}
	f.desc = desc
	if move := f.timeline.fit(q.pts, q.time, c.truth()); move != 0 {
		f.shift(move)
	}
	at := max(f.timeline.at(q.pts), f.floor+1)
	o := &fragment{desc: desc, start: at, end: at, before: f.floor, key: q.key && l == flow[0]}
	f.window.begin(o)
	return o
}

// complete ends the fragment being built; ends says whether for a pause.
func (f *fragmenter) complete(ends bool) {
	o := f.window.open
	if o == nil {
		return
	}
	o.complete, o.ends, o.tags = true, ends, f.tags.append(nil)
	f.floor = max(f.floor, o.end)
	f.window.open = nil
}

// interrupt makes the next fragment begin with a key frame: what the frames to
// come refer to is lost.
func (f *fragmenter) interrupt() {
	for _, l := range f.lanes {
		l.keyed = !l.Codec.Video()
	}
}
