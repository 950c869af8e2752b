package awsapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// emptyHash is the SHA-256 of the empty body.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Presign signs a GET of endpoint with the query given, as Signature Version 4
// in the query string: the session token is part of what is signed, host is the
// only signed header, with its port unless that is the scheme's default. The
// schemes ws and wss are kept. The result is a secret.
func (c *Client) Presign(ctx context.Context, creds aws.Credentials, endpoint string, query url.Values, at time.Time, expires time.Duration) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("endpoint %q: expected a URL such as wss://host", endpoint)
	}
	switch port := u.Port(); {
	case port == "443" && (u.Scheme == "wss" || u.Scheme == "https"), port == "80" && (u.Scheme == "ws" || u.Scheme == "http"):
		u.Host = u.Host[:len(u.Host)-len(port)-1]
	}
	if u.Path == "" {
		u.Path = "/"
	}
	q := url.Values{"X-Amz-Expires": {strconv.FormatInt(int64(expires/time.Second), 10)}}
	for k, v := range query {
		q[k] = v
	}
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", StripURL(err)
	}
	signed, _, err := c.signer.PresignHTTP(ctx, creds, req, emptyHash, c.opt.Service, c.opt.AWS.Region, at)
	return signed, err
}
