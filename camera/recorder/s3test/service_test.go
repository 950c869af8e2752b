package s3test_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
)

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
