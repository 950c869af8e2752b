package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// newRetryer returns the retryer that cfg names, by the rules of the AWS SDK's
// service clients; the standard one if cfg names none.
func newRetryer(cfg aws.Config) aws.Retryer {
	var r aws.Retryer
	switch {
	case cfg.Retryer != nil:
		r = cfg.Retryer()
	case cfg.RetryMode == aws.RetryModeAdaptive:
		r = retry.NewAdaptiveMode()
	default:
		r = retry.NewStandard()
	}
	if cfg.RetryMaxAttempts > 0 {
		r = retry.AddWithMaxAttempts(r, cfg.RetryMaxAttempts)
	}
	return r
}

// failed returns the error of an operation.
func (c *Client) failed(operation string, err error) error {
	return &smithy.OperationError{ServiceID: c.opt.ID, OperationName: operation, Err: err}
}

// send makes attempts until one is answered well and read takes the answer.
func (c *Client) send(ctx context.Context, operation string, q *request, read func(*http.Response) error) (*http.Response, error) {
	fail := func(err error) (*http.Response, error) { return nil, c.failed(operation, err) }
	recovered := false
	release := func(error) error { return nil }
	for n := 1; ; n++ {
		done, err := attemptToken(ctx, c.retryer)
		if err != nil {
			return fail(err)
		}
		resp, err := c.attempt(ctx, q, read)
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
		if Throttled(err) {
			wait = max(wait, throttledWait)
		}
		var tokenErr error
		if release, tokenErr = c.retryer.GetRetryToken(ctx, err); tokenErr != nil {
			return fail(err)
		}
		if cause := Sleep(ctx, wait); cause != nil {
			return fail(&contextError{cause, err})
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
