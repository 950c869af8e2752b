package signaling

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// denied reports whether the service, rather than something in between, refused
// for lack of permission. It may pass once: with credentials fetched anew, or
// with the ARN of a channel that was made anew.
func denied(err error) bool {
	status := awsapi.Status(err)
	if credentials(err) { // a wrong role, a revoked certificate
		return status/100 == 4 && status != http.StatusRequestTimeout && !awsapi.Throttled(err)
	}
	return (status == http.StatusUnauthorized || status == http.StatusForbidden) && awsapi.FromService(err)
}

// credentials reports whether err comes from the credentials provider.
func credentials(err error) bool {
	var c *awsapi.CredentialsError
	return errors.As(err, &c)
}

// sooner returns when to try again: after wait, or when the credentials provider
// will do so, if it says when and that is earlier.
func sooner(err error, wait time.Duration) time.Duration {
	var later interface{ RetryAfter() time.Duration }
	if credentials(err) && errors.As(err, &later) {
		wait = min(wait, later.RetryAfter()+10*time.Millisecond)
	}
	return wait
}

// permanent reports whether trying again cannot help. Denials are not among
// them: see Client.judge.
func permanent(err error) bool {
	var cfg *ConfigError
	if errors.As(err, &cfg) || errors.Is(err, ErrGrantExpired) {
		return true
	}
	if credentials(err) || !awsapi.FromService(err) {
		return false
	}
	switch awsapi.Code(err) {
	case "ResourceNotFoundException", "InvalidArgumentException", "ValidationException",
		"AccountChannelLimitExceededException", "TagsPerResourceExceededLimitException":
		return true
	}
	return false
}

// stale reports whether err is what endpoints of a bygone channel lead to.
func stale(err error) bool {
	if credentials(err) {
		return false
	}
	var dns *net.DNSError
	var host x509.HostnameError
	return errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &host) ||
		errors.Is(err, syscall.ECONNREFUSED) || awsapi.Status(err) == http.StatusNotFound
}

// hintClock adds advice where the dates of a TLS certificate failed, which is
// what a device with an unset clock meets first.
func hintClock(err error) error {
	var inv x509.CertificateInvalidError
	if errors.As(err, &inv) && inv.Reason == x509.Expired {
		return fmt.Errorf("%w (is the device's clock set? It says %s, and TLS needs the date)", err, time.Now().Format(time.DateTime))
	}
	return err
}
