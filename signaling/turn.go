package signaling

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
)

const (
	// freshFor is how long credentials must still work to begin a session with;
	// for ones that live less than three times as long, a third of their life.
	freshFor = time.Minute

	// A master's servers are fetched anew with less than renewAt left, looked at
	// every turnCheck, so that a joining viewer does not wait for them.
	renewAt   = 90 * time.Second
	turnCheck = 10 * time.Second
)

// turn keeps the ICE servers of a client.
type turn struct {
	client  *Client
	pace    *pacer // GetIceServerConfig: 5 per second and channel
	trouble safelog.Outage

	mu      sync.Mutex
	servers []ICEServer
	fetched time.Time
	expires time.Time // of the first credential to expire
	dropped int       // counts drops, so that a fetch begun before one is not used
	flight  *flight   // the fetch under way
}

// flight is one fetch that callers share.
type flight struct {
	done chan struct{}
	err  error // permanent; set before done is closed
	last error // of the newest try, under turn.mu
}

// left returns how long the credentials still work, by the monotonic clock and
// by the wall clock, of which the first stands still while a device sleeps.
func (t *turn) left() time.Duration {
	now := time.Now()
	return min(t.expires.Sub(now), t.expires.Round(0).Sub(now.Round(0)))
}

// have returns the servers if they are fresh. t.mu is held.
func (t *turn) have() ([]ICEServer, bool) {
	if t.fetched.IsZero() {
		return nil, false
	}
	if !t.expires.IsZero() && t.left() <= min(freshFor, t.expires.Sub(t.fetched)/3) {
		return nil, false
	}
	return slices.Clone(t.servers), true
}

// prefetch fetches the servers unless they are fresh.
func (t *turn) prefetch() {
	if t.client.access == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.have(); !ok {
		t.fly()
	}
}

// renew fetches the servers if they will soon not be fresh.
func (t *turn) renew() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.client.access != nil && !t.expires.IsZero() && t.left() < min(renewAt, t.expires.Sub(t.fetched)/2) {
		t.fly()
	}
}

// drop forgets the servers and fetches new ones.
func (t *turn) drop() {
	if t.client.access == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropped++
	t.servers, t.fetched = nil, time.Time{}
	t.fly()
}

// fly makes sure that a fetch is under way. It returns nil once the client is
// closed. t.mu is held.
func (t *turn) fly() *flight {
	if t.flight == nil {
		f := &flight{done: make(chan struct{})}
		if t.client.spawn(func() { t.fetch(f) }) {
			t.flight = f
		}
	}
	return t.flight
}

// fetch tries until it has the servers, a permanent reason, or the client ends.
func (t *turn) fetch(f *flight) {
	c := t.client
	for fails := 0; ; {
		t.mu.Lock()
		dropped := t.dropped
		t.mu.Unlock()
		servers, err := t.ask(c.ctx)
		t.mu.Lock()
		f.last = err
		over := err != nil && (final(err) || c.ctx.Err() != nil)
		if err == nil && dropped == t.dropped {
			t.keep(servers)
			over = true
			t.trouble.Over(c.log, slog.LevelDebug, "signaling: ICE servers fetched")
		}
		if over {
			if err != nil {
				f.err = c.explain(err)
			}
			t.flight = nil
			close(f.done)
			t.mu.Unlock()
			return
		}
		t.mu.Unlock()
		if err != nil {
			if awsapi.Stale(err) || awsapi.Denied(err) {
				c.doubt()
			}
			if sock, _ := c.current(); sock != nil { // else the connection's trouble is logged
				t.trouble.Failed(c.log, "signaling: no ICE servers yet", bare(err))
			}
			fails++
			if awsapi.Sleep(c.ctx, retries.Wait(err, fails)) != nil {
				continue // the next ask fails at once
			}
		}
	}
}

func (t *turn) ask(ctx context.Context) ([]ICEServer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, attemptLimit, fmt.Errorf("no ICE servers within %v", attemptLimit))
	defer cancel()
	if err := t.pace.wait(ctx); err != nil {
		return nil, err
	}
	a := t.client.access
	e, err := a.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	return a.ICEServers(ctx, e, a.clientID)
}

// keep stores what was fetched. t.mu is held.
func (t *turn) keep(servers []ICEServer) {
	t.servers, t.fetched, t.expires = servers, time.Now(), time.Time{}
	for _, s := range servers {
		if !s.Expires.IsZero() && (t.expires.IsZero() || s.Expires.Before(t.expires)) {
			t.expires = s.Expires
		}
	}
}

// ICEServers returns the STUN server and the TURN servers, with credentials
// that work for another minute or more. It returns at once while they do, which
// the client sees to in advance; else it fetches them, once for all callers,
// and waits until ctx ends. With an error it still returns the STUN server, if
// there is one, so that a direct path can be tried. A granted client
// ([DialURL]) has only what came with its grant.
func (c *Client) ICEServers(ctx context.Context) ([]ICEServer, error) {
	if c.access == nil {
		return c.granted()
	}
	c.turn.mu.Lock()
	servers, ok := c.turn.have()
	var f *flight
	if !ok {
		f = c.turn.fly()
	}
	c.turn.mu.Unlock()
	switch {
	case ok:
		return servers, nil
	case f == nil:
		<-c.done
		return nil, c.err
	}
	select {
	case <-f.done:
		if c.ctx.Err() != nil {
			<-c.done
			return nil, c.err
		}
		if f.err != nil {
			return c.access.stun(), f.err
		}
		c.turn.mu.Lock() // fresh or not: nothing better is to be had
		defer c.turn.mu.Unlock()
		return slices.Clone(c.turn.servers), nil
	case <-ctx.Done():
		c.turn.mu.Lock()
		last := f.last
		c.turn.mu.Unlock()
		if last == nil {
			return c.access.stun(), fmt.Errorf("signaling: fetch ICE servers: %w", context.Cause(ctx))
		}
		return c.access.stun(), fmt.Errorf("signaling: fetch ICE servers: %w; the last attempt failed: %w", context.Cause(ctx), bare(last))
	}
}

// accepted learns from the service's taking the grant's URL: that has not expired,
// however late it is by the local clock, which must then be wrong.
func (c *Client) accepted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.grant.Expires.IsZero() {
		c.late = max(c.late, time.Since(c.grant.Expires))
	}
}

// granted returns the grant's servers that still work.
func (c *Client) granted() ([]ICEServer, error) {
	c.mu.Lock()
	now := time.Now().Add(-c.late)
	c.mu.Unlock()
	var servers []ICEServer
	var expired int
	for _, s := range c.grant.ICEServers {
		if !s.Expires.IsZero() && !now.Before(s.Expires) {
			expired++
			continue
		}
		servers = append(servers, s)
	}
	if expired > 0 {
		return servers, fmt.Errorf("signaling: the credentials of %d ICE servers have expired: %w", expired, bare(ErrGrantExpired))
	}
	return servers, nil
}
