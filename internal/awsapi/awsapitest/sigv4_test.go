package awsapitest

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var vectorTime = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

const vectorURL = "https://127.0.0.1:8443/?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
	"&X-Amz-ChannelARN=arn%3Aaws%3Akinesisvideo%3Aus-west-2%3A123456789012%3Achannel%2Fdemo%2F1700000000000" +
	"&X-Amz-Credential=AKIDEXAMPLE%2F20240102%2Fus-west-2%2Fkinesisvideo%2Faws4_request" +
	"&X-Amz-Date=20240102T030405Z&X-Amz-Expires=299&X-Amz-SignedHeaders=host"

func vectorVerifier(token string) *Verifier {
	return &Verifier{
		Region: "us-west-2", Service: "kinesisvideo",
		Credentials: func(id string) (Identity, bool) {
			return Identity{SecretAccessKey: "secret/KEY+1", SessionToken: token, Principal: "demo"}, id == "AKIDEXAMPLE"
		},
		Now: func() time.Time { return vectorTime.Add(time.Minute) },
	}
}

// The vectors were made by reproducing the AWS JavaScript SDK's signature.
func TestVerifyVectors(t *testing.T) {
	master := vectorURL + "&X-Amz-Signature=2ecd12bb94721ceba6d03e6266d73fa5d19d0ba1dbbeac67296ae35d973aad7f"
	viewer := strings.Replace(vectorURL, "&X-Amz-Credential", "&X-Amz-ClientId=viewer-1&X-Amz-Credential", 1) +
		"&X-Amz-Security-Token=tok%2Fen%2BA%3D%3D" +
		"&X-Amz-Signature=c5ccc5fb7f4c41b63ed7242fd63dc8fc7e236f0a4c88ba4732149604fe1e1f84"
	cases := []struct{ name, url, token, wantErr string }{
		{"master", master, "", ""},
		{"viewer with token", viewer, "tok/en+A==", ""},
		{"signature first", moveFirst(viewer, "X-Amz-Signature"), "tok/en+A==", ""},
		{"wrong host", strings.Replace(master, ":8443", ":8444", 1), "", "InvalidSignatureException"},
		{"other channel", strings.Replace(master, "demo", "dem0", 1), "", "InvalidSignatureException"},
		{"other token", viewer, "another", "UnrecognizedClientException"},
		{"missing token", master, "tok/en+A==", "UnrecognizedClientException"},
		{"unknown key", strings.Replace(master, "AKIDEXAMPLE", "AKIDOTHER", 1), "", "UnrecognizedClientException"},
		{"wrong region", strings.Replace(master, "us-west-2%2Fkin", "us-east-1%2Fkin", 1), "", "InvalidSignatureException"},
		{"bad escape", master + "&x=%zz", "", "IncompleteSignatureException"},
		{"long life", strings.Replace(master, "Expires=299", "Expires=604801", 1), "", "IncompleteSignatureException"},
		{"unsigned", "https://127.0.0.1:8443/", "", "MissingAuthenticationTokenException"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			caller, err := vectorVerifier(c.token).Verify(httptest.NewRequest("GET", c.url, nil), nil)
			checkError(t, err, c.wantErr, "")
			if err == nil && (caller.Principal != "demo" || !caller.Presigned) {
				t.Errorf("caller = %+v", caller)
			}
		})
	}
}

func moveFirst(url, param string) string {
	head, query, _ := strings.Cut(url, "?")
	before, value, _ := strings.Cut(query, "&"+param+"=")
	return head + "?" + param + "=" + value + "&" + before
}

func checkError(t *testing.T, err error, name, text string) {
	t.Helper()
	var e *Error
	switch {
	case name == "" && err != nil:
		t.Errorf("refused: %v", err)
	case name != "" && !errors.As(err, &e):
		t.Errorf("got %v, want %s", err, name)
	case name != "" && (e.Name != name || !strings.Contains(e.Message, text) || e.Status != http.StatusForbidden):
		t.Errorf("got %d %v, want 403 %s with %q", e.Status, e, name, text)
	}
}

func TestVerifyTime(t *testing.T) {
	master := vectorURL + "&X-Amz-Signature=2ecd12bb94721ceba6d03e6266d73fa5d19d0ba1dbbeac67296ae35d973aad7f"
	signed := signedPOST(t, "https://kinesisvideo.test/describeSignalingChannel", `{}`, aws.Credentials{
		AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret/KEY+1"})
	cases := []struct {
		name       string
		r          *http.Request
		after      time.Duration
		err, text  string
		credential time.Time
	}{
		{"URL at its end", httptest.NewRequest("GET", master, nil), 299 * time.Second, "", "", time.Time{}},
		{"URL past its end", httptest.NewRequest("GET", master, nil), 300 * time.Second, "InvalidSignatureException",
			"Signature expired: 20240102T030904Z is now earlier than 20240102T030905Z", time.Time{}},
		{"URL from the future", httptest.NewRequest("GET", master, nil), -16 * time.Minute, "InvalidSignatureException",
			"Signature not yet current: 20240102T030405Z is still later than 20240102T030305Z (20240102T024805Z + 15 min.)", time.Time{}},
		{"header", signed, 15 * time.Minute, "", "", time.Time{}},
		{"header late", signed, 15*time.Minute + time.Second, "InvalidSignatureException",
			"Signature expired: 20240102T030405Z is now earlier than 20240102T030406Z (20240102T031906Z - 15 min.)", time.Time{}},
		{"header early", signed, -15*time.Minute - time.Second, "InvalidSignatureException", "Signature not yet current: ", time.Time{}},
		{"expired credentials", signed, 0, "ExpiredTokenException", "expired", vectorTime},
		{"credentials' last second", signed, 0, "", "", vectorTime.Add(time.Second)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := vectorVerifier("")
			v.Now = func() time.Time { return vectorTime.Add(c.after) }
			find := v.Credentials
			v.Credentials = func(key string) (Identity, bool) {
				id, ok := find(key)
				id.Expires = c.credential
				return id, ok
			}
			_, err := v.Verify(c.r, []byte(`{}`[:len(`{}`)*b2i(c.r.Method == "POST")]))
			checkError(t, err, c.err, c.text)
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// signedPOST signs as the AWS SDK for Go does.
func signedPOST(t *testing.T, url, body string, c aws.Credentials) *http.Request {
	t.Helper()
	r := httptest.NewRequest("POST", url, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	err := v4.NewSigner().SignHTTP(t.Context(), c, r, hex.EncodeToString(sum[:]), "kinesisvideo", "us-west-2", vectorTime)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerifyHeader(t *testing.T) {
	creds := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret/KEY+1", SessionToken: "tok/en+A=="}
	const url, body = "https://kinesisvideo.test:8443/a%20path/x?b=2&a=1%2B1&c", `{"ChannelName":"demo"}`
	cases := []struct {
		name    string
		change  func(*http.Request)
		body    string
		wantErr string
	}{
		{"as signed", func(*http.Request) {}, body, ""},
		{"added unsigned header", func(r *http.Request) { r.Header.Set("X-Extra", "1") }, body, ""},
		{"spaces in a value", func(r *http.Request) { r.Header.Set("Content-Type", "  application/json ") }, body, ""},
		{"other body", func(*http.Request) {}, `{"ChannelName":"dem0"}`, "InvalidSignatureException"},
		{"changed signed header", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, body, "InvalidSignatureException"},
		{"removed signed header", func(r *http.Request) { r.Header.Del("Content-Type") }, body, "InvalidSignatureException"},
		{"other method", func(r *http.Request) { r.Method = "PUT" }, body, "InvalidSignatureException"},
		{"other path", func(r *http.Request) { r.URL.RawPath, r.URL.Path = "", "/other" }, body, "InvalidSignatureException"},
		{"other query", func(r *http.Request) { r.URL.RawQuery = "b=2&a=1%2B1&c=1" }, body, "InvalidSignatureException"},
		{"wrong hash header", func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "00") }, body, "InvalidSignatureException"},
		{"other algorithm", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-ECDSA x") }, body, "IncompleteSignatureException"},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, body, "IncompleteSignatureException"},
		{"both places", func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Algorithm=AWS4-HMAC-SHA256" }, body, "IncompleteSignatureException"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := signedPOST(t, url, body, creds)
			c.change(r)
			_, err := vectorVerifier("tok/en+A==").Verify(r, []byte(c.body))
			checkError(t, err, c.wantErr, "")
		})
	}
}

// The AWS C SDKs leave the port out of the signed host, and the token unsigned.
func TestVerifyAsTheCSDKSigns(t *testing.T) {
	r := httptest.NewRequest("POST", "https://kinesisvideo.test/describeSignalingChannel", nil)
	r.Header.Set("User-Agent", "AWS-SDK-KVS")
	if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret/KEY+1"},
		r, emptyHash, "kinesisvideo", "us-west-2", vectorTime); err != nil {
		t.Fatal(err)
	}
	r.Host = "kinesisvideo.test:8443"
	r.Header.Set("X-Amz-Security-Token", "token")
	_, err := vectorVerifier("token").Verify(r, nil)
	checkError(t, err, "", "")
}

// net/http takes Transfer-Encoding and Host out of the header; producers sign
// both, and Connection, with the hash of an empty body.
func TestVerifyAsAProducerSigns(t *testing.T) {
	canonical := "POST\n/putMedia\n\nconnection:keep-alive\nhost:data.test\ntransfer-encoding:chunked\n" +
		"x-amz-date:20240102T030405Z\nx-amzn-stream-name:demo\n\n" +
		"connection;host;transfer-encoding;x-amz-date;x-amzn-stream-name\n" + emptyHash
	sum := sha256.Sum256([]byte(canonical))
	mac := []byte("AWS4secret/KEY+1")
	for _, text := range []string{"20240102", "us-west-2", "kinesisvideo", "aws4_request",
		"AWS4-HMAC-SHA256\n20240102T030405Z\n20240102/us-west-2/kinesisvideo/aws4_request\n" + hex.EncodeToString(sum[:])} {
		h := hmac.New(sha256.New, mac)
		h.Write([]byte(text))
		mac = h.Sum(nil)
	}
	var wire bytes.Buffer
	wire.WriteString("POST /putMedia HTTP/1.1\r\nHost: data.test:8443\r\nConnection: keep-alive\r\n" +
		"Transfer-Encoding: chunked\r\nX-Amz-Date: 20240102T030405Z\r\nx-amzn-stream-name: demo\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240102/us-west-2/kinesisvideo/aws4_request, " +
		"SignedHeaders=connection;host;transfer-encoding;x-amz-date;x-amzn-stream-name, Signature=" +
		hex.EncodeToString(mac) + "\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(got.Body); err != nil {
		t.Fatal(err)
	}
	_, err = vectorVerifier("").Verify(got, nil)
	checkError(t, err, "", "")
}

func TestVerifyUnsignedPayload(t *testing.T) {
	r := httptest.NewRequest("POST", "https://data.test/x", nil)
	r.Header.Set("X-Amz-Content-Sha256", unsignedPayload)
	creds := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret/KEY+1"}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, unsignedPayload, "kinesisvideo", "us-west-2", vectorTime); err != nil {
		t.Fatal(err)
	}
	_, err := vectorVerifier("").Verify(r, []byte("anything"))
	checkError(t, err, "", "")
}

func FuzzVerify(f *testing.F) {
	f.Add("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE/20240102/us-west-2/kinesisvideo/aws4_request"+
		"&X-Amz-Date=20240102T030405Z&X-Amz-Expires=299&X-Amz-SignedHeaders=host&X-Amz-Signature=00", "")
	f.Add("", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/a/b, SignedHeaders=host;x, Signature=00")
	f.Add("%", "x")
	f.Fuzz(func(t *testing.T, rawQuery, authorization string) {
		r := httptest.NewRequest("GET", "https://127.0.0.1/", nil)
		r.URL.RawQuery = rawQuery
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", "20240102T030405Z")
		_, err := vectorVerifier("").Verify(r, nil)
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("accepted or untyped: %v", err)
		}
	})
}
