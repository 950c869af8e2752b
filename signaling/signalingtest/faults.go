package signalingtest

import (
	"net/http"
	"time"
)

type refusal struct {
	left int // negative: for ever
	err  Error
}

// Refuse lets the next n calls of an API fail with err; "ConnectAsMaster" and
// "ConnectAsViewer" name the upgrades. A negative n means all further calls,
// zero none any more.
func (s *Service) Refuse(api string, n int, err Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[api] = &refusal{n, err}
}

// Delay lets every further call of an API take d longer; zero ends that.
func (s *Service) Delay(api string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delays[api] = d
}

// Skew sets the service's clock off by d: for signatures, for the life of
// credentials and in the Date header.
func (s *Service) Skew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// SetOutage begins or ends an outage, in which every connection is dropped and
// every request is cut off without an answer.
func (s *Service) SetOutage(on bool) {
	s.mu.Lock()
	s.outage = on
	var all []*Conn
	for _, ch := range s.channels {
		all = append(all, ch.connections()...)
	}
	s.mu.Unlock()
	if on {
		for _, c := range all {
			c.Drop()
		}
	}
}

// fault counts a call and applies the faults that were asked for.
func (s *Service) fault(api string, r *http.Request) error {
	s.mu.Lock()
	s.calls[api]++
	s.noteLocked(Event{Name: api})
	delay := s.delays[api]
	var refused *Error
	if f := s.refusals[api]; f != nil && f.left != 0 {
		f.left--
		e := f.err
		refused = &e
	}
	s.mu.Unlock()
	if delay > 0 {
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return &Error{}
		case <-s.ctx.Done():
			return &Error{}
		}
	}
	if refused != nil {
		return refused
	}
	return nil
}
