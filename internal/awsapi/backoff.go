package awsapi

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const (
	// throttledWait is the least wait after a throttled request: the services'
	// quotas count requests a second.
	throttledWait = time.Second

	// adviceSlack is added to a provider's retry time, so that the provider asks
	// its server rather than repeat its failure.
	adviceSlack = 10 * time.Millisecond
)

// Backoff spaces the attempts that follow failures. The wait doubles from First
// to Longest with each failure in a row; every wait is shortened at random by up
// to half, so that the devices of a fleet spread out.
type Backoff struct{ First, Longest time.Duration }

// After returns the wait after fails failures in a row. Fewer than one count as
// one.
func (b Backoff) After(fails int) time.Duration {
	d := min(b.First, b.Longest)
	for ; fails > 1 && 0 < d && d < b.Longest; fails-- {
		d += min(d, b.Longest-d)
	}
	return Between(d/2, d)
}

// Wait returns the wait after fails failures in a row, of which err is the
// newest: what After returns, but a second at least if the service throttles,
// and no longer than the credentials provider's own retry time.
func (b Backoff) Wait(err error, fails int) time.Duration {
	wait := b.After(fails)
	if Throttled(err) {
		wait = max(wait, throttledWait)
	}
	var adviser RetryAdviser
	if FromProvider(err) && errors.As(err, &adviser) {
		wait = min(wait, max(adviser.RetryAfter(), 0)+adviceSlack)
	}
	return wait
}

// Between returns a random duration of at least from and less than to; from if
// there is none.
func Between(from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return from + rand.N(to-from)
}

// Sleep waits for d, or until ctx ends: then it returns the context's cause.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
