package awsapi

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// Advice tells a person what to do about refusals.
type Advice struct {
	Region string // that requests are signed for
	Policy string // completes "the policy of the credentials must allow"
	Absent string // completes "there is no"
	Create string // how it can be made; empty if it cannot
}

// elsewhere is the advice where a refusal does not tell a wrong region from another
// reason: the policy, and the resource, of the right region are not looked at.
const elsewhere = "if it is in another region, AWS.Region must name that"

// Explain adds the advice to a refusal, in parentheses. It returns other errors,
// those of the credentials provider and nil as they are.
func (a Advice) Explain(err error) error {
	switch {
	case err == nil || FromProvider(err):
		return err
	case WrongRegion(err):
		if region := headerOf(err).Get("X-Amz-Bucket-Region"); region != "" {
			return Hint(err, fmt.Sprintf("AWS.Region is %s, and the bucket is in %.64q: they must be the same", a.Region, region))
		}
		return Hint(err, fmt.Sprintf("AWS.Region is %s, and the endpoint is of another region: they must be the same", a.Region))
	case Expired(err):
		return Hint(err, fmt.Sprintf("the credentials have expired or are unknown to AWS: AWS.Credentials must be a provider that renews them, and the account must have region %s enabled", a.Region))
	case namesTime(err.Error()):
		return Hint(err, fmt.Sprintf("is the device's clock set? It says %s", time.Now().UTC().Format(time.RFC3339)))
	case Code(err) == "InvalidSignatureException" || Code(err) == "SignatureDoesNotMatch":
		return Hint(err, "the secret access key is not that of the access key ID")
	case Denied(err):
		return Hint(err, fmt.Sprintf("the policy of the credentials must allow %s in %s; %s", a.Policy, a.Region, elsewhere))
	case Code(err) == "ResourceNotFoundException" || Code(err) == "NoSuchBucket":
		hint := fmt.Sprintf("there is no %s in %s; %s", a.Absent, a.Region, elsewhere)
		if a.Create != "" {
			hint += "; " + a.Create
		}
		return Hint(err, hint)
	}
	return err
}

// Advise adds what to do about an error of the network, in parentheses: where the
// dates of a TLS certificate failed, which is what a device with an unset clock meets
// first, where its authority is unknown, and where the region has no such host. It
// returns other errors as they are.
func (c *Client) Advise(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound && !FromProvider(err) && !c.endpoint.Overridden && c.endErr == nil {
		if u, parseErr := url.Parse(c.endpoint.URL); parseErr == nil && isHost(dns.Name, u) {
			return Hint(err, fmt.Sprintf("is there a network, and is %q, of AWS.Region, the name of a region?", c.opt.AWS.Region))
		}
	}
	return HintTLS(err)
}

// HintTLS adds what to do about a server's certificate that was not accepted.
func HintTLS(err error) error {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case FromProvider(err):
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Hint(err, fmt.Sprintf("is the device's clock set? It says %s, and TLS needs the date", time.Now().Format(time.DateTime)))
	case errors.As(err, &unknown):
		return Hint(err, "the roots of AWS.HTTPClient, or of the system, must hold Amazon Root CA 1 to 4; or a proxy or captive portal is in the way")
	case errors.As(err, &host):
		return Hint(err, "the certificate is another host's: a proxy or captive portal may be in the way")
	}
	return err
}

// Hint adds what to do to an error, in parentheses.
func Hint(err error, hint string) error { return fmt.Errorf("%w (%s)", err, hint) }

// Bare returns err without the name of a package at the beginning of its text, for a
// text of the same package that err is put into: it says the name once.
func Bare(err error, pkg string) error {
	if err == nil {
		return nil
	}
	text, named := strings.CutPrefix(err.Error(), pkg+": ")
	if !named {
		return err
	}
	return &bare{text, err}
}

type bare struct {
	text string
	err  error
}

func (e *bare) Error() string { return e.text }
func (e *bare) Unwrap() error { return e.err }

// Named returns err with the name of a package at the beginning of its text, unless it
// is there.
func Named(err error, pkg string) error {
	if err == nil || strings.HasPrefix(err.Error(), pkg+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", pkg, err)
}
