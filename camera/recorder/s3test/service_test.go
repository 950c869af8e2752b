package s3test_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
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

func TestObjects(t *testing.T) {
	inBubble(t, s3test.Config{}, func(c *client) {
		picture := []byte("0123456789")
		put := c.do("PUT", "/pictures/"+door, picture, "Content-Type", "image/jpeg", "X-Amz-Meta-EventId", "7")
		if put.status != 200 || put.body != "" || put.header.Get("ETag") != `"781e5e245d69b566979b86e28d23f2c7"` {
			t.Fatalf("%+v", put)
		}
		got := c.do("GET", "/pictures/"+door, nil)
		if got.status != 200 || got.body != "0123456789" || got.header.Get("Content-Type") != "image/jpeg" || got.header.Get("X-Amz-Meta-Eventid") != "7" ||
			got.header.Get("ETag") != put.header.Get("ETag") || got.header.Get("Last-Modified") == "" {
			t.Errorf("%+v", got)
		}
		head := c.do("HEAD", "/pictures/"+door, nil)
		if head.status != 200 || head.body != "" || head.header.Get("Content-Length") != "10" || head.header.Get("X-Amz-Meta-Eventid") != "7" {
			t.Errorf("%+v", head)
		}
		for wanted, want := range map[string]string{"bytes=2-4": "234", "bytes=7-": "789", "bytes=-2": "89", "bytes=8-99": "89", "bytes=0-0,5-5": "0123456789", "lines=1-2": ""} {
			r := c.do("GET", "/pictures/"+door, nil, "Range", wanted)
			if want != "" && r.body != want || want != "" && len(want) < 10 != (r.status == 206) {
				t.Errorf("%s: %d %q", wanted, r.status, r.body)
			}
		}
		c.refused("beyond the end", c.do("GET", "/pictures/"+door, nil, "Range", "bytes=10-"), 416, "InvalidRange")
		if r := c.do("GET", "/pictures/"+door, nil, "If-None-Match", put.header.Get("ETag")); r.status != 304 {
			t.Errorf("%+v", r)
		}
		if r := c.do("DELETE", "/pictures/"+door, nil); r.status != 204 {
			t.Errorf("%+v", r)
		}
		if r := c.do("DELETE", "/pictures/"+door, nil); r.status != 204 {
			t.Errorf("what is not there: %+v", r)
		}
		c.refused("deleted", c.do("GET", "/pictures/"+door, nil), 404, "NoSuchKey")
		if r := c.do("HEAD", "/pictures/"+door, nil); r.status != 404 || r.body != "" {
			t.Errorf("%+v", r)
		}
	})
}

// Conditions make a put happen once.
func TestConditions(t *testing.T) {
	inBubble(t, s3test.Config{}, func(c *client) {
		first := c.do("PUT", "/pictures/k", []byte("1"), "If-None-Match", "*")
		if first.status != 200 {
			t.Fatalf("%+v", first)
		}
		c.refused("once more", c.do("PUT", "/pictures/k", []byte("2"), "If-None-Match", "*"), 412, "PreconditionFailed")
		c.refused("another version", c.do("PUT", "/pictures/k", []byte("2"), "If-Match", `"0"`), 412, "PreconditionFailed")
		c.refused("no version", c.do("PUT", "/pictures/l", []byte("2"), "If-Match", `"0"`), 404, "NoSuchKey")
		c.refused("an ETag", c.do("PUT", "/pictures/k", []byte("2"), "If-None-Match", `"0"`), 501, "NotImplemented")
		if r := c.do("PUT", "/pictures/k", []byte("2"), "If-Match", first.header.Get("ETag")); r.status != 200 {
			t.Errorf("%+v", r)
		}
		if got, _ := c.srv.Object("pictures", "k"); string(got.Data) != "2" {
			t.Errorf("%q", got.Data)
		}
	})
}

func TestRefusals(t *testing.T) {
	inBubble(t, s3test.Config{Limits: s3test.Limits{ObjectBytes: 100_000, Objects: 3}}, func(c *client) {
		if err := c.srv.AddBucket("abroad", s3test.BucketConfig{Region: "eu-west-1"}); err != nil {
			t.Fatal(err)
		}
		put := func(path string, body string, header ...string) reply {
			t.Helper()
			return c.do("PUT", path, []byte(body), header...)
		}
		c.refused("no bucket", put("/nowhere/k", ""), 404, "NoSuchBucket")
		abroad := put("/abroad/k", "")
		c.refused("another region", abroad, 301, "PermanentRedirect")
		if abroad.header.Get("X-Amz-Bucket-Region") != "eu-west-1" || !strings.Contains(abroad.body, "<Endpoint>abroad.s3.eu-west-1.amazonaws.com</Endpoint>") {
			t.Errorf("%+v", abroad)
		}
		signed := c.doAt(time.Now(), "us-east-1", "GET", "/pictures/k", nil)
		c.refused("signed for another region", signed, 400, "AuthorizationHeaderMalformed")
		if signed.header.Get("X-Amz-Bucket-Region") != "us-west-2" || !strings.Contains(signed.body, "<Region>us-west-2</Region>") {
			t.Errorf("%+v", signed)
		}
		c.refused("a wrong clock", c.doAt(time.Now().Add(-time.Hour), "us-west-2", "GET", "/pictures/k", nil), 403, "RequestTimeTooSkewed")
		c.refused("unsigned", c.send(c.request("GET", "/pictures/k", nil)), 403, "AccessDenied")
		c.refused("signed as of old", c.send(c.request("GET", "/pictures/k?AWSAccessKeyId=AKIDEXAMPLE&Signature=x&Expires=1", nil)), 400, "InvalidRequest")
		c.refused("no hash", c.send(func() *http.Request {
			r := c.request("GET", "/pictures/k", nil)
			if err := signer().SignHTTP(c.t.Context(), c.credentials(), r, "UNSIGNED-PAYLOAD", "s3", "us-west-2", time.Now()); err != nil {
				t.Fatal(err)
			}
			return r
		}()), 400, "InvalidRequest")
		c.refused("another body's hash", put("/pictures/k", "x", "X-Amz-Content-Sha256", hex.EncodeToString(make([]byte, 32))), 400, "XAmzContentSHA256Mismatch")
		c.refused("another body's MD5", put("/pictures/k", "x", "Content-MD5", "AAAA"), 400, "BadDigest")
		c.refused("another body's CRC", put("/pictures/k", "x", "X-Amz-Checksum-Crc32", "AAAA"), 400, "BadDigest")
		c.refused("a long key", put("/pictures/"+strings.Repeat("x", 1025), ""), 400, "KeyTooLongError")
		c.refused("large metadata", put("/pictures/k", "", "X-Amz-Meta-A", strings.Repeat("x", 2048)), 400, "MetadataTooLarge")
		c.refused("a large object", put("/pictures/k", strings.Repeat("x", 100_001)), 400, "EntityTooLarge")
		c.refused("a larger one", put("/pictures/k", strings.Repeat("x", 200_000)), 400, "EntityTooLarge")
		c.refused("an ACL", put("/pictures/k", "", "X-Amz-Acl", "public-read"), 400, "AccessControlListNotSupported")
		c.refused("a tag", put("/pictures/k", "", "X-Amz-Tagging", "a=b"), 501, "NotImplemented")
		c.refused("a part", put("/pictures/k?partNumber=1&uploadId=2", ""), 501, "NotImplemented")
		c.refused("a list", c.do("GET", "/pictures?list-type=2", nil), 501, "NotImplemented")
		c.refused("a post", c.do("POST", "/pictures/k", nil), 501, "NotImplemented")
		c.refused("another's bucket", put("/pictures/k", "", "X-Amz-Expected-Bucket-Owner", "1"), 403, "AccessDenied")
		for i := range 3 {
			if r := put(fmt.Sprintf("/pictures/%d", i), ""); r.status != 200 {
				t.Errorf("%+v", r)
			}
		}
		c.refused("one too many", put("/pictures/3", ""), 503, "ServiceUnavailable")
		if n := len(c.srv.Objects("pictures")); n != 3 {
			t.Errorf("%d objects", n)
		}
		for _, name := range []string{"", "ab", "Pictures", "a..b", "-ab", "a/b", strings.Repeat("a", 64)} {
			if err := c.srv.AddBucket(name, s3test.BucketConfig{}); err == nil {
				t.Errorf("the bucket %q", name)
			}
		}
	})
}

// A policy names actions and keys; whoever may not list does not hear what is missing.
func TestPolicy(t *testing.T) {
	cfg := s3test.Config{
		Credentials: func(key string) (s3test.Identity, bool) {
			return s3test.Identity{SecretAccessKey: "secret", Principal: key}, key == "door" || key == "owner"
		},
		Authorize: func(a s3test.Access) error {
			if a.Principal == "owner" || a.Action == "PutObject" && a.Bucket == "pictures" && strings.HasPrefix(a.Key, a.Principal+"/") {
				return nil
			}
			return errors.New("no policy allows this")
		},
	}
	inBubble(t, cfg, func(c *client) {
		c.key = aws.Credentials{AccessKeyID: "door", SecretAccessKey: "secret"}
		owner := &client{t: c.t, srv: c.srv, key: aws.Credentials{AccessKeyID: "owner", SecretAccessKey: "secret"}}
		if r := c.do("PUT", "/pictures/"+door, []byte("x")); r.status != 200 {
			t.Errorf("%+v", r)
		}
		c.refused("another's folder", c.do("PUT", "/pictures/garage/x.jpg", nil), 403, "AccessDenied")
		c.refused("out of its folder", c.do("PUT", "/pictures/door", nil), 403, "AccessDenied")
		c.refused("its own picture", c.do("GET", "/pictures/"+door, nil), 403, "AccessDenied")
		c.refused("what is not there", c.do("GET", "/pictures/door/none.jpg", nil), 403, "AccessDenied")
		c.refused("deleting", c.do("DELETE", "/pictures/"+door, nil), 403, "AccessDenied")
		owner.refused("what the owner misses", owner.do("GET", "/pictures/door/none.jpg", nil), 404, "NoSuchKey")
		c.refused("a URL with rights of a device", c.send(c.request("GET", c.presign("GET", "/pictures/"+door, time.Hour), nil)), 403, "AccessDenied")
		if err := c.srv.Deliver("door", "pictures", s3test.Object{Key: "door/kvs_1.jpg", Data: []byte("y"), Metadata: map[string]string{"eventid": "7"}}); err != nil {
			t.Error(err)
		}
		var refused *s3test.Error
		if err := c.srv.Deliver("door", "pictures", s3test.Object{Key: "kvs_1.jpg"}); !errors.As(err, &refused) || refused.Name != "AccessDenied" {
			t.Error(err)
		}
		if err := c.srv.Deliver("door", "nowhere", s3test.Object{Key: "door/1.jpg"}); !errors.As(err, &refused) || refused.Name != "NoSuchBucket" {
			t.Error(err)
		}
		if r := owner.do("HEAD", "/pictures/door/kvs_1.jpg", nil); r.header.Get("X-Amz-Meta-Eventid") != "7" {
			t.Errorf("%+v", r)
		}
	})
}

func TestPresigned(t *testing.T) {
	expires := time.Time{}
	cfg := s3test.Config{Credentials: func(key string) (s3test.Identity, bool) {
		return s3test.Identity{SecretAccessKey: "secret", SessionToken: "tok/en", Expires: expires}, key == "owner"
	}}
	inBubble(t, cfg, func(c *client) {
		c.key = aws.Credentials{AccessKeyID: "owner", SecretAccessKey: "secret", SessionToken: "tok/en"}
		expires = time.Now().Add(time.Hour)
		plain := func(method, url string, body []byte, header ...string) reply {
			t.Helper()
			return c.send(c.request(method, url, body, header...))
		}
		put := c.presign("PUT", "/pictures/"+door, time.Minute, "Content-Type", "image/jpeg")
		if r := plain("PUT", put, []byte("picture"), "Content-Type", "image/jpeg"); r.status != 200 {
			t.Errorf("%+v", r)
		}
		c.refused("another type than signed", plain("PUT", put, nil, "Content-Type", "text/html"), 403, "SignatureDoesNotMatch")
		c.refused("a header that was not signed", plain("PUT", put, nil, "Content-Type", "image/jpeg", "X-Amz-Meta-A", "b"), 403, "AccessDenied")
		get := c.presign("GET", "/pictures/"+door+"?response-content-disposition=inline", 10*time.Minute)
		if r := plain("GET", get, nil); r.status != 200 || r.body != "picture" || r.header.Get("Content-Disposition") != "inline" {
			t.Errorf("%+v", r)
		}
		c.refused("the other method", plain("PUT", get, nil), 403, "SignatureDoesNotMatch")
		c.refused("another key", plain("GET", strings.Replace(get, "FAV.jpg", "FAW.jpg", 1), nil), 403, "SignatureDoesNotMatch")
		c.refused("a week and more", plain("GET", c.presign("GET", "/pictures/"+door, 8*24*time.Hour), nil), 400, "AuthorizationQueryParametersError")
		long := c.presign("GET", "/pictures/"+door, 2*time.Hour)
		time.Sleep(10*time.Minute + time.Second)
		c.refused("past its life", plain("GET", get, nil), 403, "AccessDenied")
		time.Sleep(50 * time.Minute)
		c.refused("past the life of whoever made it", plain("GET", long, nil), 400, "ExpiredToken")
	})
}

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

// Pages of other origins read nothing that the bucket does not let them read.
func TestOrigins(t *testing.T) {
	inBubble(t, s3test.Config{}, func(c *client) {
		ask := func(origin string) reply {
			return c.send(c.request("OPTIONS", "/pictures/k", nil, "Origin", origin, "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "content-type"))
		}
		c.refused("a bucket without origins", ask("https://app.test"), 403, "AccessForbidden")
		if err := c.srv.AddBucket("pictures", s3test.BucketConfig{Origins: []string{"https://app.test"}}); err != nil {
			t.Fatal(err)
		}
		c.refused("another origin", ask("https://evil.test"), 403, "AccessForbidden")
		if r := ask("https://app.test"); r.status != 200 || r.header.Get("Access-Control-Allow-Origin") != "https://app.test" || r.header.Get("Access-Control-Allow-Headers") != "content-type" {
			t.Errorf("%+v", r)
		}
		for origin, want := range map[string]string{"https://app.test": "https://app.test", "https://evil.test": ""} {
			if r := c.do("PUT", "/pictures/k", nil, "Origin", origin); r.header.Get("Access-Control-Allow-Origin") != want {
				t.Errorf("%s: %+v", origin, r)
			}
		}
	})
}

func TestHosts(t *testing.T) {
	inBubble(t, s3test.Config{}, func(c *client) {
		if r := c.do("PUT", "https://pictures.s3.us-west-2.amazonaws.com/door/a.jpg", []byte("x")); r.status != 200 {
			t.Errorf("%+v", r)
		}
		if r := c.do("GET", "https://s3.us-west-2.amazonaws.com/pictures/door/a.jpg", nil); r.body != "x" {
			t.Errorf("%+v", r)
		}
		for target, want := range map[string]bool{
			"/pictures/k": true, "/nowhere/k": false, "/": false,
			"/describeStream?X-Amz-Credential=" + url.QueryEscape("k/20240101/us-west-2/kinesisvideo/aws4_request"): false,
			"/nowhere/k?X-Amz-Credential=" + url.QueryEscape("k/20240101/us-west-2/s3/aws4_request"):                true,
			"/pictures/k?X-Amz-Credential=" + url.QueryEscape("k/20240101/us-west-2/kinesisvideo/aws4_request"):     false,
		} {
			if got := c.srv.Handles(c.request("GET", target, nil)); got != want {
				t.Errorf("%s: %v", target, got)
			}
		}
	})
}

func TestFaults(t *testing.T) {
	inBubble(t, s3test.Config{}, func(c *client) {
		c.srv.Refuse("PutObject", 1, s3test.Error{Status: 503, Name: "SlowDown", Message: "Please reduce your request rate."})
		c.refused("refused", c.do("PUT", "/pictures/k", []byte("x")), 503, "SlowDown")
		fails := func(what string) {
			t.Helper()
			r := c.request("PUT", "/pictures/k", []byte("x"), "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			r.GetBody = nil // or the transport asks again
			if err := signer().SignHTTP(c.t.Context(), c.credentials(), r, "UNSIGNED-PAYLOAD", "s3", "us-west-2", time.Now()); err != nil {
				t.Fatal(err)
			}
			if resp, err := c.srv.Client().Do(r); err == nil {
				resp.Body.Close()
				t.Errorf("%s: %s", what, resp.Status)
			}
		}
		c.srv.Drop("PutObject", 1)
		fails("dropped")
		c.srv.SetOutage(true)
		fails("in an outage")
		if err := c.srv.Deliver("x", "pictures", s3test.Object{Key: "k"}); err == nil {
			t.Error("delivered in an outage")
		}
		c.srv.SetOutage(false)
		if n := len(c.srv.Objects("pictures")); n != 0 {
			t.Errorf("%d objects", n)
		}
		c.srv.Lose("PutObject", 1)
		fails("a lost answer")
		if n := len(c.srv.Objects("pictures")); n != 1 {
			t.Errorf("%d objects", n)
		}
		last := c.srv.Events()[len(c.srv.Events())-1]
		if last.Name != "PutObject" || last.Bucket != "pictures" || last.Key != "k" || last.Detail == "" {
			t.Errorf("%+v", last)
		}
		if n := c.srv.Calls("PutObject"); n != 3 {
			t.Errorf("%d calls", n)
		}
	})
}

// Whatever was answered with success is there after a restart, and nothing besides.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	start := func() *client {
		srv := s3test.NewServer(s3test.Config{Dir: dir})
		if err := srv.AddBucket("pictures", s3test.BucketConfig{}); err != nil {
			t.Fatal(err)
		}
		return &client{t: t, srv: srv}
	}
	c := start()
	for _, path := range []string{"/pictures/" + door, "/pictures/a/../b", "/pictures/A", "/pictures/a", "/pictures/gone"} {
		if r := c.do("PUT", c.srv.URL+path, []byte(path), "Content-Type", "image/jpeg", "X-Amz-Meta-A", "b"); r.status != 200 {
			t.Fatalf("%+v", r)
		}
	}
	c.do("PUT", "/pictures/a", []byte("again"))
	c.do("DELETE", "/pictures/gone", nil)
	want := c.srv.Objects("pictures")
	if err := c.srv.Close(); err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(dir, "pictures", "stray.7.jpg") // of a put that was cut off
	if err := os.WriteFile(stray, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c = start()
	defer c.srv.Close()
	got := c.srv.Objects("pictures")
	if len(got) != 4 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	files, err := filepath.Glob(filepath.Join(dir, "pictures", "*.*"))
	if err != nil || len(files) != 4 {
		t.Errorf("%q, %v", files, err)
	}
	if _, err := os.Stat(stray); err == nil {
		t.Error("the stray file is there")
	}
}

// A put under way while another one of the same key is counts once.
func TestAtOnce(t *testing.T) {
	inBubble(t, s3test.Config{}, func(c *client) {
		done := make(chan int)
		for range 8 {
			go func() { done <- c.do("PUT", "/pictures/k", []byte("x"), "If-None-Match", "*").status }()
		}
		stored := 0
		for range 8 {
			if status := <-done; status == 200 {
				stored++
			} else if status != 412 {
				t.Error(status)
			}
		}
		if stored != 1 {
			t.Errorf("%d puts of one", stored)
		}
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

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(status int)      { a.status = status }
