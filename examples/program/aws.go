package program

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// AWS are the flags that say where AWS is and as whom to go there. What is empty
// is left to the AWS environment variables and configuration files.
type AWS struct {
	Device   string // directory with a device's certificate
	Region   string
	Endpoint string // URL of the control plane
	CA       string // PEM file of further root certificates

	flags *Flags
}

// AWSFlags are the names of the flags that [Flags.AWS] defines.
var AWSFlags = []string{"device", "region", "endpoint", "ca"}

// AWS defines -device, -region, -endpoint and -ca.
func (f *Flags) AWS() *AWS {
	a := &AWS{flags: f}
	f.StringVar(&a.Device, "device", "", "`directory` with device.json, certificate.pem and private.key, for credentials from AWS IoT; without it the usual AWS credentials are used")
	f.StringVar(&a.Region, "region", "", "AWS `region`") // Load checks it, with the endpoint
	f.Var(text{&a.Endpoint, endpoint}, "endpoint", "`URL` of the Kinesis Video control plane, for a stand-in")
	f.StringVar(&a.CA, "ca", "", "PEM `file` of further root certificates to trust, for a stand-in")
	return a
}

// Access is access to AWS.
type Access struct {
	Config aws.Config
	Thing  string // the device's name; empty without -device

	provider *iotcreds.Provider // nil without -device
	expires  atomic.Pointer[time.Time]
}

// Load returns the access that the flags describe, after it has checked what can
// be checked without AWS.
func (a *AWS) Load(ctx context.Context) (*Access, error) {
	client, roots, err := a.client()
	if err != nil {
		return nil, err
	}
	// The SDK for AWS logs, to standard error, what its errors say as well.
	options := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if client != nil {
		options = append(options, config.WithHTTPClient(client))
	}
	if a.Region != "" {
		options = append(options, config.WithRegion(a.Region))
	}
	access := &Access{}
	if access.Config, err = config.LoadDefaultConfig(ctx, options...); err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	if access.Config.Region == "" && !a.flags.arn() {
		return nil, a.flags.usage(errors.New("no AWS region: give -region, or set $AWS_REGION"))
	}
	if a.Endpoint != "" {
		access.Config.BaseEndpoint = aws.String(a.Endpoint)
	}
	if err := a.check(access.Config); err != nil {
		return nil, err
	}
	if a.Device != "" {
		return access, a.device(access, roots)
	}
	cache, ok := access.Config.Credentials.(*aws.CredentialsCache)
	if !ok {
		return access, nil
	}
	access.Config.Credentials = &owner{cache, access}
	if slices.Contains(cache.ProviderSources(), aws.CredentialSourceIMDS) { // asked for want of all others
		ctx, cancel := context.WithTimeout(ctx, instanceTimeout)
		defer cancel()
		if _, err := cache.Retrieve(ctx); err != nil {
			return nil, a.flags.usage(fmt.Errorf("no AWS credentials: give -device, or set $AWS_PROFILE, or $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY (%w)", err))
		}
	}
	return access, nil
}

// check refuses a region, of the flag or of the AWS configuration, and an endpoint that
// the SDK refuses later.
func (a *AWS) check(cfg aws.Config) error {
	if cfg.Region == "" { // the ARN has it
		return nil
	}
	cfg.Credentials = aws.AnonymousCredentials{} // which are not checked here
	var wrong *signaling.ConfigError
	if err := (signaling.Config{AWS: cfg, Channel: "any"}).Validate(); !errors.As(err, &wrong) {
		return err
	}
	name := "endpoint"
	if strings.HasPrefix(wrong.Reason, "region") {
		name = "region"
	}
	return a.flags.Invalid(name, errors.New(strings.TrimPrefix(wrong.Reason, name+" ")))
}

// instanceTimeout is how long the metadata service of an EC2 instance is asked for
// credentials. It answers in milliseconds, and is not there on other machines.
const instanceTimeout = 3 * time.Second

// device has access use the device's credentials.
func (a *AWS) device(access *Access, roots *x509.CertPool) error {
	cfg, err := iotcreds.LoadConfig(a.Device)
	if err != nil {
		return a.flags.Invalid("device", err)
	}
	if cfg.RootCAs == nil {
		cfg.RootCAs = roots
	}
	if access.provider, err = iotcreds.New(cfg); err != nil {
		return a.flags.Invalid("device", err)
	}
	access.Thing = cfg.ThingName
	access.Config.Credentials = &device{access.provider, access}
	return nil
}

// HTTPClient returns a client that trusts -ca as well, for what needs no
// credentials; nil without -ca.
func (a *AWS) HTTPClient() (aws.HTTPClient, error) {
	client, _, err := a.client()
	if client == nil {
		return nil, err
	}
	return client, err
}

// client returns a client that trusts the system's roots and those of -ca, and these
// roots; nil without -ca.
func (a *AWS) client() (*awshttp.BuildableClient, *x509.CertPool, error) {
	if a.CA == "" {
		return nil, nil, nil
	}
	pem, err := os.ReadFile(a.CA)
	if err != nil {
		return nil, nil, a.flags.Invalid("ca", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, nil, a.flags.Invalid("ca", fmt.Errorf("no certificate in %s; PEM is needed", a.CA))
	}
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.TLSClientConfig.RootCAs = roots
	}), roots, nil
}

// Expires returns when the credentials that were used last expire; zero if none
// were used yet, or they do not expire.
func (a *Access) Expires() time.Time {
	if t := a.expires.Load(); t != nil {
		return *t
	}
	return time.Time{}
}

// Clock returns the clock of the device's credentials, which the cloud corrects; nil
// without -device.
func (a *Access) Clock() func() time.Time {
	if a.provider == nil {
		return nil
	}
	return a.provider.Now
}

// Close ends the access.
func (a *Access) Close() {
	if a.provider != nil {
		a.provider.Close()
	}
}

// used notes credentials that are used.
func (a *Access) used(c aws.Credentials, err error) {
	if err != nil {
		return
	}
	expires := time.Time{}
	if c.CanExpire {
		expires = c.Expires
	}
	a.expires.Store(&expires)
}

// device is the provider of a device's credentials, and owner that of the usual
// ones. Each keeps the provider's other methods, which the SDK looks for.
type (
	device struct {
		*iotcreds.Provider
		access *Access
	}
	owner struct {
		*aws.CredentialsCache
		access *Access
	}
)

// Retrieve returns the device's credentials.
func (d *device) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := d.Provider.Retrieve(ctx)
	d.access.used(c, err)
	return c, err
}

// Retrieve returns the usual credentials.
func (o *owner) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := o.CredentialsCache.Retrieve(ctx)
	o.access.used(c, err)
	return c, err
}
