package awsapi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// TestBackoff looks at a thousand waits after each number of failures: none is
// outside of its bounds, and they differ.
func TestBackoff(t *testing.T) {
	b := Backoff{200 * time.Millisecond, 3 * time.Second}
	for fails, want := range map[int]time.Duration{
		math.MinInt: 200 * time.Millisecond, 0: 200 * time.Millisecond, 1: 200 * time.Millisecond, 2: 400 * time.Millisecond,
		4: 1600 * time.Millisecond, 5: 3 * time.Second, 6: 3 * time.Second, 100: 3 * time.Second, math.MaxInt: 3 * time.Second,
	} {
		least, most := want, time.Duration(0)
		for range 1000 {
			d := b.After(fails)
			least, most = min(least, d), max(most, d)
		}
		if least < want/2 || most >= want || most-least < want/4 {
			t.Errorf("after %d failures the waits are from %v to %v, want them spread from %v to %v", fails, least, most, want/2, want)
		}
	}
	for _, b := range []Backoff{{}, {0, time.Second}, {1, 1}, {time.Hour, time.Second}, {1, math.MaxInt64}} {
		if d := b.After(100); d < 0 || d > b.Longest {
			t.Errorf("%v waits %v", b, d)
		}
	}
}

var _ Invalidator = (*aws.CredentialsCache)(nil)

// advised is a provider's failure that says when it will try again.
type advised struct{ after time.Duration }

func (e *advised) Error() string             { return "not now" }
func (e *advised) RetryAfter() time.Duration { return e.after }

func TestBackoffWait(t *testing.T) {
	b := Backoff{10 * time.Second, 10 * time.Second}
	quick := Backoff{time.Millisecond, time.Millisecond}
	throttled := &smithy.GenericAPIError{Code: "ClientLimitExceededException"}
	for _, c := range []struct {
		what       string
		b          Backoff
		err        error
		least, top time.Duration
	}{
		{"any failure", b, errors.New("x"), 5 * time.Second, 10 * time.Second},
		{"throttled", quick, throttled, time.Second, time.Second},
		{"throttled for longer", b, throttled, 5 * time.Second, 10 * time.Second},
		{"the provider's time", b, &CredentialsError{fmt.Errorf("x: %w", &advised{time.Second})}, 1010 * time.Millisecond, 1010 * time.Millisecond},
		{"the provider's later time", quick, &CredentialsError{&advised{time.Hour}}, 0, time.Millisecond},
		{"the provider's past time", b, &CredentialsError{&advised{-time.Hour}}, 10 * time.Millisecond, 10 * time.Millisecond},
		{"a service's time", b, &advised{time.Second}, 5 * time.Second, 10 * time.Second},
	} {
		if d := c.b.Wait(c.err, 1); d < c.least || d > c.top {
			t.Errorf("%s: %v, want %v to %v", c.what, d, c.least, c.top)
		}
	}
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := Sleep(t.Context(), time.Minute); err != nil || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		if err := Sleep(ctx, -time.Second); err != nil {
			t.Errorf("no time at all: %v", err)
		}
		start = time.Now()
		if err := Sleep(ctx, time.Minute); err != cause || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if err := Sleep(ctx, 0); err != cause {
			t.Errorf("after the end: %v", err)
		}
	})
}
