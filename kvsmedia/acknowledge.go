package kvsmedia

import (
	"time"

	"github.com/smartcam-sdk/smartcam/internal/fragment"
)

const maxRefusals = 10 // of a fragment for its content, each time another reason

// take acts on an acknowledgement. Its error ends the session.
func (s *session) take(a *wireAck) error {
	o := s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	s.progress = now
	ack := Ack{Type: a.kind(), Number: string(a.FragmentNumber)}
	var f *fragment.Fragment
	if start, ok := a.start(); ok {
		if f = o.window.Find(s.number, start); f != nil {
			ack.Time, ack.Duration = f.Time(), f.Duration()
		}
	}
	whole := f != nil && !f.Ended.IsZero()
	switch {
	case ack.Type == AckError:
		return s.refused(a, f, ack)
	case ack.Type == AckBuffering && f != nil && !f.Buffered:
		f.Buffered = true
		ack.Latency = now.Sub(f.Began)
		o.stats.Buffering.add(ack.Latency)
	case ack.Type == AckReceived && whole && f.Received.IsZero():
		f.Received = now
		ack.Latency = now.Sub(f.Sent)
		o.stats.Received.add(ack.Latency)
		s.patience.learn(now.Sub(f.Ended))
	case ack.Type == AckPersisted && whole:
		ack.Latency = now.Sub(f.Sent)
		o.stats.Persisted.add(ack.Latency)
		s.patience.learn(now.Sub(f.Ended))
	}
	if ack.Type != 0 {
		o.acks.add(ack)
	}
	if whole && (ack.Type == AckPersisted || ack.Type == AckReceived && !s.retention) {
		o.safe(f, ack.Number)
	}
	return nil
}

// refused acts on an ERROR acknowledgement.
func (s *session) refused(a *wireAck, f *fragment.Fragment, ack Ack) error {
	err := a.refusal()
	err.Time = ack.Time
	ack.Err = err
	s.out.acks.add(ack)
	if err.consequence() != skip {
		return err
	}
	blamed := f
	for _, g := range s.out.window.Fragments {
		if blamed == nil && g.Session == s.number && g.Received.IsZero() {
			blamed = g
		}
	}
	if blamed == nil {
		return err
	}
	// What the service says once may be due to the connection, or to what came
	// before; what it says again is of the fragment.
	if blamed.Refusals++; blamed.Refusal == err.ID || blamed.Refusals == maxRefusals {
		blamed.Refused = err
		s.out.source.refused()
	}
	blamed.Refusal = err.ID
	return err
}
