package awsapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "tok/en"}, nil
}

// serve returns a client of a service that answers with h, once the signature
// of a request was verified by a clock that is ahead by skew.
func serve(t *testing.T, skew time.Duration, h func(n int, w http.ResponseWriter)) *Client {
	ln := double.NewPipeListener()
	var calls atomic.Int32
	srv := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		now := time.Now().Add(skew)
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		v := awsapitest.Verifier{Region: "eu-west-1", Service: "kinesisvideo", Now: func() time.Time { return now },
			Credentials: func(string) (awsapitest.Identity, bool) {
				return awsapitest.Identity{SecretAccessKey: "secret", SessionToken: "tok/en"}, true
			}}
		var refusal *awsapitest.Error
		if _, err := v.Verify(r, body); errors.As(err, &refusal) {
			refusal.Write(w)
			return
		}
		h(int(calls.Add(1)), w)
	})}
	go srv.Serve(ln)
	client := ln.Client()
	t.Cleanup(func() {
		client.CloseIdleConnections()
		srv.Close()
	})
	return New(Options{Service: "kinesisvideo", ID: "Kinesis Video", AWS: aws.Config{
		Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(credentials), HTTPClient: client,
	}})
}

func call(out any) Call {
	return Call{Name: "DescribeThing", Path: "/describeThing", In: map[string]string{"Name": "x"}, Out: out}
}

func TestDo(t *testing.T) {
	for name, c := range map[string]struct {
		skew   time.Duration
		answer func(n int, w http.ResponseWriter)
		code   string // of the error; "" for none
		calls  int
	}{
		"well":       {0, func(_ int, w http.ResponseWriter) { w.Write([]byte(`{"A":1}`)) }, "", 1},
		"slow clock": {30 * time.Hour, func(_ int, w http.ResponseWriter) { w.Write([]byte(`{"A":1}`)) }, "", 1},
		"fast clock": {-30 * time.Hour, func(_ int, w http.ResponseWriter) { w.Write([]byte(`{"A":1}`)) }, "", 1},
		"passing trouble": {0, func(n int, w http.ResponseWriter) {
			switch n {
			case 1:
				w.WriteHeader(503)
			case 2:
				(&awsapitest.Error{Status: 400, Name: "ClientLimitExceededException"}).Write(w)
			default:
				w.Write([]byte(`{"A":1}`))
			}
		}, "", 3},
		"refused": {0, func(_ int, w http.ResponseWriter) {
			(&awsapitest.Error{Status: 404, Name: "ResourceNotFoundException", Message: "gone"}).Write(w)
		}, "ResourceNotFoundException", 1},
		"sent elsewhere, the token with it": {0, func(_ int, w http.ResponseWriter) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, "TemporaryRedirect", 1},
		"down": {0, func(_ int, w http.ResponseWriter) { w.WriteHeader(500) }, "InternalServerError", 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				client := serve(t, c.skew, func(n int, w http.ResponseWriter) { calls = n; c.answer(n, w) })
				var out struct{ A int }
				err := client.Do(t.Context(), call(&out))
				if c.code == "" {
					if err != nil || out.A != 1 {
						t.Errorf("%v, %v", out, err)
					}
				} else {
					var op *smithy.OperationError
					var api smithy.APIError
					var resp *awshttp.ResponseError
					if !errors.As(err, &op) || op.Operation() != "DescribeThing" || !errors.As(err, &api) || api.ErrorCode() != c.code || !errors.As(err, &resp) {
						t.Errorf("%v", err)
					}
				}
				if calls != c.calls {
					t.Errorf("%d calls", calls)
				}
			})
		})
	}
}

func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endless := func(_ int, w http.ResponseWriter) {
			for chunk := make([]byte, 1<<20); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}
		if err := serve(t, 0, endless).Do(t.Context(), call(nil)); err == nil || !strings.Contains(err.Error(), "longer than") {
			t.Errorf("an endless answer: %v", err)
		}
		release := make(chan struct{})
		silent := func(int, http.ResponseWriter) { <-release }
		start := time.Now()
		err := serve(t, 0, silent).Do(t.Context(), call(nil))
		var late interface{ Timeout() bool }
		if !errors.As(err, &late) || !late.Timeout() || time.Since(start) < 30*time.Second || time.Since(start) > 40*time.Second {
			t.Errorf("a silent service: %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start = time.Now()
		err = serve(t, 0, silent).Do(ctx, call(nil))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("a silent service and a context: %v after %v", err, time.Since(start))
		}
		close(release)
	})
}

func TestOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := serve(t, 0, func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.WriteHeader(502)
				return
			}
			for range 3 {
				w.Write([]byte("part"))
				w.(http.Flusher).Flush()
				time.Sleep(20 * time.Second) // longer than an attempt's limit
			}
		})
		resp, err := client.Open(t.Context(), call(nil))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "partpartpart" {
			t.Errorf("%q, %v", b, err)
		}
	})
}

// TestHangingProvider asks a provider that answers only at its context's end.
func TestHangingProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Service: "s", ID: "S", AWS: aws.Config{
			Region: "eu-west-1", Retryer: func() aws.Retryer { return aws.NopRetryer{} },
			Credentials: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
				<-ctx.Done()
				return aws.Credentials{}, ctx.Err()
			}),
		}})
		start := time.Now()
		err := c.Do(t.Context(), call(nil))
		var late *timeoutError
		if !FromProvider(err) || !errors.As(err, &late) || time.Since(start) != credentialsLimit {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Do(ctx, call(nil)); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late) {
			t.Errorf("at the caller's end: %v", err)
		}
	})
}

func TestRetryerIsHonoured(t *testing.T) {
	calls := 0
	cfg := aws.Config{Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(credentials),
		HTTPClient: doer(func(*http.Request) (*http.Response, error) { calls++; return nil, io.ErrUnexpectedEOF })}
	for want, change := range map[int]func(*aws.Config){
		1: func(c *aws.Config) { c.Retryer = func() aws.Retryer { return aws.NopRetryer{} } },
		5: func(c *aws.Config) { c.Retryer = nil; c.RetryMaxAttempts = 5 },
		2: func(c *aws.Config) {
			c.Retryer = func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewAdaptiveMode(), 2) }
			c.RetryMaxAttempts = 0
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			change(&cfg)
			calls = 0
			err := New(Options{AWS: cfg, Service: "s", ID: "S"}).Do(t.Context(), call(nil))
			if calls != want || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%d calls, want %d: %v", calls, want, err)
			}
		})
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// TestErrorsHideURLs wraps as net/http does, twice where clients are nested.
func TestErrorsHideURLs(t *testing.T) {
	err := error(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})
	for range 2 {
		err = &url.Error{Op: "Get", URL: "wss://h/?X-Amz-Signature=s3cret", Err: err}
	}
	if got := StripURL(err); strings.Contains(got.Error(), "s3cret") || !errors.Is(got, syscall.ECONNREFUSED) {
		t.Errorf("%v", got)
	}
}

func TestResponseError(t *testing.T) {
	for _, c := range []struct {
		status             int
		header, body       string
		code, message      string
		service, throttled bool
	}{
		{400, "InvalidArgumentException:http://internal.amazon.com/x", `{"message":"m"}`, "InvalidArgumentException", "m", true, false},
		{400, "ClientLimitExceededException,x", `{"Message":"m"}`, "ClientLimitExceededException", "m", true, true},
		{404, "", `{"__type":"com.amazonaws#ResourceNotFoundException","Message":"m"}`, "ResourceNotFoundException", "m", true, false},
		{403, "", `{"code":"AccessDeniedException"}`, "AccessDeniedException", "", true, false},
		{403, "", `{"code":7,"message":[]}`, "Forbidden", "", false, false},
		{403, "", `<html>pay for wifi</html>`, "Forbidden", `the answer is not from AWS (""): a proxy or captive portal may be in the way`, false, false},
		{429, "", ``, "TooManyRequests", "", false, true},
		{599, "", ``, "UnknownError", "", false, false},
		{403, "SignatureDoesNotMatch", `{"message":"no match.\n\nThe Canonical String for this request should have been 'GET X-Amz-Security-Token=s3cret'"}`, "SignatureDoesNotMatch", "no match.", true, false},
		{403, "E", `{"message":"https://h/?X-Amz-Security-Token=s3cret&a=b"}`, "E", "https://h/?X-Amz-Security-Token=…&a=b", true, false},
	} {
		h := http.Header{}
		if c.header != "" {
			h.Set("X-Amzn-ErrorType", c.header)
		}
		err := ResponseError(c.status, h, []byte(c.body))
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != c.code || api.ErrorMessage() != c.message || Status(err) != c.status ||
			FromService(err) != c.service || Throttled(err) != c.throttled {
			t.Errorf("%d %q %q: %v, from the service %v, throttled %v", c.status, c.header, c.body, err, FromService(err), Throttled(err))
		}
	}
}

func FuzzResponseError(f *testing.F) {
	f.Add(403, "X#Y:z", "application/json", []byte(`{"__type":"a#b","message":"m"}`))
	f.Fuzz(func(t *testing.T, status int, name, contentType string, body []byte) {
		err := ResponseError(status, http.Header{"X-Amzn-Errortype": {name}, "Content-Type": {contentType}}, body)
		if text := err.Error(); len(text) > 4096 || Code(err) == "" {
			t.Errorf("%d bytes: %.200q", len(text), text)
		}
		Expired(err)
		new(Clock).Correct(status, http.Header{"Date": {name}}, string(body))
	})
}

func TestPresignHosts(t *testing.T) {
	c := New(Options{AWS: aws.Config{Region: "eu-west-1"}, Service: "kinesisvideo", ID: "Kinesis Video"})
	creds, _ := credentials(t.Context())
	for in, want := range map[string]string{
		"wss://h:443": "wss://h/", "wss://h:8443/p": "wss://h:8443/p", "ws://h:80": "ws://h/", "ws://h:8080": "ws://h:8080/", "wss://[::1]:8443": "wss://[::1]:8443/",
	} {
		signed, err := c.Presign(t.Context(), creds, in, nil, time.Now(), time.Minute)
		if err != nil || !strings.HasPrefix(signed, want+"?") || !strings.Contains(signed, "X-Amz-SignedHeaders=host") {
			t.Errorf("%s: %s, %v", in, signed, err)
		}
	}
}
