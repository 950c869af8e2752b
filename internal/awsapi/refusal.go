package awsapi

import (
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
)

// Status returns the HTTP status of the refusal in err's chain, 0 without one.
func Status(err error) int {
	var r StatusError
	if errors.As(err, &r) {
		return r.HTTPStatusCode()
	}
	return 0
}

// Code returns the service's name of the refusal in err's chain, "" without one.
func Code(err error) string {
	var a smithy.APIError
	if errors.As(err, &a) {
		return a.ErrorCode()
	}
	return ""
}

// FromService reports whether err is a refusal that an AWS service gave.
func FromService(err error) bool {
	var a smithy.APIError
	return errors.As(err, &a) && a.ErrorFault() != smithy.FaultUnknown
}

// FromProvider reports whether err comes from the credentials provider.
func FromProvider(err error) bool {
	var c *CredentialsError
	return errors.As(err, &c)
}

// Throttled reports whether err is the service asking to be called less often.
func Throttled(err error) bool {
	switch Code(err) {
	case "ClientLimitExceededException", "ConnectionLimitExceededException", "ThrottlingException", "Throttling", "ThrottledException",
		"TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException", "SlowDown", "TooManyRequests":
		return true
	}
	return Status(err) == http.StatusTooManyRequests
}

// Expired reports whether err says that the credentials that signed the request
// are not, or no longer, known to the service.
func Expired(err error) bool {
	switch Code(err) {
	case "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId", "TokenRefreshRequired",
		"InvalidAccessKeyId", "InvalidToken": // the last two are of S3
		return true
	}
	var a smithy.APIError
	return errors.As(err, &a) && strings.Contains(strings.ToLower(a.ErrorMessage()), "security token") &&
		(Status(err) == http.StatusForbidden || Status(err) == http.StatusUnauthorized || Status(err) == http.StatusBadRequest)
}

// Denied reports whether err is a refusal for lack of permission: of the service
// itself, not of a proxy, or of the credentials provider, whose certificate or
// role is not accepted. A denial may pass once, with new credentials.
func Denied(err error) bool {
	if WrongRegion(err) {
		return false
	}
	status := Status(err)
	if FromProvider(err) {
		return status/100 == 4 && status != http.StatusRequestTimeout && !Throttled(err)
	}
	return (status == http.StatusUnauthorized || status == http.StatusForbidden) && FromService(err)
}

// WrongRegion reports whether err is the refusal of a request that was signed for
// another region than that of the endpoint, by the text of the gateways before all
// services of AWS, or that asks for a bucket of S3 which is in another region.
func WrongRegion(err error) bool {
	var a smithy.APIError
	if FromProvider(err) || !errors.As(err, &a) {
		return false
	}
	switch a.ErrorCode() {
	case "PermanentRedirect", "IllegalLocationConstraintException":
		return true
	case "AuthorizationHeaderMalformed":
		return strings.Contains(a.ErrorMessage(), "the region ")
	}
	return strings.Contains(a.ErrorMessage(), "scoped to a valid region")
}

// Permanent reports whether err is a service's refusal that trying again cannot
// change. Denials are not among them.
func Permanent(err error) bool {
	if FromProvider(err) || !FromService(err) {
		return false
	}
	switch Code(err) {
	case "ResourceNotFoundException", "InvalidArgumentException", "ValidationException", "InvalidDeviceException",
		"AccountChannelLimitExceededException", "AccountStreamLimitExceededException", "TagsPerResourceExceededLimitException",
		"NoSuchBucket", "InvalidBucketName", "EntityTooLarge", "KeyTooLongError":
		return true
	}
	return WrongRegion(err)
}

// Stale reports whether err is what the endpoint of a channel or stream that was
// deleted, or made anew, leads to.
func Stale(err error) bool {
	if FromProvider(err) {
		return false
	}
	var dns *net.DNSError
	var host x509.HostnameError
	return errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &host) || errors.Is(err, syscall.ECONNREFUSED) ||
		Status(err) == http.StatusNotFound || Code(err) == "InvalidEndpointException"
}

// doubtAfter is the number of failures, of whatever kind, after which an endpoint
// is doubted.
const doubtAfter = 6

// Doubtful reports whether the control plane should be asked for the endpoint
// again: err is Stale, or fails failures in a row make it the sixth, the twelfth
// and so on.
func Doubtful(err error, fails int) bool { return Stale(err) || fails > 0 && fails%doubtAfter == 0 }
