package iotcreds

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/smithy-go"
)

// Codes of refusals that come without a code of their own.
const (
	codeTLSRefused = "TLSHandshakeRefused"
	codeThrottling = "ThrottlingException"
	codeServer     = "InternalFailureException"
	codeUnknown    = "UnknownError"
)

// Error is the credentials provider's refusal. It satisfies [smithy.APIError].
// Errors of the network and malformed answers are not of this type.
type Error struct {
	StatusCode int    // HTTP status; zero if the server refused the TLS handshake
	Code       string // such as "AccessDeniedException"; "TLSHandshakeRefused" for a handshake
	Message    string // the server's own words
}

var _ smithy.APIError = (*Error)(nil)

// Error returns what the server said and what to do about it.
func (e *Error) Error() string {
	status := ""
	if e.StatusCode != 0 {
		status = fmt.Sprintf(" %d", e.StatusCode)
	}
	return fmt.Sprintf("iotcreds: refused:%s %s: %q: %s", status, e.Code, e.Message, e.advice())
}

// ErrorCode returns Code.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorMessage returns Message.
func (e *Error) ErrorMessage() string { return e.Message }

// ErrorFault returns the server for statuses of 500 and more, else the client.
func (e *Error) ErrorFault() smithy.ErrorFault {
	if e.StatusCode >= 500 {
		return smithy.FaultServer
	}
	return smithy.FaultClient
}

// HTTPStatusCode returns StatusCode. The retryers of the AWS SDK look for it.
func (e *Error) HTTPStatusCode() int { return e.StatusCode }

// transient reports whether waiting can help where nobody changes anything.
func (e *Error) transient() bool {
	return e.StatusCode >= 500 ||
		e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusRequestTimeout ||
		strings.Contains(e.Code, "Throttl") || strings.Contains(e.Code, "TooManyRequests")
}

// kind is what a failure's back-off depends on.
type kind uint8

const (
	trouble kind = iota // of the service, or an answer that makes no sense
	offline             // no answer came
	refused             // only a change of configuration helps
)

func kindOf(err error) kind {
	var silence *noAnswer
	var refusal *Error
	switch {
	case errors.As(err, &refusal):
		if refusal.transient() {
			return trouble
		}
		return refused
	case errors.As(err, &silence):
		return offline
	}
	return trouble
}

// noAnswer is the failure of a request that was not answered.
type noAnswer struct{ err error }

func (e *noAnswer) Error() string { return e.err.Error() }
func (e *noAnswer) Unwrap() error { return e.err }

// failed is a failure as Retrieve returns it: with the time until the next
// request. It is an awsapi.RetryAdviser, by which the SDK's other packages try
// again when the provider does.
type failed struct {
	err  error
	wait time.Duration
}

func (e *failed) Error() string             { return e.err.Error() }
func (e *failed) Unwrap() error             { return e.err }
func (e *failed) RetryAfter() time.Duration { return e.wait }

// remedies are searched in order for text in the server's message.
var remedies = []struct{ text, advice string }{
	{"certificate is invalid on this endpoint", "the certificate must be registered and ACTIVE in the AWS account and Region of this endpoint, neither revoked nor expired"},
	{"invalid thing name passed", "attach the certificate to the thing named by Config.ThingName, or correct that name"},
	{"access denied", "the certificate's IoT policy must allow iot:AssumeRoleWithCertificate on this role alias's ARN"},
	{"role alias does not exist", "create the role alias, or correct Config.RoleAlias; its case matters, and so does the Region of the endpoint"},
	{"unable to assume the role", "the alias's IAM role must exist, and its trust policy must let credentials.iot.amazonaws.com call sts:AssumeRole"},
	{"exceeds the maxsessionduration", "lower credentialDurationSeconds of the role alias, or raise MaxSessionDuration of the IAM role"},
	{"not found", "this looks like the data endpoint; Config.Endpoint must be the iot:CredentialProvider endpoint"},
}

func (e *Error) advice() string {
	switch {
	case e.StatusCode == 0:
		return "the server does not accept the certificate: it must be registered and ACTIVE in the AWS account and Region of this endpoint"
	case e.StatusCode >= 500:
		return "trouble of the service; it is asked again"
	case e.transient():
		return "too many requests in this account and Region; it is asked again, and the quota for AssumeRoleWithCertificate can be raised"
	}
	message := strings.ToLower(e.Message)
	for _, r := range remedies {
		if strings.Contains(message, r.text) {
			return r.advice
		}
	}
	switch e.StatusCode {
	case http.StatusForbidden:
		return "check that the certificate is ACTIVE and attached to the thing, and that its IoT policy allows iot:AssumeRoleWithCertificate on the role alias"
	case http.StatusNotFound:
		return "check Config.Endpoint (type iot:CredentialProvider) and Config.RoleAlias"
	case http.StatusBadRequest:
		return "check the IAM role of the role alias: its existence, its trust policy and its MaxSessionDuration"
	}
	return "check that Config.Endpoint is the iot:CredentialProvider endpoint"
}
