package s3test_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// Newer AWS SDKs put chunks with a checksum behind them.
func TestChunks(t *testing.T) {
	inBubble(t, s3test.Config{}, func(c *client) {
		put := func(body, length, hash string) reply {
			t.Helper()
			return c.do("PUT", "/pictures/k", []byte(body), "X-Amz-Content-Sha256", hash, "Content-Encoding", "aws-chunked",
				"X-Amz-Decoded-Content-Length", length, "X-Amz-Trailer", "x-amz-checksum-crc32")
		}
		const trailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
		c.refused("a wrong checksum", put("3\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "5", trailer), 400, "BadDigest")
		if r := put("3\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:hYfYZQ==\r\n\r\n", "5", trailer); r.status != 200 {
			t.Errorf("%+v", r)
		}
		if got, _ := c.srv.Object("pictures", "k"); string(got.Data) != "abcde" {
			t.Errorf("%q", got.Data)
		}
		c.refused("cut off", put("3\r\nabc\r\n2\r\nd", "5", trailer), 400, "IncompleteBody")
		c.refused("of another length", put("3\r\nabc\r\n0\r\n\r\n", "5", trailer), 400, "IncompleteBody")
		c.refused("signed chunks", put("", "0", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), 501, "NotImplemented")
	})
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n"), "3")
	f.Add([]byte("ffffffff\r\n"), "0")
	f.Fuzz(func(t *testing.T, body []byte, length string) {
		s, err := s3test.New(s3test.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.AddBucket("pictures", s3test.BucketConfig{}); err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), "PUT", "https://s3.us-west-2.amazonaws.com/pictures/k", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		const hash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
		r.Header = http.Header{"X-Amz-Content-Sha256": {hash}, "X-Amz-Trailer": {"x"}, "X-Amz-Decoded-Content-Length": {length}}
		key, err := awsapitest.StaticAWS("us-west-2", "", nil).Credentials.Retrieve(t.Context())
		if err == nil {
			err = signer().SignHTTP(t.Context(), key, r, hash, "s3", "us-west-2", time.Now())
		}
		if err != nil {
			t.Skip(err)
		}
		w := &answer{header: http.Header{}}
		s.ServeHTTP(w, r)
		if stored := len(s.Objects("pictures")) == 1; stored != (w.status == 0) {
			t.Errorf("answered %d, stored %v", w.status, stored)
		}
	})
}

// answer is a ResponseWriter that keeps the status.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) Write(b []byte) (int, error) { return len(b), nil }

func (a *answer) WriteHeader(status int) { a.status = status }
