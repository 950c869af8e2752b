package iotcreds

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/safelog"
)

const (
	// maxLifetime is the longest credentialDurationSeconds of a role alias, and
	// a minute for the difference of the clocks.
	maxLifetime = 12*time.Hour + time.Minute

	// refreshWindow is how long before expiry credentials are refreshed, but at
	// most a fifth of their lifetime. It is shortened at random by up to half.
	refreshWindow = 5 * time.Minute

	// Back-offs double from first to longest, and are shortened at random by up
	// to half. While no answer comes they stay so short that a network that
	// comes back is used at once; the slow ones follow refusals that only a
	// person can end.
	quickFirst, quickLongest = 500 * time.Millisecond, 10 * time.Second
	offlineLongest           = 1500 * time.Millisecond
	slowFirst, slowLongest   = 2 * time.Minute, 10 * time.Minute

	// invalidateInterval is the least time between two effective Invalidates.
	invalidateInterval = time.Second
)

// Provider fetches the credentials of one device and keeps them. It is an
// [aws.CredentialsProvider] and its own cache: give it to an aws.Config as it
// is. It is safe for concurrent use.
type Provider struct {
	cfg           Config
	host, address string

	start  time.Time // of the monotonic clock
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	trouble safelog.Outage // of renewals that nobody waits for

	mu          sync.Mutex
	closed      bool
	clock       clock
	flight      *flight     // the request under way, if any
	held        *held       // what the last successful one brought
	failure     error       // what the last one brought, if it failed
	kind        kind        // of failure
	failures    int         // of that kind, in a row
	retryAt     time.Time   // when failure is forgotten
	invalidated time.Time   // the last effective Invalidate
	timer       *time.Timer // starts the next request; nil while none is due
}

// held are credentials with their times by the corrected clock.
type held struct {
	creds            aws.Credentials
	expires, renewAt time.Time
	used             bool // Retrieve returned them
}

// flight is one request, shared by all who wait for it.
type flight struct {
	done   chan struct{}
	waited bool            // somebody does
	creds  aws.Credentials // after done
	err    error           // after done
}

var _ aws.CredentialsProvider = (*Provider)(nil)

// New checks cfg and returns a provider that has not asked for anything yet.
func New(cfg Config) (*Provider, error) {
	host, address, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	p := &Provider{cfg: cfg, host: host, address: address, start: time.Now()}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p, nil
}

// Retrieve returns credentials that are valid now.
//
// Held ones are returned at once, also while new ones are being fetched and
// while the server is out of reach. Otherwise Retrieve waits for the request
// under way, or starts one; it serves all callers. ctx ends the wait of this
// caller, not the request, which ends by itself within Config.Timeout.
//
// After a failure the next request waits for a back-off; until then Retrieve
// returns the failure at once. A refusal by the server is an [*Error].
//
// Expires is told by the device's own clock, as [aws.Credentials.Expired] needs
// it; it is up to 5 s before the server's expiration, which is how far off a
// clock may be that is not corrected.
func (p *Provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return aws.Credentials{}, errClosed
	}
	if creds, ok := p.heldLocked(); ok {
		p.mu.Unlock()
		return creds, nil
	}
	f := p.flight
	if f == nil {
		if wait := time.Until(p.retryAt); p.failure != nil && wait > 0 {
			err := fmt.Errorf("%w (not asking again for %v)", p.failure, wait.Round(time.Millisecond))
			p.mu.Unlock()
			return aws.Credentials{}, &failed{err, wait}
		}
		f = p.startLocked()
	}
	f.waited = true
	p.mu.Unlock()

	select {
	case <-f.done:
		return f.creds, f.err
	case <-ctx.Done():
		return aws.Credentials{}, fmt.Errorf("iotcreds: waiting for credentials: %w", ctx.Err())
	}
}

var errClosed = fmt.Errorf("iotcreds: the provider is closed: %w", net.ErrClosed)

// heldLocked returns the held credentials if they are still valid, and has them
// renewed if that is due.
func (p *Provider) heldLocked() (aws.Credentials, bool) {
	if p.held == nil {
		return aws.Credentials{}, false
	}
	r := p.read()
	now := p.clock.now(r)
	if !now.Before(p.held.expires) {
		p.held = nil
		return aws.Credentials{}, false
	}
	p.held.used = true
	if !now.Before(p.held.renewAt) && p.flight == nil && (p.failure == nil || time.Until(p.retryAt) <= 0) {
		p.startLocked()
	}
	return p.localLocked(r), true
}

// localLocked returns the held credentials with an Expires by the device's clock.
func (p *Provider) localLocked(r reading) aws.Credentials {
	creds := p.held.creds
	creds.Expires = p.held.expires.Add(-p.clock.offset(r))
	return creds
}

// startLocked starts a request.
func (p *Provider) startLocked() *flight {
	f := &flight{done: make(chan struct{})}
	p.flight = f
	p.wg.Go(func() {
		creds, err := p.fetch(p.ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		if err == nil {
			err = p.keepLocked(creds, f.waited)
		}
		if err == nil {
			f.creds = p.localLocked(p.read())
		} else {
			f.err = p.failLocked(err, f.waited)
		}
		p.flight = nil
		close(f.done)
	})
	return f
}

// keepLocked takes new credentials.
func (p *Provider) keepLocked(creds aws.Credentials, used bool) error {
	now := p.clock.now(p.read())
	life := min(creds.Expires.Sub(now), maxLifetime)
	if life <= 0 {
		return fmt.Errorf("iotcreds: the server issued credentials that expired at %s, but it is %s; the clocks disagree",
			creds.Expires.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	// The clock may be off by the tolerance and not be corrected.
	margin := min(clockTolerance, life/100)
	life -= margin
	window := jitter(min(refreshWindow, life/5))
	p.held = &held{creds: creds, expires: now.Add(life), renewAt: now.Add(life - window), used: used}
	if life < maxLifetime-margin {
		p.held.expires = creds.Expires.Add(-margin)
	}
	p.failure, p.failures = nil, 0
	p.scheduleLocked(life - window)
	p.trouble.Over(p.cfg.Logger, slog.LevelDebug, "iotcreds: new credentials", "thing", p.cfg.ThingName, "expires", creds.Expires)
	return nil
}

// failLocked remembers a failed request and returns its error. The log tells of it only
// if nobody waited, who gets the error.
func (p *Provider) failLocked(err error, waited bool) error {
	if p.closed {
		return errClosed
	}
	if k := kindOf(err); k != p.kind {
		p.kind, p.failures = k, 0
	}
	first, longest := quickFirst, quickLongest
	switch p.kind {
	case offline:
		longest = offlineLongest
	case refused:
		first, longest = slowFirst, slowLongest
	case trouble:
	}
	wait := jitter(min(first<<min(p.failures, 10), longest))
	p.failures++
	p.failure, p.retryAt = err, time.Now().Add(wait)
	attrs := []any{"thing", p.cfg.ThingName, "retry_in", wait}
	if p.held != nil && p.clock.now(p.read()).Before(p.held.expires) {
		attrs = append(attrs, "valid_until", p.held.expires)
		p.scheduleLocked(wait)
	}
	if waited {
		p.cfg.Logger.Debug("iotcreds: no new credentials", append(attrs, "err", err)...)
	} else {
		p.trouble.Failed(p.cfg.Logger, "iotcreds: no new credentials", err, attrs...)
	}
	return &failed{err, wait}
}

// scheduleLocked has the held credentials renewed after d, if they were used
// by then and nothing else renewed them.
func (p *Provider) scheduleLocked(d time.Duration) {
	if p.timer != nil {
		p.timer.Stop()
	}
	if p.closed {
		return
	}
	p.timer = time.AfterFunc(d, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.closed && p.flight == nil && p.held != nil && p.held.used {
			p.startLocked()
		}
	})
}

// Invalidate forgets the held credentials, because a service refused them, and
// any remembered failure: the next Retrieve asks the server. Calls within a
// second of one that had effect have none, so that the many callers who learn
// of one refusal cause one request.
func (p *Provider) Invalidate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.invalidated.IsZero() || now.Sub(p.invalidated) >= invalidateInterval {
		p.invalidated = now
		p.held, p.failure = nil, nil
	}
}

// Close cancels the request under way, if any, and waits for its end. Later
// calls of Retrieve fail with an error that wraps [net.ErrClosed]. A program
// that uses its provider until it exits need not call Close.
func (p *Provider) Close() error {
	p.mu.Lock()
	p.closed, p.held = true, nil
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	p.cancel()
	p.wg.Wait()
	return nil
}

// Now returns the time: the device's clock, corrected by ClockOffset.
func (p *Provider) Now() time.Time {
	r := p.read()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock.now(r)
}

// ClockOffset returns what must be added to the device's clock to get the time
// of the server, as of its last answer. It is zero before the first answer, and
// while the clock is right within 5 s.
func (p *Provider) ClockOffset() time.Duration {
	r := p.read()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock.offset(r)
}

// String names the device and the endpoint, and keeps the rest out of logs.
func (p *Provider) String() string {
	return "IoT credentials of " + p.cfg.ThingName + " from " + p.address
}

// read reads the device's clocks.
func (p *Provider) read() reading {
	now := time.Now()
	return reading{wall: now.Round(0), mono: now.Sub(p.start)}
}

// jitter returns a random duration between d/2 and d.
func jitter(d time.Duration) time.Duration { return d - rand.N(d/2+1) }
