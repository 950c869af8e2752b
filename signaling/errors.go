package signaling

import (
	"errors"
	"fmt"

	"github.com/aws/smithy-go"
)

// ErrCompeting is in the chain of [State].Err when the service ends connections
// within two minutes of their beginning, three times in a row: another client may be
// connected as master of the same channel (or as a viewer of the same client ID), so
// that each displaces the other. The service gives no reason that tells this from a
// network that cuts connections in an orderly way. The client goes on trying, at
// longer intervals.
var ErrCompeting = errors.New("connections keep ending soon after they began: possibly another client takes this one's place on the channel (only one master, and one viewer of each client ID, may be connected), or the network cuts them")

// ErrGrantExpired is the permanent error of a [DialURL] client that lost its
// connection when its signed URL was no longer accepted. Ask the backend for a
// new [Grant].
var ErrGrantExpired = errors.New("signaling: the granted URL has expired: a new grant is needed")

// EndpointError is the permanent error of an address that signed requests must
// not go to. The control plane has named it, or the caller has: it is not
// encrypted though the control plane is, or it is no address of a service.
type EndpointError struct {
	Endpoint string // "WSS", "HTTPS" or "WEBRTC", as GetSignalingChannelEndpoint names protocols
	Reason   string // what is wrong and what is expected
}

// Error returns the endpoint and what is wrong with it.
func (e *EndpointError) Error() string {
	return "signaling: the " + e.Endpoint + " endpoint " + e.Reason
}

// RejectedError is why the service refused a message that was sent. It comes
// as the Err of a [Message] of kind [Rejected] and satisfies smithy.APIError.
type RejectedError struct {
	Kind        Kind   // of the message that was refused; 0 if unknown
	StatusCode  int    // HTTP style, such as 400; 0 if the service gave none
	Code        string // such as "InvalidArgumentException" or "ClientLimitExceededException"
	Description string // the service's words
}

// Error returns the refusal for a person to read.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("signaling: the service refused the %v: %s (status %d): %s", e.Kind, e.Code, e.StatusCode, e.Description)
}

// ErrorCode returns Code.
func (e *RejectedError) ErrorCode() string { return e.Code }

// ErrorMessage returns Description.
func (e *RejectedError) ErrorMessage() string { return e.Description }

// ErrorFault returns the client's fault, except for status codes of 500 and above.
func (e *RejectedError) ErrorFault() smithy.ErrorFault {
	if e.StatusCode >= 500 {
		return smithy.FaultServer
	}
	return smithy.FaultClient
}
