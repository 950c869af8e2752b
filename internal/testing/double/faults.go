package double

import (
	"context"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// faults are those of one API.
type faults struct {
	refusals int // to come; negative: all
	refusal  *awsapitest.Error
	drops    int // to come; negative: all
	delay    time.Duration
}

func (c *Core) faultsOf(api string) *faults {
	f := c.faults[api]
	if f == nil {
		f = &faults{}
		c.faults[api] = f
	}
	return f
}

// Refuse lets the next n calls of an API fail with err, which must not change any
// more. A negative n means all further calls, zero none any more.
func (c *Core) Refuse(api string, n int, err *awsapitest.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.faultsOf(api)
	f.refusals, f.refusal = n, err
}

// Drop cuts the next n calls of an API off without an answer. A negative n means
// all further calls, zero none any more. Dropping goes before refusing.
func (c *Core) Drop(api string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faultsOf(api).drops = n
}

// Delay lets every further call of an API wait for d before anything else; zero
// ends that. Calls under way keep their delay.
func (c *Core) Delay(api string, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faultsOf(api).delay = d
}

// SetOutage begins or ends an outage, in which every request is cut off without an
// answer, those under way as well. Once it has begun drop is called, if not nil, which
// gives connections another end before.
func (c *Core) SetOutage(on bool, drop func()) {
	c.mu.Lock()
	if c.outage && !on {
		c.up, c.down = context.WithCancel(c.ctx)
	}
	c.outage = on
	down := c.down
	c.mu.Unlock()
	if !on {
		return
	}
	if drop != nil {
		drop()
	}
	down()
}

// Down reports whether the service takes no connections: in an outage and after
// Close.
func (c *Core) Down() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed || c.outage
}

// Call counts and notes a call of an API, waits for its delay and returns its
// refusal, or [awsapitest.ErrDropped] if it is to be cut off: because that was
// asked for, because ctx ended, or by an outage or Close.
func (c *Core) Call(ctx context.Context, api string) error {
	c.mu.Lock()
	c.calls[api]++
	c.noteLocked(Event{Name: api})
	delay, err := c.faultLocked(api)
	up := c.up
	c.mu.Unlock()
	if delay > 0 {
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return awsapitest.ErrDropped
		case <-up.Done():
			return awsapitest.ErrDropped
		}
	}
	return err
}

// faultLocked takes the faults that a call meets.
func (c *Core) faultLocked(api string) (delay time.Duration, err error) {
	f := c.faults[api]
	switch {
	case f == nil:
		return 0, nil
	case f.drops != 0:
		f.drops = less(f.drops)
		err = awsapitest.ErrDropped
	case f.refusals != 0:
		f.refusals = less(f.refusals)
		err = f.refusal
	}
	return f.delay, err
}

// less counts down to zero; a negative number stays.
func less(n int) int {
	if n > 0 {
		n--
	}
	return n
}

// Calls returns how often an API was called, refused and dropped calls included.
func (c *Core) Calls(api string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[api]
}
