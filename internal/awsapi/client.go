package awsapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Options say how a Client reaches its service. AWS, Service and ID are required.
type Options struct {
	AWS       aws.Config
	Service   string        // in host names and in the signature's scope: "kinesisvideo"
	ID        string        // in configuration files and errors: "Kinesis Video"
	DualStack bool          // in addition to what AWS.ConfigSources say
	FIPS      bool          // likewise
	Timeout   time.Duration // of one attempt; zero means 10 s
}

// Client calls one service. It is safe for concurrent use.
type Client struct {
	// Clock is the time that signatures are made with.
	Clock Clock

	opt      Options
	endpoint Endpoint
	endErr   error
	retryer  aws.Retryer
	signer   *v4.Signer
	own      *http.Client // the default, when no HTTPClient was given, or a copy of the SDK's; nil if neither
}

// New returns a client. It does no I/O; an endpoint that cannot be resolved is
// reported by Endpoint and by the calls that need it.
func New(opt Options) *Client {
	if opt.Timeout == 0 {
		opt.Timeout = 10 * time.Second
	}
	c := &Client{opt: opt, signer: v4.NewSigner(), retryer: newRetryer(opt.AWS)}
	if p, ok := opt.AWS.Credentials.(Timekeeper); ok {
		c.Clock.known = p.ClockOffset
	}
	if opt.AWS.HTTPClient == nil {
		// Certificates are verified by the time that the provider was told by a
		// server whose own certificate was verified.
		c.own = newHTTPClient(c.Clock.local)
		c.opt.AWS.HTTPClient = c.own
	}
	switch given := c.opt.AWS.HTTPClient.(type) { // a redirect would take the session token, or what is sent, along
	case *http.Client:
		own := *given
		own.CheckRedirect = noRedirect
		c.opt.AWS.HTTPClient = &own
	case *awshttp.BuildableClient: // which follows 307 and 308
		c.own = &http.Client{Transport: given.GetTransport(), Timeout: given.GetTimeout(), CheckRedirect: noRedirect}
		c.opt.AWS.HTTPClient = c.own
	}
	c.endpoint, c.endErr = Resolve(context.Background(), opt.AWS, opt.Service, opt.ID, opt.DualStack, opt.FIPS)
	return c
}

// NewHTTPClient returns a client with the AWS SDK's defaults, which unlike the
// SDK's own can close its idle connections. Redirects are not followed.
func NewHTTPClient() *http.Client { return newHTTPClient(time.Now) }

func newHTTPClient(now func() time.Time) *http.Client {
	t := awshttp.NewBuildableClient().GetTransport()
	t.TLSClientConfig.Time = now
	return &http.Client{
		Transport:     t,
		CheckRedirect: noRedirect,
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close drops idle connections, if c has an HTTP client of its own. c can still
// be used.
func (c *Client) Close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// Endpoint returns where the service is reached.
func (c *Client) Endpoint() (Endpoint, error) { return c.endpoint, c.endErr }

// HTTPClient returns the client that calls go through.
func (c *Client) HTTPClient() aws.HTTPClient { return c.opt.AWS.HTTPClient }

// Region returns the region that requests are signed for.
func (c *Client) Region() string { return c.opt.AWS.Region }

// credentialsLimit bounds one question to the credentials provider, which may ask
// several services in turn.
const credentialsLimit = 30 * time.Second

// Credentials returns the provider's credentials, or a *CredentialsError. A
// provider that honours its context does not hold the caller up for more than 30 s.
func (c *Client) Credentials(ctx context.Context) (aws.Credentials, error) {
	if c.opt.AWS.Credentials == nil {
		return aws.Credentials{}, &CredentialsError{errors.New("no credentials provider is configured")}
	}
	limited, cancel := context.WithTimeout(ctx, credentialsLimit)
	defer cancel()
	creds, err := c.opt.AWS.Credentials.Retrieve(limited)
	switch {
	case err == nil:
		return creds, nil
	case ctx.Err() == nil && limited.Err() != nil:
		err = &timeoutError{"the credentials provider"}
	}
	return aws.Credentials{}, &CredentialsError{err}
}

// Invalidate tells the provider to fetch new credentials at the next request.
// It reports whether the provider can.
func (c *Client) Invalidate() bool {
	p, ok := c.opt.AWS.Credentials.(Invalidator)
	if ok {
		p.Invalidate()
	}
	return ok
}

// Recover learns from a refused request whatever lets the next one succeed: a
// corrected clock, new credentials. It reports whether sending the request
// again, newly signed, makes sense. header is the refusal's.
func (c *Client) Recover(err error, header http.Header) bool {
	return c.Clock.Correct(Status(err), header, err.Error()) || Expired(err) && c.Invalidate()
}
