package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// Error is how the service refuses a call.
type Error struct {
	Status  int // HTTP status; zero closes the connection without an answer
	Name    string
	Message string
}

// Error returns the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// BadRequest returns an error of status 400.
func BadRequest(name, format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, name, fmt.Sprintf(format, args...)}
}

// Invalid returns an InvalidArgumentException.
func Invalid(format string, args ...any) *Error {
	return BadRequest("InvalidArgumentException", format, args...)
}

// NotFound returns a ResourceNotFoundException.
func NotFound(format string, args ...any) *Error {
	return &Error{http.StatusNotFound, "ResourceNotFoundException", fmt.Sprintf(format, args...)}
}

// NoRetention returns the error of a call that needs an archive.
func NoRetention(st *store.Stream) *Error {
	return BadRequest("NoDataRetentionException", "The stream %s does not retain data: DataRetentionInHours is 0.", st.Name)
}

// denied says that the principal may not.
func (f *Front) denied(op *Operation, a Access) *Error {
	status, name := f.DeniedStatus, "NotAuthorizedException"
	if op.Denied != "" {
		status, name = http.StatusUnauthorized, op.Denied
	}
	on := a.StreamARN
	if on == "" {
		on = a.Stream
	}
	return &Error{status, name,
		fmt.Sprintf("User: %s is not authorized to perform: kinesisvideo:%s on resource: %s", a.Principal, a.Action, on)}
}

// Refuse answers a call of an API with err, and notes it. An error that is none
// of the API is the service's own trouble.
func (f *Front) Refuse(w http.ResponseWriter, api string, err error) {
	f.Journal.Note(Event{Name: api, Detail: err.Error()})
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
