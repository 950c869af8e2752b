package iotcreds

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const defaultTimeout = 5 * time.Second

// Config says where the credentials come from and who asks for them. Endpoint,
// RoleAlias, ThingName and one of Certificate and GetCertificate are required.
type Config struct {
	// Endpoint is the host, or host:port, of the credentials provider, such as
	// "c1a2b3.credentials.iot.eu-west-1.amazonaws.com". It is stable per account
	// and Region; `aws iot describe-endpoint --endpoint-type
	// iot:CredentialProvider` prints it. The port defaults to 443. The host is
	// also the TLS server name.
	Endpoint string

	// RoleAlias is the name of the IoT role alias, 1 to 128 letters, digits and
	// "=", ",", "@", "_", "-". Its case matters.
	RoleAlias string

	// ThingName is the device's thing, which the certificate must be attached
	// to. IAM policies see it as ${credentials-iot:ThingName}. Channels and
	// streams that are named after it allow letters, digits, "_" and "-".
	ThingName string

	// Certificate is the device certificate with its key, any [crypto.Signer]
	// such as a TPM's. See Config.WithPEM for PEM in memory.
	Certificate tls.Certificate

	// GetCertificate is asked instead of Certificate at every TLS handshake, so
	// that a rotated certificate takes effect without a restart. It is called
	// from one goroutine at a time, and counts against Timeout.
	GetCertificate func() (*tls.Certificate, error)

	// RootCAs verify the server. Nil means the system's; AWS needs Amazon Root
	// CA 1 and 3 and Starfield Services Root Certificate Authority G2.
	RootCAs *x509.CertPool

	// BuildTime is a moment that the device knows to be past: when its firmware
	// was built, or the last time that it stored. If the clock is before it, as
	// after a boot in 1970, the clock is known to be wrong; see "The clock" in
	// the package documentation for what that allows. Zero: the clock is always
	// believed.
	BuildTime time.Time

	// Timeout bounds one request, from name resolution to the end of the answer,
	// and three fifths of it bound the TCP connection. Zero means 5 s. It is
	// independent of the contexts of callers.
	Timeout time.Duration

	// DialContext makes the TCP connections. Nil means a net.Dialer, and the
	// proxy named by the environment (see http.ProxyFromEnvironment).
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// Logger gets Warn for a wrong clock and for failures that no Retrieve returns: each
	// new reason at once, repeats at intervals that grow to an hour; Debug for new
	// credentials, never a secret. Nil means slog.Default.
	Logger *slog.Logger
}

var (
	aliasPattern = form{regexp.MustCompile(`^[A-Za-z0-9_=,@-]+$`), 128}
	thingPattern = form{regexp.MustCompile(`^[A-Za-z0-9:_-]+$`), 128}
)

// form is what a name must look like. Its length is apart from the expression,
// which would take a hundred kilobytes of memory with it.
type form struct {
	chars *regexp.Regexp
	most  int // bytes
}

// MatchString reports whether s has the form.
func (f form) MatchString(s string) bool { return len(s) <= f.most && f.chars.MatchString(s) }

// validate fills in the defaults and returns the endpoint's host and its
// address with a port.
func (c *Config) validate() (host, address string, err error) {
	host, address, err = splitEndpoint(c.Endpoint)
	if err != nil {
		return "", "", err
	}
	if !aliasPattern.MatchString(c.RoleAlias) {
		return "", "", fmt.Errorf("iotcreds: RoleAlias %q is not 1 to 128 of A-Z a-z 0-9 _ = , @ -; give the role alias's name, not its ARN", c.RoleAlias)
	}
	if !thingPattern.MatchString(c.ThingName) {
		return "", "", fmt.Errorf("iotcreds: ThingName %q is not 1 to 128 of A-Z a-z 0-9 : _ -", c.ThingName)
	}
	switch given := len(c.Certificate.Certificate) > 0; {
	case given && c.GetCertificate != nil:
		return "", "", errors.New("iotcreds: Certificate and GetCertificate are both set; choose one")
	case given:
		if err := checkCertificate(&c.Certificate); err != nil {
			return "", "", fmt.Errorf("iotcreds: Certificate: %w", err)
		}
	case c.GetCertificate == nil:
		return "", "", errors.New("iotcreds: no device certificate: set Certificate or GetCertificate")
	}
	if c.Timeout < 0 {
		return "", "", fmt.Errorf("iotcreds: Timeout %v is negative", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return host, address, nil
}

func splitEndpoint(endpoint string) (host, address string, err error) {
	if endpoint == "" {
		return "", "", errors.New("iotcreds: no Endpoint; `aws iot describe-endpoint --endpoint-type iot:CredentialProvider` prints it")
	}
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		host, port = endpoint, "443"
	}
	_, portErr := strconv.ParseUint(port, 10, 16)
	if portErr != nil || host == "" || strings.ContainsAny(host, "/?#@ \t\r\n[]") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return "", "", fmt.Errorf("iotcreds: Endpoint %q is neither a host nor host:port; leave out https:// and any path", endpoint)
	}
	if strings.Contains(host, "-ats.iot.") {
		return "", "", fmt.Errorf("iotcreds: Endpoint %q is the data endpoint (MQTT); the credentials provider has its own, which `aws iot describe-endpoint --endpoint-type iot:CredentialProvider` prints", endpoint)
	}
	return host, net.JoinHostPort(host, port), nil
}

func checkCertificate(cert *tls.Certificate) error {
	if cert == nil || len(cert.Certificate) == 0 {
		return errors.New("there is no certificate")
	}
	if _, ok := cert.PrivateKey.(crypto.Signer); !ok {
		return fmt.Errorf("its private key (%T) cannot sign; it must be a crypto.Signer", cert.PrivateKey)
	}
	return nil
}

// certificate is asked at each handshake.
func (c *Config) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	if c.GetCertificate == nil {
		return &c.Certificate, nil
	}
	cert, err := c.GetCertificate()
	if err == nil {
		err = checkCertificate(cert)
	}
	if err != nil {
		return nil, fmt.Errorf("the device certificate from Config.GetCertificate: %w", err)
	}
	return cert, nil
}
