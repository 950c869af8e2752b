package s3test

import (
	"context"
	"net/http"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// Error is how the service refuses a call.
type Error struct {
	Status  int    // HTTP status; zero means 400
	Name    string // such as "SlowDown"
	Message string
}

// Error returns the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// Event is something that happened at the service.
type Event struct {
	Time   time.Time
	Name   string // API name, "Deliver" or "Notify"
	Bucket string // empty if not known yet
	Key    string // likewise
	Detail string // why it was refused; empty if all is well
}

// Refuse lets the next n calls of an API fail with err. A negative n means all further
// calls, zero none any more. The APIs are PutObject, GetObject, HeadObject, DeleteObject and
// Deliver.
func (s *Service) Refuse(api string, n int, err Error) {
	s.core.Refuse(api, n, &awsapitest.Error{Status: err.Status, Name: err.Name, Message: err.Message})
}

// Drop cuts the next n calls of an API off without an answer. A negative n means all
// further calls, zero none any more.
func (s *Service) Drop(api string, n int) { s.core.Drop(api, n) }

// Lose does the next n calls of an API and cuts them off without an answer, so that the
// caller does not know. Zero ends that.
func (s *Service) Lose(api string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost[api] = n
}

// losing takes one of the answers that are to be lost.
func (s *Service) losing(api string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.lost[api]
	if n > 0 {
		s.lost[api] = n - 1
	}
	return n > 0
}

// Answer lets h answer the next n calls of an API, and nothing becomes of them: as a portal, a
// proxy or a service does that is no S3, by redirects, pages, and answers without end. It
// returns once writing fails. A negative n means all further calls, zero none any more.
func (s *Service) Answer(api string, n int, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others[api] = &other{n, h}
}

// other answers calls that are to come; a negative left means all.
type other struct {
	left   int
	answer http.HandlerFunc
}

// answers returns what answers a call instead of the service, nil for nothing.
func (s *Service) answers(api string) http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.others[api]
	if o == nil || o.left == 0 {
		return nil
	}
	o.left--
	return o.answer
}

// Delay lets every further call of an API take d longer; zero ends that. The longest d is a
// black hole.
func (s *Service) Delay(api string, d time.Duration) { s.core.Delay(api, d) }

// Skew sets the offset of the service's clock from the local clock: for signatures, for the
// life of credentials and URLs, and in the Date header.
func (s *Service) Skew(d time.Duration) { s.core.Skew(d) }

// SetOutage begins or ends an outage, in which every request is cut off without an answer,
// those under way as well.
func (s *Service) SetOutage(on bool) { s.core.SetOutage(on, nil) }

// Calls returns how often an API was called, refused and dropped calls included.
func (s *Service) Calls(api string) int { return s.core.Calls(api) }

// Events returns what happened, oldest first; of very many the newest.
func (s *Service) Events() []Event {
	var list []Event
	for _, e := range s.core.Events() {
		list = append(list, Event{e.Time, e.Name, e.On, e.Part, e.Detail})
	}
	return list
}

// Wait returns once cond holds, which is asked after each event, or ctx's error.
func (s *Service) Wait(ctx context.Context, cond func() bool) error { return s.core.Wait(ctx, cond) }
