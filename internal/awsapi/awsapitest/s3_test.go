package awsapitest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// The examples of the API reference of S3 ("Signature Calculations for the Authorization
// Header", "Authenticating Requests: Using Query Parameters").
var s3Time = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)

const (
	s3Credential = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
	s3Presigned  = "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
		"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400" +
		"&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)

func s3Verifier() *Verifier {
	return &Verifier{Region: "us-east-1", Service: "s3", S3: true, Now: func() time.Time { return s3Time },
		Credentials: func(id string) (Identity, bool) {
			return Identity{SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Principal: "example"}, id == "AKIAIOSFODNN7EXAMPLE"
		}}
}

func s3Put() (*http.Request, []byte) {
	const body = "Welcome to Amazon S3."
	r := httptest.NewRequest("PUT", "https://examplebucket.s3.amazonaws.com/test%24file.text", strings.NewReader(body))
	r.Header = http.Header{"Date": {"Fri, 24 May 2013 00:00:00 GMT"}, "X-Amz-Date": {"20130524T000000Z"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"},
		"X-Amz-Content-Sha256": {"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
		"Authorization": {s3Credential + "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class," +
			"Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"}}
	return r, []byte(body)
}

func s3Get() *http.Request {
	r := httptest.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	r.Header = http.Header{"Range": {"bytes=0-9"}, "X-Amz-Date": {"20130524T000000Z"}, "X-Amz-Content-Sha256": {emptyHash},
		"Authorization": {s3Credential + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date," +
			"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"}}
	return r
}

func TestVerifyS3Vectors(t *testing.T) {
	put, body := s3Put()
	for _, c := range []struct {
		r    *http.Request
		body []byte
	}{{put, body}, {s3Get(), nil}, {httptest.NewRequest("GET", s3Presigned, nil), nil}} {
		if caller, err := s3Verifier().Verify(c.r, c.body); err != nil || caller.Principal != "example" {
			t.Errorf("%s %s: %+v, %v", c.r.Method, c.r.URL, caller, err)
		}
	}
}

// A path is escaped once, whatever the client left as it is.
func TestVerifyS3Paths(t *testing.T) {
	for _, path := range []string{"/b/thing/01ABC.jpg", "/b/a%20b/c%2Bd%3D%C3%A9", "/b/a b", "/b//x/../y", "/b/%24$&"} {
		r := httptest.NewRequest("GET", "https://s3.test/", nil)
		r.URL.Path, r.URL.RawPath = "", ""
		u, err := r.URL.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path, r.URL.RawPath = u.Path, strings.ReplaceAll(encode(u.Path), "%2F", "/")
		r.Header.Set("X-Amz-Content-Sha256", emptyHash)
		err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(t.Context(),
			aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, r, emptyHash, "s3", "us-east-1", s3Time)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s3Verifier().Verify(r, nil); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestVerifyS3Refusals(t *testing.T) {
	presigned := func() *http.Request { return httptest.NewRequest("GET", s3Presigned, nil) }
	at := func(d time.Duration) func(*Verifier) {
		return func(v *Verifier) { v.Now = func() time.Time { return s3Time.Add(d) } }
	}
	as := func(id Identity) func(*Verifier) {
		return func(v *Verifier) {
			if id.SecretAccessKey == "" {
				id.SecretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
			}
			v.Credentials = func(string) (Identity, bool) { return id, true }
		}
	}
	anything := func(*Verifier) {}
	for name, c := range map[string]struct {
		r      *http.Request
		change func(*Verifier)
		status int
		want   string
	}{
		"unsigned":                {httptest.NewRequest("GET", "https://b.s3.amazonaws.com/k", nil), anything, 403, "AccessDenied: Access Denied"},
		"unknown key":             {s3Get(), func(v *Verifier) { v.Credentials = func(string) (Identity, bool) { return Identity{}, false } }, 403, "InvalidAccessKeyId: The AWS Access Key Id"},
		"other token":             {s3Get(), as(Identity{SessionToken: "x"}), 400, "InvalidToken: The provided token is malformed"},
		"expired credentials":     {s3Get(), as(Identity{Expires: s3Time}), 400, "ExpiredToken: The provided token has expired."},
		"expired, presigned":      {presigned(), as(Identity{Expires: s3Time}), 400, "ExpiredToken: "},
		"other secret":            {s3Get(), as(Identity{SecretAccessKey: "x"}), 403, "SignatureDoesNotMatch: The request signature we calculated"},
		"other secret, presigned": {presigned(), as(Identity{SecretAccessKey: "x"}), 403, "SignatureDoesNotMatch: "},
		"a slow clock":            {s3Get(), at(16 * time.Minute), 403, "RequestTimeTooSkewed: The difference between"},
		"a fast clock":            {s3Get(), at(-16 * time.Minute), 403, "RequestTimeTooSkewed: "},
		"URL past its end":        {presigned(), at(24*time.Hour + time.Second), 403, "AccessDenied: Request has expired"},
		"URL of later":            {presigned(), at(-16 * time.Minute), 403, "AccessDenied: Request is not yet valid"},
		"other region": {s3Get(), func(v *Verifier) { v.Region = "eu-west-1" }, 400,
			"AuthorizationHeaderMalformed: The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"},
		"other region, presigned": {presigned(), func(v *Verifier) { v.Region = "eu-west-1" }, 400,
			"AuthorizationQueryParametersError: Error parsing the X-Amz-Credential parameter; the region 'us-east-1' is wrong; expecting 'eu-west-1'"},
		"other service":       {s3Get(), func(v *Verifier) { v.Service = "kinesisvideo" }, 400, "AuthorizationHeaderMalformed: "},
		"a week and a second": {httptest.NewRequest("GET", strings.Replace(s3Presigned, "=86400", "=604801", 1), nil), anything, 400, "AuthorizationQueryParametersError: "},
		"other method":        {httptest.NewRequest("DELETE", s3Presigned, nil), anything, 403, "SignatureDoesNotMatch: "},
		"no hash":             {without(s3Get(), "X-Amz-Content-Sha256"), anything, 400, "InvalidRequest: Missing required header for this request: x-amz-content-sha256"},
		"other hash":          {with(s3Get(), "X-Amz-Content-Sha256", "00"), anything, 400, "XAmzContentSHA256Mismatch: "},
		"a stray header":      {with(s3Get(), "X-Amz-Meta-Event", "1"), anything, 403, "AccessDenied: There were headers present in the request which were not signed"},
		"a stray one, presigned": {with(presigned(), "X-Amz-Meta-Event", "1"), anything, 403,
			"AccessDenied: There were headers present in the request which were not signed"},
	} {
		v := s3Verifier()
		c.change(v)
		_, err := v.Verify(c.r, nil)
		var e *Error
		if !errors.As(err, &e) || e.Status != c.status || !strings.HasPrefix(e.Error(), c.want) {
			t.Errorf("%s: %v, want %d %s", name, err, c.status, c.want)
		}
	}
}

func with(r *http.Request, name, value string) *http.Request {
	r.Header.Set(name, value)
	return r
}

func without(r *http.Request, name string) *http.Request {
	r.Header.Del(name)
	return r
}
