package s3test_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const door = "door/01ARZ3NDEKTSV4RRFFQ69G5FAV.jpg"

// client calls a server as the key that it names.
type client struct {
	t   *testing.T
	srv *s3test.Server
	key aws.Credentials
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   string
}

// request is one that is not signed yet.
func (c *client) request(method, url string, body []byte, header ...string) *http.Request {
	c.t.Helper()
	if strings.HasPrefix(url, "/") {
		url = c.srv.URL + url
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.URL.RawPath = httpbinding.EscapePath(r.URL.Path, false) // as S3 has it signed
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func (c *client) credentials() aws.Credentials {
	if c.key.AccessKeyID != "" {
		return c.key
	}
	key, err := c.srv.AWS().Credentials.Retrieve(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return key
}

func signer() *v4.Signer {
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
}

// do signs and sends.
func (c *client) do(method, url string, body []byte, header ...string) reply {
	c.t.Helper()
	return c.doAt(time.Now(), "us-west-2", method, url, body, header...)
}

func (c *client) doAt(at time.Time, region, method, url string, body []byte, header ...string) reply {
	c.t.Helper()
	r := c.request(method, url, body, header...)
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if hash == "" {
		sum := sha256.Sum256(body)
		hash = hex.EncodeToString(sum[:])
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	if err := signer().SignHTTP(c.t.Context(), c.credentials(), r, hash, "s3", region, at); err != nil {
		c.t.Fatal(err)
	}
	return c.send(r)
}

// presign returns a URL for whoever has it.
func (c *client) presign(method, path string, life time.Duration, header ...string) string {
	c.t.Helper()
	r := c.request(method, path+map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]+"X-Amz-Expires="+fmt.Sprint(int(life.Seconds())), nil, header...)
	signed, _, err := signer().PresignHTTP(c.t.Context(), c.credentials(), r, "UNSIGNED-PAYLOAD", "s3", "us-west-2", time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	return signed
}

func (c *client) send(r *http.Request) reply {
	c.t.Helper()
	resp, err := c.srv.Client().Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

// refused checks the status and the name of a refusal.
func (c *client) refused(what string, r reply, status int, name string) {
	c.t.Helper()
	if r.status != status || !strings.Contains(r.body, "<Error><Code>"+name+"</Code>") || r.header.Get("X-Amz-Request-Id") == "" {
		c.t.Errorf("%s: %d %s, want %d %s", what, r.status, r.body, status, name)
	}
}

// inBubble runs a test with the bucket pictures.
func inBubble(t *testing.T, cfg s3test.Config, do func(*client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := s3test.NewPipeServer(cfg)
		defer srv.Close()
		if err := srv.AddBucket("pictures", s3test.BucketConfig{}); err != nil {
			t.Fatal(err)
		}
		do(&client{t: t, srv: srv})
	})
}
