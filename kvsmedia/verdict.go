package kvsmedia

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

const (
	backoffBase = 200 * time.Millisecond
	backoffCap  = 5 * time.Second
	throttled   = time.Second // PutMedia: 5 requests a second and stream

	refetchAfter = 6 // failures of whatever kind until the cached endpoint is doubted

	// A refusal that may be permanent ends an upload when it comes again and
	// again; later, where the service has stored media before: permissions and
	// keys are changed on running systems too.
	denialsAllowed = 3
	provenDenials  = 10
	provenPatience = 2 * time.Minute
)

// judge decides what follows from the end of a session: to try again after a
// while, or to end the upload.
func (u *upload) judge(err error) (wait time.Duration, end error) {
	u.fails++
	if stale(err) || u.fails%refetchAfter == 0 {
		u.target = target{}
	}
	var refused *RefusedError
	switch {
	case errors.As(err, &refused) && refused.consequence() != hold:
		if u.fails == 1 {
			return 0, nil // another session may begin at once
		}
	case final(err) && !u.proven:
		return 0, u.explain(err)
	case hard(err):
		u.target = target{}
		u.streams.api.Invalidate()
		if u.denials++; u.denials == 1 {
			u.denied = time.Now()
		}
		if !u.proven && u.denials >= denialsAllowed ||
			u.denials >= provenDenials && time.Since(u.denied) >= provenPatience {
			return 0, u.explain(err)
		}
	default:
		u.denials = 0
	}
	d := min(backoffBase<<min(u.fails-1, 8), backoffCap)
	d = d/2 + rand.N(d/2)
	if awsapi.Throttled(err) || awsapi.Code(err) == "ConnectionLimitExceededException" {
		d = max(d, throttled)
	}
	return d, nil
}

// hard reports whether a refusal is one that mostly does not pass by itself.
func hard(err error) bool {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused.consequence() == hold
	}
	status := awsapi.Status(err)
	if fromProvider(err) { // a wrong role, a revoked certificate
		return status/100 == 4 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
	}
	if !awsapi.FromService(err) {
		return false
	}
	return status == http.StatusUnauthorized || status == http.StatusForbidden || final(err)
}

// final reports whether a refusal of the control plane says that nothing can come
// of it, once and for all.
func final(err error) bool {
	var op *smithy.OperationError
	if fromProvider(err) || !awsapi.FromService(err) || !errors.As(err, &op) || op.OperationName == "PutMedia" {
		return false
	}
	switch awsapi.Code(err) {
	case "ResourceNotFoundException", "InvalidArgumentException", "ValidationException", "AccountStreamLimitExceededException",
		"TagsPerResourceExceededLimitException", "InvalidDeviceException":
		return true
	}
	return false
}

// fromProvider reports whether err comes from the credentials provider.
func fromProvider(err error) bool {
	var c *awsapi.CredentialsError
	return errors.As(err, &c)
}

// stale reports whether err is what the endpoint of a bygone stream leads to.
func stale(err error) bool {
	var dns *net.DNSError
	var host x509.HostnameError
	return errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &host) || errors.Is(err, syscall.ECONNREFUSED) ||
		awsapi.Status(err) == http.StatusNotFound || awsapi.Code(err) == "InvalidEndpointException"
}

// explain adds to a refusal what can be done about it.
func (u *upload) explain(err error) error {
	var hint string
	var refused *RefusedError
	switch {
	case fromProvider(err):
		return err
	case awsapi.Expired(err):
		hint = "the credentials have expired or are unknown to AWS: AWS.Credentials must be a provider that renews them"
	case errors.As(err, &refused) && refused.ID >= 4500:
		hint = "the credentials must be allowed to use the stream's KMS key, and the key must be enabled"
	case awsapi.Status(err) == http.StatusForbidden || awsapi.Status(err) == http.StatusUnauthorized:
		hint = fmt.Sprintf("the policy of the credentials must allow kinesisvideo:DescribeStream, GetDataEndpoint and PutMedia on stream %s", u.cfg.Stream)
		if u.cfg.Create != nil {
			hint += ", and CreateStream"
		}
	case awsapi.Code(err) == "ResourceNotFoundException":
		hint = fmt.Sprintf("there is no stream %s in %s", u.cfg.Stream, u.cfg.AWS.Region)
		if u.cfg.Create == nil {
			hint += "; ProducerConfig.Create lets the producer create it"
		}
	default:
		return err
	}
	return fmt.Errorf("%w (%s)", err, hint)
}
