package source

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff spaces out new tries: up to half a second at first, up to 15 s later, at random
// so that many cameras do not come back at once.
type backoff struct{ limit time.Duration }

// wait returns false if ctx is done.
func (b *backoff) wait(ctx context.Context) bool {
	b.limit = min(max(2*b.limit, 500*time.Millisecond), 15*time.Second)
	return sleep(ctx, b.limit/2+rand.N(b.limit/2))
}

// reset makes the next wait a short one.
func (b *backoff) reset() { b.limit = 0 }

// timeline carries timestamps on over the restarts of a live source.
type timeline struct {
	start time.Time     // when the first frame came
	last  time.Duration // the latest timestamp given
	shift time.Duration // from the source's clock to the timeline
	same  bool          // the source's clock is the same as at the last timestamp
}

// restart tells that the next timestamp comes from another clock.
func (t *timeline) restart() { t.same = false }

// pts puts a timestamp of the source on the timeline.
func (t *timeline) pts(clock time.Duration) time.Duration {
	if t.start.IsZero() {
		t.start = time.Now()
		t.shift, t.last = -clock, 0
	} else if !t.same {
		t.shift = max(time.Since(t.start), t.last+10*time.Millisecond) - clock
	}
	t.same = true
	pts := clock + t.shift
	t.last = max(t.last, pts)
	return pts
}
