package fragment

import "time"

const (
	clockSlack = 2 * time.Second // of the picture's time line against the clock: below, it is approached smoothly
	driftStep  = time.Millisecond

	leapSlack  = 300 * time.Millisecond // if PTS and capture time differ by more from one frame to the next, one has leapt
	leapPTS    = time.Second            // PTS does not change by more from one frame to the next without a reason
	leapDoubt  = 2 * time.Second        // for which it is unclear which has leapt: a burst or a wrong capture time passes
	leapAgreed = 5 * time.Second        // after which all tracks have seen a leap of capture times
	restartGap = 2 * time.Second        // PTS that goes back by more begins anew

	smoothing = 2 * time.Second       // over which capture times are averaged
	deadBand  = 12 * time.Millisecond // deviation that is left alone: capture times jitter
	settled   = 4 * time.Millisecond  // deviation at which making up for one ends
	catchUp   = 20                    // a time line runs at most by one part of so many faster or slower to make up for one
	resync    = time.Second           // deviation of a track against the picture that is not made up for smoothly

	maxApart = 5 * time.Second // of tracks; those that differ by more cannot be of the same moment
)

// line is the time line of one track. It gives frames their timestamps: PTS with an
// offset that changes smoothly as the track's clock drifts against capture times, and
// at once where PTS leaps. Where capture times leap, the line goes on.
type line struct {
	begun  bool
	offset time.Duration // from PTS to timestamps
	pts    time.Duration // of the latest frame
	came   time.Time     // and when it came

	timed   bool          // frames have capture times
	time    time.Duration // the latest, since 1970
	truth   time.Duration // from PTS to capture times without their leaps, smoothed
	leaps   time.Duration // sum of the leaps of capture times
	ahead   time.Duration // from truth to the offset, as it is meant to be where the line follows no other
	samples int           // that truth is made of
	slewing bool          // the offset is being changed
	changed time.Time     // when leaps did
	doubt   bool          // PTS and capture times have come apart since the moment sure
	sure    moment
}

type moment struct {
	pts, time time.Duration
	came      time.Time
}

// tick is one frame as a line sees it.
type tick struct {
	pts   time.Duration
	time  time.Duration // of capture, since 1970
	timed bool          // time is known
	now   time.Time
}

// expect returns the timestamp that a frame coming now would have, going by when the
// latest one came.
func (l *line) expect(now time.Time) time.Duration { return l.pts + l.offset + now.Sub(l.came) }

// apart returns how far a timestamp is from those that the track has about now. Of frames
// that do not come in real time, now says nothing.
func (l *line) apart(stamp time.Duration, now time.Time) time.Duration {
	return max(l.pts+l.offset-stamp, stamp-l.expect(now))
}

// near reports whether another track's frame has about the PTS that this one has now,
// so that they share its clock.
func (l *line) near(t tick) bool { return l.apart(t.pts+l.offset, t.now) <= maxApart }

// deviation returns by how much the line is ahead of the track's capture times, without
// their leaps.
func (l *line) deviation() time.Duration {
	if !l.timed {
		return 0
	}
	return l.offset - l.truth
}

// late returns by how much the line is meant to be behind the track's capture times as
// they are.
func (l *line) late() time.Duration {
	if !l.timed || l.doubt {
		return 0
	}
	return l.leaps - l.ahead
}

// agree has the line take the leaps of capture times as another one of the same clock
// knows them, once both have seen them: small ones look like drift to one and not to the
// other.
func (l *line) agree(ref *line) {
	d := l.leaps - ref.leaps
	if d == 0 || d.Abs() > maxApart || l.doubt || ref.doubt || l.came.Sub(l.changed) < leapAgreed || l.came.Sub(ref.changed) < leapAgreed {
		return
	}
	l.leaps -= d
	l.truth += d
}

// shift moves the line.
func (l *line) shift(d time.Duration) {
	l.offset += d
	l.ahead += d
}

// correct moves the capture times to come: the clock that they are of is off by d more.
func (l *line) correct(d time.Duration) {
	if !l.timed {
		return
	}
	l.time += d
	l.sure.time += d
	l.leaps += d
}

// begin begins the line. ref is that of another track, or nil; truth the time of the
// moment. It reports false if the track cannot be aligned with the other one.
func (l *line) begin(t tick, ref *line, must bool, truth time.Duration) bool {
	*l = line{begun: true, pts: t.pts, came: t.now, timed: t.timed, time: t.time, samples: 1}
	if ref != nil {
		l.leaps = ref.leaps
		if t.timed && ref.timed {
			l.truth = t.time - l.leaps - t.pts
			l.offset, l.ahead = l.truth+ref.deviation(), ref.ahead
			if ref.apart(t.pts+l.offset, t.now) <= maxApart {
				return true
			}
		}
		if ref.near(t) {
			l.offset = ref.offset
			l.truth = l.offset - ref.deviation()
			l.leaps, l.ahead = t.time-t.pts-l.truth, ref.ahead
			return true
		}
		if !must {
			l.begun = false
			return false
		}
	}
	if t.timed {
		truth = t.time
	}
	l.leaps, l.ahead, l.truth = 0, 0, truth-t.pts
	l.offset = l.truth
	return true
}

// follow takes notice of a frame, and reports by how much PTS has leapt, 0 if it has
// not.
func (l *line) follow(t tick) (leapt time.Duration) {
	at := moment{l.pts, l.time, l.came}
	expected := l.expect(t.now)
	dp, da := t.pts-l.pts, t.now.Sub(l.came)
	l.pts, l.came = t.pts, t.now
	switch {
	case !t.timed || !l.timed:
		if dp < -restartGap {
			leapt = l.restart(t, expected)
		}
		if t.timed { // from now on
			l.timed, l.time, l.samples = true, t.time, 1
			l.truth = t.time - t.pts
			l.leaps, l.ahead = 0, l.offset-l.truth
		}
		return leapt
	}
	dt := t.time - l.time
	l.time = t.time
	off := t.time - l.leaps - t.pts - l.truth
	apart, steady := off.Abs() > leapSlack, (dt-dp).Abs() <= leapSlack
	switch {
	case (dp.Abs() > leapPTS || da > PauseGap) && (dp-da).Abs() > leapPTS && (dp-dt).Abs() > leapSlack && (l.doubt || (dt-da).Abs() < (dp-da).Abs()):
		return l.leap(t, expected, l.doubt || (dt-da).Abs() > maxApart)
	case !apart:
		l.doubt = false
		l.learn(off, dp)
	case !l.doubt && !steady:
		l.doubt, l.sure = true, at
	case !l.doubt: // little by little, as from a burst with times of arrival
		l.learn(off, dp)
	case steady && max(t.now.Sub(l.sure.came), t.pts-l.sure.pts) > leapDoubt:
		l.doubt = false
		passed := t.now.Sub(l.sure.came)
		if (t.time - l.sure.time - passed).Abs() < (t.pts - l.sure.pts - passed).Abs() {
			return l.leap(t, expected, false)
		}
		l.leaps += off
		l.changed = t.now
	}
	return 0
}

// learn averages the difference of capture time and PTS.
func (l *line) learn(off, dp time.Duration) {
	weight := max(min(dp.Abs(), smoothing/10), time.Millisecond)
	if l.samples++; l.samples < int(smoothing/weight) {
		l.truth += off / time.Duration(l.samples)
		return
	}
	l.truth += time.Duration(float64(off) * float64(weight) / float64(smoothing))
}

// leap sets the line anew where PTS has leapt: by capture time or, if that is
// doubtful, by the time of arrival.
func (l *line) leap(t tick, expected time.Duration, doubtful bool) time.Duration {
	if doubtful {
		return l.restart(t, expected)
	}
	ahead, before := l.deviation(), l.offset
	l.truth, l.samples = t.time-l.leaps-t.pts, 1
	l.offset = l.truth + ahead
	return l.offset - before
}

// restart goes on with a PTS that has leapt as if the frame were due now.
func (l *line) restart(t tick, expected time.Duration) time.Duration {
	d := expected - t.pts - l.offset
	l.offset += d
	l.truth += d
	return d
}

// keepTime has a line that follows no other follow its capture times; dp is how far PTS
// went on. Large differences are for whoever begins a fragment.
func (l *line) keepTime(dp time.Duration) {
	if d := l.late(); d.Abs() <= clockSlack {
		most := max(min(dp, time.Second), 0) / catchUp
		l.ahead += min(max(d, -most), most)
	}
	l.approach(l.truth+l.ahead-l.offset, dp)
}

// approach changes the offset smoothly for a deviation; dp is how far PTS went on.
func (l *line) approach(deviation, dp time.Duration) {
	switch d := deviation.Abs(); {
	case d <= settled:
		l.slewing = false
	case d > deadBand:
		l.slewing = true
	}
	if l.slewing {
		most := max(min(dp, time.Second), 0) / catchUp
		l.offset += min(max(deviation, -most), most)
	}
}
