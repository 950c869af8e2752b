package signalingtest

import (
	"errors"
	"net/http"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

func notFound(what string) error {
	return awsapitest.Errorf(http.StatusNotFound, "ResourceNotFoundException", "The requested channel is not found or not active: %s", what)
}

func badRequest(name, format string, args ...any) error {
	return awsapitest.Errorf(http.StatusBadRequest, name, format, args...)
}

func inUse(format string, args ...any) error {
	return badRequest("ResourceInUseException", format, args...)
}

// denied is an operation's way to say that the principal may not.
func denied(op *operation, a Access) error {
	on := a.ChannelARN
	if on == "" {
		on = a.Channel
	}
	return awsapitest.Denied(op.deniedStatus, op.deniedName, a.Principal, a.Action, on)
}

// verify checks the signature of a request, of which body has been read.
func (s *Service) verify(r *http.Request, body []byte) (awsapitest.Caller, error) {
	caller, err := s.verifier.Verify(r, body)
	var refusal *awsapitest.Error
	if errors.As(err, &refusal) {
		refusal.LowerKey, refusal.TypeInBody = true, s.cfg.Variants.SignatureErrorInBody
	}
	return caller, err
}

// writeError answers with err in the shape that the operation has.
func (s *Service) writeError(w http.ResponseWriter, op *operation, err error) {
	var refusal *awsapitest.Error
	if errors.As(err, &refusal) {
		out := *refusal
		out.LowerKey = out.LowerKey || op.lowerKey || out.Name == "InvalidClientException" || out.Name == "SessionExpiredException"
		out.NoBody = op.socket && s.cfg.Variants.NoUpgradeErrorBody
		err = &out
	}
	awsapitest.WriteError(w, err)
}
