package api

import (
	"net/http"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// BadRequest returns an error of status 400.
func BadRequest(name, format string, args ...any) error {
	return awsapitest.Errorf(http.StatusBadRequest, name, format, args...)
}

// Invalid returns an InvalidArgumentException.
func Invalid(format string, args ...any) error { return awsapitest.Invalid(format, args...) }

// NotFound returns a ResourceNotFoundException.
func NotFound(format string, args ...any) error {
	return awsapitest.Errorf(http.StatusNotFound, "ResourceNotFoundException", format, args...)
}

// NoRetention returns the error of a call that needs an archive.
func NoRetention(st *store.Stream) error {
	return BadRequest("NoDataRetentionException", "The stream %s does not retain data: DataRetentionInHours is 0.", st.Name)
}

// denied says that the principal may not.
func (f *Front) denied(op *Operation, a Access) error {
	status, name := f.DeniedStatus, "NotAuthorizedException"
	if op.Denied != "" {
		status, name = http.StatusUnauthorized, op.Denied
	}
	on := a.StreamARN
	if on == "" {
		on = a.Stream
	}
	return awsapitest.Denied(status, name, a.Principal, a.Action, on)
}

// Refuse answers a call of an API with err, and notes it. An error that is none
// of the API is the service's own trouble.
func (f *Front) Refuse(w http.ResponseWriter, api string, err error) {
	f.Core.Note(double.Event{Name: api, Detail: err.Error()})
	awsapitest.WriteError(w, err)
}
