package signaling

import (
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"syscall"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// denied reports whether the service, rather than something in between, refused
// for lack of permission. It may pass once: with credentials fetched anew, or
// with the ARN of a channel that was made anew.
func denied(err error) bool {
	status := awsapi.Status(err)
	return (status == http.StatusUnauthorized || status == http.StatusForbidden) && awsapi.FromService(err)
}

// permanent reports whether trying again cannot help. Denials are not among
// them: see Client.verdict.
func permanent(err error) bool {
	var cfg *ConfigError
	if errors.As(err, &cfg) || errors.Is(err, ErrGrantExpired) {
		return true
	}
	var creds *awsapi.CredentialsError
	if errors.As(err, &creds) || !awsapi.FromService(err) {
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
	var dns *net.DNSError
	var host x509.HostnameError
	return errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &host) ||
		errors.Is(err, syscall.ECONNREFUSED) || awsapi.Status(err) == http.StatusNotFound
}

// clockHint returns advice where a TLS certificate's dates failed, which is
// what a device with an unset clock meets first.
func clockHint(err error) string {
	var inv x509.CertificateInvalidError
	if errors.As(err, &inv) && inv.Reason == x509.Expired {
		return ": is the device's clock set? Certificates cannot be checked without the date; set it (NTP) before or after dialing"
	}
	return ""
}
