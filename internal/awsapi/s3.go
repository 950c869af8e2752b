package awsapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

const s3Service = "s3"

// What one attempt to put an object may take: for the connection and the answer, and for
// each byte at 64 kbit/s, the slowest network that pictures are worth trying on.
const (
	putTimeout  = 15 * time.Second
	putByteTime = time.Second / 8000
)

// Forms of bucket names ("General purpose bucket naming rules").
var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	bucketHost = regexp.MustCompile(`^[a-z0-9-]+$`) // what the wildcard in the certificates of S3 stands for
)

// ValidBucket reports whether a bucket of S3 can have a name.
func ValidBucket(name string) bool {
	return bucketName.MatchString(name) && !strings.Contains(name, "..")
}

// Bucket puts objects into a bucket of S3. It is safe for concurrent use.
type Bucket struct {
	client *Client
	url    string // with a slash at the end
}

// NewBucket returns the bucket of a name, which is reached as the AWS SDK does it: by a
// host name of its own, or by the path at a BaseEndpoint and where the name has dots. It
// does no I/O. The client makes one attempt at a call: whoever keeps objects repeats it.
func NewBucket(cfg aws.Config, name string) *Bucket {
	cfg.Retryer, cfg.RetryMaxAttempts = func() aws.Retryer { return aws.NopRetryer{} }, 0
	c := New(Options{AWS: cfg, Service: s3Service, ID: "S3"})
	c.signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // S3 alone escapes once
	b := &Bucket{client: c, url: c.endpoint.URL + "/" + name + "/"}
	if host, ok := strings.CutPrefix(c.endpoint.URL, "https://"); ok && !c.endpoint.Overridden && bucketHost.MatchString(name) {
		b.url = "https://" + name + "." + host + "/"
	}
	return b
}

// Put puts an object under a key that has none yet. An object that is there stays, and is
// no error: of a Put that is repeated because its answer was lost, the bucket has one
// object, and whoever is told of objects hears of it once. It needs s3:PutObject alone. An
// answer that S3 does not give, such as a portal's page, is an error whatever its status.
func (b *Bucket) Put(ctx context.Context, key, contentType string, body []byte) error {
	const operation = "PutObject"
	if b.client.endErr != nil {
		return b.client.failed(operation, b.client.endErr)
	}
	sum := sha256.Sum256(body)
	q := &request{
		method: http.MethodPut, url: b.url + httpbinding.EscapePath(key, false), body: body,
		timeout: putTimeout + time.Duration(len(body))*putByteTime,
		header: http.Header{
			"Content-Type":         {contentType},
			"If-None-Match":        {"*"},
			"X-Amz-Content-Sha256": {hex.EncodeToString(sum[:])},
		},
	}
	_, err := b.client.send(ctx, operation, q, func(r *http.Response) error {
		defer r.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(r.Body, maxError)) // what was cut off has been put all the same
		if r.Header.Get("ETag") == "" || len(text) > 0 {        // S3 has the one and not the other
			return ResponseError(r.StatusCode, r.Header, text)
		}
		return nil
	})
	if FromService(err) && Code(err) == "PreconditionFailed" {
		return nil
	}
	return err
}

// Region returns the region that requests are signed for.
func (b *Bucket) Region() string { return b.client.Region() }

// Advise is [Client.Advise].
func (b *Bucket) Advise(err error) error { return b.client.Advise(err) }

// isHost reports whether name is the host of a URL, or that of a bucket there.
func isHost(name string, u *url.URL) bool {
	name, host := strings.ToLower(strings.TrimSuffix(name, ".")), strings.ToLower(u.Hostname())
	return name == host || strings.HasPrefix(host, s3Service+".") && strings.HasSuffix(name, "."+host)
}
