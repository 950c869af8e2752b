package signalingtest

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

func invalid(format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, "InvalidArgumentException", fmt.Sprintf(format, args...)}
}

func notFound(what string) *Error {
	return &Error{http.StatusNotFound, "ResourceNotFoundException", "The requested channel is not found or not active: " + what}
}

func tooMany(format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, "ClientLimitExceededException", fmt.Sprintf(format, args...)}
}

func inUse(format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, "ResourceInUseException", fmt.Sprintf(format, args...)}
}

// denied is an operation's way to say that the principal may not.
func denied(op *operation, a Access) *Error {
	on := a.ChannelARN
	if on == "" {
		on = a.Channel
	}
	return &Error{op.deniedStatus, op.deniedName,
		fmt.Sprintf("User: %s is not authorized to perform: kinesisvideo:%s on resource: %s", a.Principal, a.Action, on)}
}

// writeError answers with err in the shape that the operation has.
func (s *Service) writeError(w http.ResponseWriter, op *operation, err error) {
	var own *Error
	var signature *awsapitest.Error
	switch {
	case errors.As(err, &signature):
		out := *signature
		out.LowerKey = true
		out.TypeInBody = s.cfg.Variants.SignatureErrorInBody
		out.NoBody = op.socket && s.cfg.Variants.NoUpgradeErrorBody
		out.Write(w)
	case errors.As(err, &own) && own.Status == 0:
		panic(http.ErrAbortHandler)
	case errors.As(err, &own):
		out := awsapitest.Error{Status: own.Status, Name: own.Name, Message: own.Message}
		out.LowerKey = op.lowerKey || own.Name == "InvalidClientException" || own.Name == "SessionExpiredException"
		out.NoBody = op.socket && s.cfg.Variants.NoUpgradeErrorBody
		out.Write(w)
	default:
		(&awsapitest.Error{Status: http.StatusInternalServerError, Name: "InternalFailure", Message: err.Error()}).Write(w)
	}
}
