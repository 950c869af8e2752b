package kvsmedia

import (
	"fmt"
	"time"
)

const (
	idleAfter   = 15 * time.Second // without frames a session is ended; the service does it after 30 s
	minPatience = 7 * time.Second  // for progress
	maxPatience = time.Minute
	overdue     = 6 // patiences for one acknowledgement while others come
)

// patience is how long the service may take for progress, as it is known to.
type patience time.Duration

func (p *patience) limit() time.Duration { return max(time.Duration(*p), minPatience) }

// learn takes notice of how long an acknowledgement took.
func (p *patience) learn(took time.Duration) {
	*p = patience(min(max(minPatience, p.limit()-time.Second, 3*took), maxPatience))
}

// grow doubles it, as it has come to its end.
func (p *patience) grow() { *p = patience(min(2*p.limit(), maxPatience)) }

// check looks for what takes too long, and for the time to end. idle is for how long
// no frame came. The caller holds the lock.
func (s *session) check(now time.Time, idle time.Duration) {
	switch {
	case s.stalled:
	case !s.accepted:
		s.stall(now, s.start, answerLimit, "answer")
		return
	case !s.writing.IsZero():
		s.stall(now, s.writing, s.patience.limit(), "progress in sending")
	case s.finished && !s.owes() && now.Sub(s.progress) > closeGrace:
		s.fail(errClosedSession)
	}
	for _, f := range s.out.window.Fragments {
		if due := f.Due(); f.Session == s.number && !due.IsZero() {
			s.stall(now, later(due, s.progress), s.patience.limit(), "acknowledgement")
			s.stall(now, due, overdue*s.patience.limit(), "acknowledgement of a fragment")
		}
	}
	if s.leaving || now.Before(s.deadline) && !(idle >= idleAfter && s.cur == nil && s.out.window.Unsent(s.number) == nil) {
		return
	}
	s.leaving = true
	s.out.moved.Broadcast()
}

// stall ends the session if something has not happened for too long.
func (s *session) stall(now, since time.Time, limit time.Duration, what string) {
	if took := now.Sub(since); took > limit && !s.stalled {
		s.stalled = true
		s.patience.grow()
		s.fail(fmt.Errorf("kvsmedia: no %s for %v: the connection is taken for dead", what, took.Round(time.Second)))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
