package roll

import (
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Frame takes a frame of the loop, which arrived now.
func (r *Roll) Frame(now time.Duration, f kvsmedia.Frame) []Step {
	r.call(now)
	if !r.looping {
		return nil
	}
	if f.PTS.Abs() > maxPTS || !slices.Contains(r.cfg.Tracks, f.Track) {
		r.left += f.Skipped
		return nil
	}
	r.arrived = now
	lead := f.Track == r.lead
	if lead {
		r.follow(now, f)
	}
	key := lead && f.Key && !r.pass
	r.pass = r.pass && !(lead && f.Key)
	switch {
	case r.recording && key:
		r.turn(now, f.PTS)
	case r.recording:
		r.cutLong(f.PTS)
	case key && r.unrecorded(now, f.PTS) && (r.wanted || r.cfg.Continuous):
		r.resume(now, f.PTS)
	}
	if !r.recording {
		r.left += f.Skipped + 1
		return r.steps
	}
	if r.told {
		f.Skipped += r.left
	}
	r.told, r.left = true, 0
	r.file.bytes += int64(len(f.Data))
	r.step(Step{Kind: Frame, Clip: r.file.clip, Frame: f, Lead: lead})
	if r.clock.live {
		r.anchor()
		r.lateness()
	}
	return r.steps
}

// follow takes note of when a frame of the leading track came.
func (r *Roll) follow(now time.Duration, f kvsmedia.Frame) {
	if r.clock.jumps(now, f.PTS, f.Key) {
		r.halt(Jump, r.clock.newest+1)
		r.clock = clock{began: now}
		r.recorded, r.ended, r.lastKey, r.reached = never, never, never, never
	}
	if f.Skipped > 0 || f.PTS-r.clock.pts > pauseTime {
		r.lastKey = never
	}
	r.clock.add(now, f.PTS)
	if r.clock.live && r.reached != never {
		got := r.clock.began - (r.reached + r.clock.offset())
		if r.asked-got > settleTime && r.clock.began-r.since >= r.asked {
			r.warn(ShortReach, r.asked, got)
		}
		r.reached = never
	}
	if !f.Key {
		return
	}
	r.keyed, r.warned[MissingKey] = now, false
	if r.lastKey != never {
		r.gop = min(f.PTS-r.lastKey, oldest)
		if r.gop > r.cfg.PreRoll && r.cfg.PreRoll > 0 {
			r.warn(LongGOP, r.cfg.PreRoll, r.gop)
		}
	}
	r.lastKey = f.PTS
}

// turn ends before a key frame what is to end, and begins what is to follow.
func (r *Roll) turn(now, pts time.Duration) {
	if r.clip.begun {
		switch {
		case r.over(pts, 0):
			r.complete(EventOver, pts)
		case pts+r.gop > r.clip.from+r.cfg.Longest:
			r.split(Longest, pts)
		}
	}
	if r.cfg.Continuous {
		r.note(pts)
		if pts-r.file.from >= r.cfg.FileTime || r.file.bytes >= r.cfg.FileBytes {
			r.closeFile(Longest)
			r.file = file{from: pts}
		}
	}
	if r.wanted && !r.clip.begun {
		r.resume(now, pts)
	}
}

// cutLong cuts a clip in which no key frame has come for long.
func (r *Roll) cutLong(pts time.Duration) {
	switch {
	case !r.clip.begun:
	case r.over(pts, keyTime):
		r.complete(EventOver, r.clock.newest+1)
	case pts > r.clip.from+r.cfg.Longest+keyTime && !r.behind():
		r.split(Longest, r.clock.newest+1)
	}
}

// over reports whether the event and its post-roll were over some time before pts.
func (r *Roll) over(pts, before time.Duration) bool {
	return r.clock.live && pts-before >= r.last+r.cfg.PostRoll-r.clock.offset()
}

// complete ends the clip for good.
func (r *Roll) complete(reason Reason, until time.Duration) {
	r.split(reason, until)
	r.wanted = false
	r.looping = r.looping && r.cfg.Continuous
}

// split ends the clip, which another one may follow.
func (r *Roll) split(reason Reason, until time.Duration) {
	if r.cfg.Continuous {
		r.end(reason, until)
		return
	}
	r.halt(reason, until)
}

// unrecorded reports whether a frame was not passed on in the loop before, which the
// pre-roll may reach into. If it was, or so it seems, long after the pre-roll has been
// read, then media time has been set back.
func (r *Roll) unrecorded(now, pts time.Duration) bool {
	if pts < r.recorded && now-r.clock.began > preRollEnd {
		r.recorded, r.ended = never, never
	}
	r.overlap = r.overlap || pts < r.recorded
	return pts >= r.recorded
}

// resume begins to record with a key frame, or the clip that follows with it.
func (r *Roll) resume(now, pts time.Duration) {
	if r.wanted && !r.clip.open {
		r.begin(now, nil, r.before)
	}
	if !r.recording {
		if !r.told && !r.overlap && !r.cfg.Continuous {
			r.reached = pts
		}
		r.recording, r.file = true, file{clip: r.clip.id, from: pts}
		if r.cfg.Continuous {
			r.file.clip = ID{}
			r.note(pts)
		}
	}
	if r.clip.open {
		r.span(pts)
	}
}

// begin begins a clip, whose frames are yet to come.
func (r *Roll) begin(now time.Duration, e *Event, follows ID) {
	r.clip = clip{open: true, id: r.cfg.NewID(), since: now}
	r.clip.told = []told{r.latest} // the event goes on
	if e != nil {
		first := *e
		first.Held = nil
		r.clip.events, r.clip.told[0], r.clip.first = 1, told{e.ID, e.Score, len(e.Held) > 0}, &first
	}
	r.step(Step{Kind: Begin, Clip: r.clip.id, Event: e, Follows: follows})
}

// span says with which frame the clip begins.
func (r *Roll) span(from time.Duration) {
	r.clip.begun, r.clip.from = true, from
	if r.cfg.Continuous {
		r.step(Step{Kind: Span, Clip: r.clip.id, From: from})
	}
	if r.clock.live {
		r.lateness()
	}
}

// lateness looks, when it can be known, whether the clip began after its event.
func (r *Roll) lateness() {
	e := r.clip.first
	if e == nil || !r.clip.begun {
		return
	}
	since := e.At
	if r.ended != never && !r.deleted { // the clip before has what is before that
		since = max(since, r.ended+r.clock.offset())
	}
	if late := r.clip.from + r.clock.offset() - since; late > settleTime {
		r.step(Step{Kind: Late, Clip: r.clip.id, Event: e, Want: since - e.At, Got: late})
	}
	r.clip.first = nil
}

// halt ends the file and a clip that has frames: no frame follows for the moment.
func (r *Roll) halt(reason Reason, until time.Duration) {
	if !r.recording {
		return
	}
	if r.cfg.Continuous {
		if r.clip.begun {
			r.end(reason, until)
		}
		r.closeFile(reason)
	} else {
		r.anchorLast(reason)
		r.end(reason, until)
	}
	r.recording, r.recorded = false, until
	r.keys = r.keys[:0]
}

// end ends the clip, whether or not it has frames.
func (r *Roll) end(reason Reason, until time.Duration) {
	if !r.clip.open {
		return
	}
	s := Step{Kind: End, Clip: r.clip.id, Reason: reason, Events: r.clip.events}
	if r.clip.begun {
		s.From, s.Until = r.clip.from, until
		r.ended = until
	}
	r.deleted = reason == Deleted
	r.step(s)
	r.before, r.latest, r.clip = r.clip.id, r.clip.told[len(r.clip.told)-1], clip{}
}

func (r *Roll) closeFile(reason Reason) {
	r.anchorLast(reason)
	r.step(Step{Kind: Cut, Reason: reason})
}

// anchorLast anchors a file that ends. One that another follows while the pre-roll is read is
// anchored by that: offset is too large by what is not read yet.
func (r *Roll) anchorLast(reason Reason) {
	if reason != Longest || !r.behind() {
		r.anchor()
	}
}

// behind reports whether the loop is reading its pre-roll. A source that is never live is not
// when it has yielded more than that has.
func (r *Roll) behind() bool {
	c := &r.clock
	return !c.live && c.newest-c.first <= r.asked+(c.arrived-c.began)+keyTime
}

func (r *Roll) anchor() {
	if !r.file.anchored {
		r.file.anchored = true
		r.step(Step{Kind: Anchor, Clip: r.file.clip, Offset: r.clock.offset()})
	}
}

// note remembers a key frame of the recording.
func (r *Roll) note(pts time.Duration) {
	n := len(r.keys)
	if n > 0 && pts-r.keys[n-1] < keySpacing && pts != r.ended {
		return
	}
	if n == maxKeys {
		r.keys = slices.Delete(r.keys, 0, maxKeys/2)
	}
	r.keys = append(r.keys, pts)
}

// keyBefore returns the last key frame of the recording that is not after pts; or the
// first one, if all are, that no clip has yet.
func (r *Roll) keyBefore(pts time.Duration) (time.Duration, bool) {
	first, _ := slices.BinarySearch(r.keys, r.ended)
	after, found := slices.BinarySearch(r.keys, pts)
	if found {
		after++
	}
	i := max(first, after-1)
	if i >= len(r.keys) {
		return 0, false
	}
	return r.keys[i], true
}
