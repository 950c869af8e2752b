package awsapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	maxAnswer = 8 << 20  // bytes of a JSON answer; 10,000 channels of a List call take about 4 MB
	maxError  = 64 << 10 // bytes read of a refusal
)

// userAgent names the SDK to the service.
const userAgent = "smartcam-sdk-go"

// Call is one operation.
type Call struct {
	Name     string // of the operation, for errors: "DescribeSignalingChannel"
	Endpoint string // base URL; empty means the service's own
	Path     string // such as "/describeSignalingChannel"
	In       any    // marshalled as the request's JSON
	Out      any    // unmarshalled from the answer's JSON; nil to ignore it
}

// Do makes the call. Attempts that fail for a passing reason are repeated as
// the Retryer says, until ctx ends.
func (c *Client) Do(ctx context.Context, call Call) error {
	_, err := c.send(ctx, call, func(r *http.Response) error {
		defer r.Body.Close()
		b, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
		if err != nil {
			return &smithyhttp.RequestSendError{Err: fmt.Errorf("read the answer: %w", StripURL(err))}
		}
		if len(b) > maxAnswer {
			return fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
		}
		if call.Out == nil {
			return nil
		}
		if err := json.Unmarshal(b, call.Out); err != nil {
			return fmt.Errorf("the answer is not the expected JSON: %w", err)
		}
		return nil
	})
	return err
}

// Open makes the call and returns the answer with its body unread, for the
// caller to close. Call.Out is not used; ctx governs the body as well.
func (c *Client) Open(ctx context.Context, call Call) (*http.Response, error) {
	return c.send(ctx, call, nil)
}

// send makes attempts until one is answered well and read takes the answer.
func (c *Client) send(ctx context.Context, call Call, read func(*http.Response) error) (*http.Response, error) {
	fail := func(err error) (*http.Response, error) {
		return nil, &smithy.OperationError{ServiceID: c.opt.ID, OperationName: call.Name, Err: err}
	}
	base := call.Endpoint
	if base == "" {
		if c.endErr != nil {
			return fail(c.endErr)
		}
		base = c.endpoint.URL
	}
	body, err := json.Marshal(call.In)
	if err != nil {
		return fail(err)
	}
	recovered := false
	release := func(error) error { return nil }
	for n := 1; ; n++ {
		done, err := attemptToken(ctx, c.retryer)
		if err != nil {
			return fail(err)
		}
		resp, err := c.attempt(ctx, strings.TrimSuffix(base, "/")+call.Path, body, read)
		_, _ = done(err), release(err) // a retryer that cannot take its token back is no reason to fail
		switch {
		case err == nil:
			return resp, nil
		case ctx.Err() != nil:
			return fail(&contextError{context.Cause(ctx), err})
		case !recovered && c.Recover(err, headerOf(err)):
			recovered = true
			n--
			continue
		case !c.retryer.IsErrorRetryable(err) && !Throttled(err):
			return fail(err)
		}
		if most := c.retryer.MaxAttempts(); most > 0 && n >= most {
			return fail(err)
		}
		wait, delayErr := c.retryer.RetryDelay(n, err)
		if delayErr != nil {
			return fail(err)
		}
		var tokenErr error
		if release, tokenErr = c.retryer.GetRetryToken(ctx, err); tokenErr != nil {
			return fail(err)
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return fail(&contextError{context.Cause(ctx), err})
		}
	}
}

// contextError is the end of the caller's context, with what had failed before.
type contextError struct{ cause, last error }

func (e *contextError) Error() string {
	if errors.Is(e.last, e.cause) {
		return e.cause.Error()
	}
	return fmt.Sprintf("%v, after: %v", e.cause, e.last)
}

func (e *contextError) Unwrap() []error { return []error{e.cause, e.last} }

func attemptToken(ctx context.Context, r aws.Retryer) (func(error) error, error) {
	if v2, ok := r.(aws.RetryerV2); ok {
		return v2.GetAttemptToken(ctx)
	}
	return r.GetInitialToken(), nil
}

func headerOf(err error) http.Header {
	var r *smithyhttp.ResponseError
	if errors.As(err, &r) && r.HTTPResponse() != nil {
		return r.HTTPResponse().Header
	}
	return nil
}

// attempt signs, sends and reads once.
func (c *Client) attempt(ctx context.Context, url string, body []byte, read func(*http.Response) error) (_ *http.Response, err error) {
	creds, err := c.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	late := &timeoutError{url}
	timer := time.AfterFunc(c.opt.Timeout, func() { cancel(late) })
	keep := false
	defer func() {
		timer.Stop()
		if err != nil && errors.Is(context.Cause(ctx), late) {
			err = &smithyhttp.RequestSendError{Err: late}
		}
		if !keep {
			cancel(nil)
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, StripURL(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", userAgent)
	if err := c.Sign(ctx, req, creds, body); err != nil {
		return nil, err
	}
	resp, err := c.opt.AWS.HTTPClient.Do(req)
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: StripURL(err)}
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		b, _ := io.ReadAll(io.LimitReader(resp.Body, maxError))
		return nil, ResponseError(resp.StatusCode, resp.Header, b)
	}
	if read != nil {
		return resp, read(resp)
	}
	keep = true
	resp.Body = &cancelBody{resp.Body, cancel}
	return resp, nil
}

// cancelBody ends its request's context when it is closed.
type cancelBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *cancelBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

// Sign adds the headers of Signature Version 4 to req, for the body given; nil
// means an empty one.
func (c *Client) Sign(ctx context.Context, req *http.Request, creds aws.Credentials, body []byte) error {
	sum := sha256.Sum256(body)
	return c.signer.SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), c.opt.Service, c.opt.AWS.Region, c.Clock.Now())
}
