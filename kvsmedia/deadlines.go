package kvsmedia

import (
	"fmt"
	"time"
)

const (
	minPatience = 7 * time.Second // for progress
	maxPatience = time.Minute
	overdue     = 6 // patiences for one acknowledgement while others come

	maxRefusals = 10 // of a fragment for its content, each time another reason
)

// check looks for what takes too long, and for the time to end. The caller holds
// mu.
func (s *session) check(now time.Time, idle time.Duration) {
	switch {
	case s.stalled:
	case !s.accepted:
		s.stall(now, s.start, answerLimit, "answer")
		return
	case !s.writing.IsZero():
		s.stall(now, s.writing, s.patience, "progress in sending")
	case s.finished && !s.owes() && now.Sub(s.progress) > closeGrace:
		s.fail(errClosedSession)
	}
	for _, f := range s.window.fragments {
		if due := f.due(); f.by == s && !due.IsZero() {
			s.stall(now, later(due, s.progress), s.patience, "acknowledgement")
			s.stall(now, due, overdue*s.patience, "acknowledgement of a fragment")
		}
	}
	if s.leaving || now.Before(s.deadline) && !(idle >= idleAfter && s.cur == nil && s.window.unsent(s) == nil) {
		return
	}
	s.leaving = true
	s.moved.Broadcast()
}

// stall ends the session if something has not happened for too long.
func (s *session) stall(now, since time.Time, limit time.Duration, what string) {
	if took := now.Sub(since); took > limit && !s.stalled {
		s.stalled = true
		s.patience = min(2*s.patience, maxPatience)
		s.fail(fmt.Errorf("kvsmedia: no %s for %v: the connection is taken for dead", what, took.Round(time.Second)))
	}
}

// due returns since when an acknowledgement of f could come, zero if none is to
// come yet.
func (f *fragment) due() time.Time {
	switch {
	case !f.received.IsZero():
		return f.received
	case !f.buffered:
		return f.began
	}
	return f.ended
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// take acts on an acknowledgement. Its error ends the session.
func (s *session) take(a *wireAck) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.progress = now
	ack := Ack{Type: a.kind(), Number: string(a.FragmentNumber)}
	var f *fragment
	if start, ok := a.start(); ok {
		if f = s.window.find(s, start); f != nil {
			ack.Time, ack.Duration = f.time(), f.duration()
		}
	}
	whole := f != nil && !f.ended.IsZero()
	switch {
	case ack.Type == AckError:
		return s.refused(a, f, ack)
	case ack.Type == AckBuffering && f != nil && !f.buffered:
		f.buffered = true
		ack.Latency = now.Sub(f.began)
		s.stats.Buffering.add(ack.Latency)
	case ack.Type == AckReceived && whole && f.received.IsZero():
		f.received = now
		ack.Latency = now.Sub(f.sent)
		s.stats.Received.add(ack.Latency)
		s.patient(now.Sub(f.ended))
	case ack.Type == AckPersisted && whole:
		ack.Latency = now.Sub(f.sent)
		s.stats.Persisted.add(ack.Latency)
		s.patient(now.Sub(f.ended))
	}
	if ack.Type != 0 {
		s.publish(ack)
	}
	if whole && (ack.Type == AckPersisted || ack.Type == AckReceived && !s.retention) {
		s.safe(f)
	}
	return nil
}

// patient learns how long acknowledgements take.
func (s *session) patient(took time.Duration) {
	s.patience = min(max(minPatience, s.patience-time.Second, 3*took), maxPatience)
}

// refused acts on an ERROR acknowledgement.
func (s *session) refused(a *wireAck, f *fragment, ack Ack) error {
	err := a.refusal()
	err.Time = ack.Time
	ack.Err = err
	s.publish(ack)
	if err.consequence() != skip {
		return err
	}
	blamed := f
	for _, g := range s.window.fragments {
		if blamed == nil && g.by == s && g.received.IsZero() {
			blamed = g
		}
	}
	if blamed == nil {
		return err
	}
	// What the service says once may be due to the connection, or to what came
	// before; what it says again is of the fragment.
	if blamed.refusals++; blamed.refusal == err.ID || blamed.refusals == maxRefusals {
		blamed.refused = err
		s.trim()
	}
	blamed.refusal = err.ID
	return err
}
