package kvsmediatest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// Error is how the service refuses a call.
type Error struct {
	// Status is the HTTP status. In [Service.Refuse] zero closes the
	// connection without an answer.
	Status  int
	Name    string // such as "ResourceNotFoundException"
	Message string
}

// Error returns the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

func badRequest(name, format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, name, fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *Error {
	return badRequest("InvalidArgumentException", format, args...)
}

func tooMany(format string, args ...any) *Error {
	return badRequest("ClientLimitExceededException", format, args...)
}

func notFound(format string, args ...any) *Error {
	return &Error{http.StatusNotFound, "ResourceNotFoundException", fmt.Sprintf(format, args...)}
}

// broken is trouble of the service's own.
func broken(err error) *Error {
	return &Error{http.StatusInternalServerError, "InternalFailure", err.Error()}
}

// denied is an operation's way to say that the principal may not.
func (s *Service) denied(op *operation, a Access) *Error {
	status, name := s.cfg.Variants.NotAuthorizedStatus, "NotAuthorizedException"
	if op.denied != "" {
		status, name = http.StatusUnauthorized, op.denied
	}
	on := a.StreamARN
	if on == "" {
		on = a.Stream
	}
	return &Error{status, name,
		fmt.Sprintf("User: %s is not authorized to perform: kinesisvideo:%s on resource: %s", a.Principal, a.Action, on)}
}

// refuse answers with err, and notes it.
func (s *Service) refuse(w http.ResponseWriter, api string, err error) {
	s.note(Event{Name: api, Detail: err.Error()})
	var own *Error
	var signature *awsapitest.Error
	switch {
	case errors.As(err, &signature):
		signature.Write(w)
	case errors.As(err, &own) && own.Status == 0:
		panic(http.ErrAbortHandler)
	case errors.As(err, &own):
		(&awsapitest.Error{Status: own.Status, Name: own.Name, Message: own.Message}).Write(w)
	default:
		(&awsapitest.Error{Status: http.StatusInternalServerError, Name: "InternalFailure", Message: err.Error()}).Write(w)
	}
}
