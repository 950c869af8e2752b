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
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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
// the Retryer says, but after a second at least if the service throttles, until ctx
// ends.
func (c *Client) Do(ctx context.Context, call Call) error {
	_, err := c.call(ctx, call, func(r *http.Response) error {
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
	return c.call(ctx, call, nil)
}

func (c *Client) call(ctx context.Context, call Call, read func(*http.Response) error) (*http.Response, error) {
	base := call.Endpoint
	if base == "" {
		if c.endErr != nil {
			return nil, c.failed(call.Name, c.endErr)
		}
		base = c.endpoint.URL
	}
	body, err := json.Marshal(call.In)
	if err != nil {
		return nil, c.failed(call.Name, err)
	}
	q := &request{method: http.MethodPost, url: strings.TrimSuffix(base, "/") + call.Path, body: body, timeout: c.opt.Timeout,
		header: http.Header{"Content-Type": {"application/json"}}}
	return c.send(ctx, call.Name, q, read)
}

// request is what each attempt sends anew.
type request struct {
	method, url string
	header      http.Header
	body        []byte
	timeout     time.Duration // of an attempt
}

// attempt signs, sends and reads once.
func (c *Client) attempt(ctx context.Context, q *request, read func(*http.Response) error) (_ *http.Response, err error) {
	creds, err := c.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	late := &timeoutError{q.url}
	timer := time.AfterFunc(q.timeout, func() { cancel(late) })
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
	req, err := http.NewRequestWithContext(ctx, q.method, q.url, bytes.NewReader(q.body))
	if err != nil {
		return nil, StripURL(err)
	}
	maps.Copy(req.Header, q.header)
	req.Header.Set("User-Agent", userAgent)
	if err := c.Sign(ctx, req, creds, q.body); err != nil {
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
