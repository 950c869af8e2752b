package kvsmedia

import "time"

const (
	clockError = 5 * time.Second        // of the local clock, below which it is taken as right: Date counts seconds
	clockSlack = 2 * time.Second        // differences below are jitter
	driftSlack = 100 * time.Millisecond // of PTS against the wall clock, before it is made up for
	driftStep  = time.Millisecond       // at most, at each fragment
	clockLife  = time.Hour              // of what was learned: clocks drift, and monotonic ones stop in sleep
)

// serverClock is what is known of the service's clock.
type serverClock struct{ date, at time.Time } // Date of an answer, and when it came

// correction returns what is to be added to the local wall clock. The time since
// the answer is counted on the monotonic clock, so it is right also after the
// wall clock was set.
func (c serverClock) correction(now time.Time) time.Duration {
	since := now.Sub(c.at)
	if c.date.IsZero() || since > clockLife {
		return 0
	}
	if d := c.date.Add(since).Sub(now.Round(0)); d.Abs() > clockError {
		return d
	}
	return 0
}

// timeline gives frames their timestamps: time since 1970. They follow PTS, so
// a wall clock that is set does not tear fragments apart, and begin with the
// first frame's Time.
type timeline struct {
	begun  bool
	offset time.Duration // from PTS to timestamps
	sent   bool          // the service has seen timestamps: they cannot be moved any more
}

func (l *timeline) at(pts time.Duration) int64 { return milliseconds(pts + l.offset) }

// anchor sets the timestamp of a frame with which PTS begins anew, or goes on
// after a gap: the frame's true time, which is zero if it is not known, but
// later than floor. A PTS that agrees with the true time goes on as it was.
func (l *timeline) anchor(pts time.Duration, truth, now time.Time, floor int64) {
	mapped := pts + l.offset
	if truth.IsZero() {
		if l.begun && milliseconds(mapped) > floor {
			return
		}
		truth = now
	}
	want := time.Duration(truth.UnixNano())
	if l.begun && (want-mapped).Abs() <= clockSlack && milliseconds(mapped) > floor {
		return
	}
	l.offset = max(want, time.Duration(floor+1)*time.Millisecond) - pts
	l.begun = true
}

// fit brings the timeline nearer to a frame's true time, where a fragment
// begins. now is the true time of this moment, which no frame can be later than.
// As long as nothing was sent everything can be moved, and move says by how much;
// later a leap forward leaves a gap, and what is left is made up for step by step.
func (l *timeline) fit(pts time.Duration, truth, now time.Time) (move time.Duration) {
	if truth.IsZero() {
		return 0
	}
	d := time.Duration(truth.UnixNano()) - (pts + l.offset)
	switch {
	case d.Abs() <= driftSlack || truth.After(now.Add(clockSlack)):
		return 0
	case d.Abs() > clockSlack && !l.sent:
		l.offset += d
		return d
	case d > clockSlack:
		l.offset += d
	default:
		l.offset += min(max(d, -driftStep), driftStep)
	}
	return 0
}
