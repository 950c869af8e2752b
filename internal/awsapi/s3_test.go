package awsapi

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
)

// xmlRefusal is a refusal in the words of S3.
func xmlRefusal(status int, code, message string) error {
	return ResponseError(status, http.Header{"X-Amz-Request-Id": {"4442587FB7D0A2F9"}},
		[]byte(`<?xml version="1.0" encoding="UTF-8"?>`+"\n<Error><Code>"+code+"</Code><Message>"+message+"</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"))
}

func TestBucketURLs(t *testing.T) {
	for _, c := range []struct {
		region, base, bucket, want string
		dualStack                  bool
	}{
		{"eu-west-1", "", "pictures", "https://pictures.s3.eu-west-1.amazonaws.com/", false},
		{"us-east-1", "", "my-pictures", "https://my-pictures.s3.us-east-1.amazonaws.com/", false},
		{"eu-west-1", "", "my.pictures", "https://s3.eu-west-1.amazonaws.com/my.pictures/", false},
		{"eu-west-1", "", "pictures", "https://pictures.s3.dualstack.eu-west-1.amazonaws.com/", true},
		{"cn-north-1", "", "pictures", "https://pictures.s3.cn-north-1.amazonaws.com.cn/", false},
		{"eu-west-1", "https://127.0.0.1:8443", "pictures", "https://127.0.0.1:8443/pictures/", false},
		{"eu-west-1", "http://s3.local:9000/", "pictures", "http://s3.local:9000/pictures/", false},
	} {
		cfg := aws.Config{Region: c.region}
		if c.base != "" {
			cfg.BaseEndpoint = &c.base
		}
		if c.dualStack {
			cfg.ConfigSources = []any{sources{dual: true}}
		}
		if got := NewBucket(cfg, c.bucket).url; got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	for name, want := range map[string]bool{"pictures": true, "a.b-c": true, "ab": false, "Pictures": false, "-pictures": false, "pictures/x": false, "a..b": false, "": false} {
		if ValidBucket(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

// TestPut puts with names that need escaping, a wrong clock, answers that are lost.
func TestPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := s3test.NewPipeServer(s3test.Config{})
		defer srv.Close()
		if err := srv.AddBucket("pictures", s3test.BucketConfig{}); err != nil {
			t.Fatal(err)
		}
		srv.Skew(26 * time.Hour)
		b := NewBucket(srv.AWS(), "pictures")
		for _, key := range []string{"front-door/01ARZ3NDEKTSV4RRFFQ69G5FAV.jpg", "a b/é+$&=@:;,'()*!~_%2F.jpg"} {
			if err := b.Put(t.Context(), key, "image/jpeg", []byte("first")); err != nil {
				t.Fatal(err)
			}
			if got, ok := srv.Object("pictures", key); !ok || string(got.Data) != "first" || got.ContentType != "image/jpeg" {
				t.Errorf("%q: %+v", key, got)
			}
		}
		if n := srv.Calls("PutObject"); n != 3 {
			t.Errorf("%d calls, want one of them for the clock", n)
		}
		srv.Lose("PutObject", 1)
		var api smithy.APIError
		if err := b.Put(t.Context(), "k", "image/jpeg", []byte("first")); err == nil || errors.As(err, &api) {
			t.Errorf("a lost answer: %v", err)
		}
		if err := b.Put(t.Context(), "k", "image/jpeg", []byte("second")); err != nil {
			t.Error(err)
		}
		if got, _ := srv.Object("pictures", "k"); string(got.Data) != "first" {
			t.Errorf("an object was replaced by %q", got.Data)
		}
	})
}

// One call makes one attempt, and takes no longer than its body may.
func TestPutIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := s3test.NewPipeServer(s3test.Config{})
		defer srv.Close()
		if err := srv.AddBucket("pictures", s3test.BucketConfig{}); err != nil {
			t.Fatal(err)
		}
		cfg := srv.AWS()
		cfg.RetryMaxAttempts = 5
		b := NewBucket(cfg, "pictures")
		srv.Refuse("PutObject", 1, s3test.Error{Status: 503, Name: "SlowDown", Message: "Please reduce your request rate."})
		if err := b.Put(t.Context(), "k", "image/jpeg", nil); !Throttled(err) || srv.Calls("PutObject") != 1 {
			t.Errorf("%v after %d calls", err, srv.Calls("PutObject"))
		}
		srv.Delay("PutObject", time.Hour)
		start := time.Now()
		err := b.Put(t.Context(), "k", "image/jpeg", make([]byte, 80_000))
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(start) != 25*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestPutToNoS3 has something else answer: nothing that it says is taken for a picture that is
// kept, nothing goes to another host, and each attempt ends soon.
func TestPutToNoS3(t *testing.T) {
	filler := bytes.Repeat([]byte("x"), 64<<10)
	endless := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			for _, err := w.Write(filler); err == nil; _, err = w.Write(filler) {
				continue
			}
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a page of a portal": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Welcome")) }, "the answer is not from AWS"},
		"nothing":            {func(http.ResponseWriter, *http.Request) {}, "the answer is not from AWS"},
		"a page without end": {endless(200), "the answer is not from AWS"},
		"an error under 200": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"0"`)
			_, _ = w.Write([]byte("<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"))
		}, "InternalError: We encountered"},
		"a refusal without end": {endless(403), "the answer is not from AWS"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.test"+r.URL.Path, http.StatusTemporaryRedirect)
		}, "307"},
		"half an answer": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(503)
			for http.NewResponseController(w).Flush() == nil { // a byte a second
				_, _ = w.Write([]byte("<"))
				time.Sleep(time.Second)
			}
		}, "no answer from"},
	} {
		for _, sdk := range []bool{false, true} {
			t.Run(fmt.Sprint(name, sdk), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := s3test.NewPipeServer(s3test.Config{})
					defer srv.Close()
					if err := srv.AddBucket("pictures", s3test.BucketConfig{}); err != nil {
						t.Fatal(err)
					}
					cfg := srv.AWS()
					if pipe, _ := srv.Client().Transport.(*http.Transport); sdk {
						cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
							tr.DialContext, tr.DialTLSContext, tr.DisableKeepAlives = pipe.DialContext, pipe.DialTLSContext, true
						})
					}
					srv.Answer("PutObject", 1, c.answer) // one that is followed finds S3
					start := time.Now()
					err := NewBucket(cfg, "pictures").Put(t.Context(), "k", "image/jpeg", []byte("picture"))
					if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 2000 || Permanent(err) || Denied(err) {
						t.Error(err)
					}
					if n := srv.Calls("PutObject"); n != 1 || time.Since(start) > 16*time.Second {
						t.Errorf("%d calls in %v", n, time.Since(start))
					}
				})
			})
		}
	}
}

func TestRefusalsOfS3(t *testing.T) {
	const skewed = "The difference between the request time and the current time is too large."
	for _, c := range []struct {
		err          error
		permanent    bool
		denied       bool
		throttled    bool
		expired      bool
		advice, text string
	}{
		{err: xmlRefusal(404, "NoSuchBucket", "The specified bucket does not exist"), permanent: true, advice: "there is no bucket pictures in eu-west-1"},
		{err: xmlRefusal(403, "AccessDenied", "Access Denied"), denied: true, advice: "must allow s3:PutObject on pictures/door/*"},
		{err: xmlRefusal(400, "ExpiredToken", "The provided token has expired."), expired: true, advice: "provider that renews them"},
		{err: xmlRefusal(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."), denied: true, expired: true, advice: "unknown to AWS"},
		{err: xmlRefusal(400, "InvalidToken", "The provided token is malformed or otherwise invalid."), expired: true, advice: "unknown to AWS"},
		{err: xmlRefusal(503, "SlowDown", "Please reduce your request rate."), throttled: true},
		{err: xmlRefusal(500, "InternalError", "We encountered an internal error. Please try again.")},
		{err: xmlRefusal(403, "RequestTimeTooSkewed", skewed), denied: true, advice: "is the device's clock set?"},
		{err: xmlRefusal(403, "SignatureDoesNotMatch", "x</Message><StringToSign>AWS4-HMAC-SHA256&#10;secret</StringToSign><Message>"), denied: true, advice: "not that of the access key ID", text: "SignatureDoesNotMatch: x ("},
		{err: xmlRefusal(301, "PermanentRedirect", "The bucket you are attempting to access"), permanent: true, advice: "AWS.Region is eu-west-1"},
		{err: xmlRefusal(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-west-2'"), permanent: true, advice: "AWS.Region is eu-west-1"},
		{err: xmlRefusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"), permanent: true},
		{err: xmlRefusal(403, "AccessDenied", "a &lt;b&gt; &amp;amp; &quot;c&quot; &#39;d&#39;"), denied: true, advice: "must allow", text: `a <b> &amp; "c" 'd'`},
		{err: ResponseError(403, nil, []byte("<html><Code>no</Code></html>"))},
		{err: ResponseError(403, nil, []byte("<Error><Code>cut"))},
		{err: ResponseError(404, http.Header{"X-Amz-Request-Id": {"1"}}, nil)}, // as to HEAD
	} {
		if Permanent(c.err) != c.permanent || Denied(c.err) != c.denied || Throttled(c.err) != c.throttled || Expired(c.err) != c.expired {
			t.Errorf("%v: permanent %v, denied %v, throttled %v, expired %v", c.err, Permanent(c.err), Denied(c.err), Throttled(c.err), Expired(c.err))
		}
		got := Advice{Region: "eu-west-1", Policy: "s3:PutObject on pictures/door/*", Absent: "bucket pictures"}.Explain(c.err)
		if c.advice == "" && got != c.err || !strings.Contains(got.Error(), c.advice) || !strings.Contains(got.Error(), c.text) || strings.Contains(got.Error(), "secret") && !strings.Contains(got.Error(), "the secret access key is") {
			t.Errorf("%v, want %q and %q", got, c.advice, c.text)
		}
	}
	elsewhere := ResponseError(301, http.Header{"X-Amz-Bucket-Region": {"us-east-2"}}, []byte("<Error><Code>PermanentRedirect</Code><Message>x</Message></Error>"))
	if got := (Advice{Region: "eu-west-1"}).Explain(elsewhere); !strings.Contains(got.Error(), `the bucket is in "us-east-2"`) {
		t.Error(got)
	}
	if status := Status(elsewhere); status != 301 || elsewhere.ServiceRequestID() != "" {
		t.Error(status)
	}
}

// A region that does not exist has no buckets either.
func TestAdviseOfBuckets(t *testing.T) {
	b := NewBucket(aws.Config{Region: "eu-west-9"}, "pictures")
	err := &net.DNSError{Err: "no such host", Name: "pictures.s3.eu-west-9.amazonaws.com.", IsNotFound: true}
	if got := b.Advise(err); !strings.Contains(got.Error(), "the name of a region?") {
		t.Error(got)
	}
}
