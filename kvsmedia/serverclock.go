package kvsmedia

import (
	"time"

	"github.com/smartcam-sdk/smartcam/internal/fragment"
)

const (
	clockError = 5 * time.Second // of the local clock, below which it is taken as right: Date counts seconds
	clockLife  = time.Hour       // of what was learned: clocks drift, and monotonic ones stop in sleep
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

// clock returns what is known of the time. control is the time by the answers of the
// control plane, which counts until media was answered.
func (c serverClock) clock(now, control time.Time) fragment.Clock {
	clock := fragment.Clock{Now: now, Correction: c.correction(now)}
	if d := control.Sub(now); c.date.IsZero() && d.Abs() > clockError {
		clock.Correction = d
	}
	return clock
}
