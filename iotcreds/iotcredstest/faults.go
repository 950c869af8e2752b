package iotcredstest

import (
	"context"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// What is called: the API by the action of its IoT policy, and the TLS handshake.
const (
	assumeRole = "AssumeRoleWithCertificate"
	handshake  = "Handshake"
)

// Error is how the service refuses a call.
type Error struct {
	Status  int    // HTTP status; zero means 400
	Name    string // such as "AccessDeniedException"
	Message string
	Body    []byte // instead of the JSON with Message, if not nil
}

// Error returns the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// Refuse lets the next n calls of an API fail with err. The service's one API is
// "AssumeRoleWithCertificate"; "Handshake" names TLS handshakes, which are refused by
// an alert, whatever err. A negative n means all further calls, zero none any more.
func (s *Service) Refuse(api string, n int, err Error) {
	s.core.Refuse(api, n, &awsapitest.Error{Status: err.Status, Name: err.Name, Message: err.Message, Body: err.Body, LowerKey: true})
}

// Drop cuts the next n calls of an API off without an answer; a "Handshake" is refused
// by an alert. A negative n means all further calls, zero none any more.
func (s *Service) Drop(api string, n int) { s.core.Drop(api, n) }

// Delay lets every further call of an API take d longer; zero ends that. The longest
// d is a black hole.
func (s *Service) Delay(api string, d time.Duration) { s.core.Delay(api, d) }

// Skew sets the offset of the service's clock from the local clock: for the life of
// credentials and in the Date header. The service's certificate follows the local
// clock and Config.Skew alone: it is valid from a week before that for a year, and a
// Date outside of that is not believed by clients such as iotcreds.
func (s *Service) Skew(d time.Duration) { s.core.Skew(d) }

// SetOutage begins or ends an outage, in which every request is cut off without an
// answer, those under way as well.
func (s *Service) SetOutage(on bool) { s.core.SetOutage(on, nil) }

// Event is something that happened at the service.
type Event struct {
	Time      time.Time
	Name      string // "AssumeRoleWithCertificate", "Handshake" or "Issued"
	Thing     string // empty if not known
	RoleAlias string // empty if not known
	Detail    string // why it was refused; empty if all is well
}

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
