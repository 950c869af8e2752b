package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptrace"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

const (
	// An attempt that hangs does not hold up the next: so a path that comes back
	// is found within hedgeAfter, and a slow one still gets its time.
	attemptLimit = 15 * time.Second // as the C SDK's
	hedgeAfter   = 2500 * time.Millisecond

	stableAfter = 10 * time.Second // a connection of this age forgives earlier failures

	// The service ends a connection after an hour.
	renewFrom, renewTo = 50 * time.Minute, 55 * time.Minute

	// How long a replaced socket is still read.
	drainFor = 5 * time.Second

	// A socket that the service closes younger than this may have been displaced
	// by a competing client; flapsAllowed of them in a row probably were.
	flapWithin   = 2 * time.Minute
	flapsAllowed = 3
)

var (
	// retries spaces attempts to connect: 3 per second and channel are allowed.
	retries = awsapi.Backoff{First: 200 * time.Millisecond, Longest: 3 * time.Second}

	// flapping spaces connections that a competing client displaces.
	flapping = awsapi.Backoff{First: 4 * time.Second, Longest: time.Minute}
)

// run keeps the client connected until it is closed or cannot go on.
func (c *Client) run() {
	var cur *socket
	var wait time.Duration
	for {
		next, err := c.connect(cur, wait)
		if err != nil {
			if cur != nil {
				cur.close()
			}
			c.end(err)
			return
		}
		c.publish(next)
		if old := cur; old != nil {
			c.wg.Go(func() { c.retire(old) })
		}
		cur, c.denials, c.connected = next, 0, true
		c.trouble.Over(c.log, slog.LevelInfo, "signaling: connected", "channel", c.ChannelARN(), "role", c.role)
		c.report(State{Online: true})
		c.turn.prefetch()
		if cur, wait = c.tend(cur); cur == nil && c.ctx.Err() != nil {
			c.end(nil)
			return
		}
	}
}

// retire reads what is still under way on a replaced socket, then closes it.
func (c *Client) retire(s *socket) {
	t := time.NewTimer(drainFor)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.dead:
	case <-c.ctx.Done():
	}
	s.close()
}

// tend watches s until it needs a successor. It returns s if that is to happen
// while s still works, else nil and how long to wait first.
func (c *Client) tend(s *socket) (*socket, time.Duration) {
	renew := time.NewTimer(awsapi.Between(renewFrom, renewTo))
	defer renew.Stop()
	away := s.goAway
	if c.access == nil { // a grant's URL opens no second connection that late
		renew.Stop()
		away = nil
	}
	warm := time.NewTicker(turnCheck)
	defer warm.Stop()
	defer func() {
		if time.Since(s.born) >= stableAfter {
			c.fails = 0
		}
	}()
	for {
		select {
		case <-warm.C:
			if c.role == Master {
				c.turn.renew()
			}
		case <-renew.C:
			c.log.Info("signaling: renewing the connection before its hour is over")
			return s, 0
		case <-away:
			c.log.Info("signaling: the service asks for a new connection")
			return s, 0
		case <-c.ctx.Done():
			c.publish(nil)
			s.close()
			return nil, 0
		case <-s.dead:
			c.publish(nil)
			return nil, c.lost(s)
		}
	}
}

// lost accounts for a socket that ended unasked, and returns how long to wait
// before the next.
func (c *Client) lost(s *socket) time.Duration {
	age, err, wait := time.Since(s.born), s.err, time.Duration(0)
	if age < stableAfter {
		c.fails++
		wait = retries.After(c.fails)
	}
	switch {
	case age >= flapWithin:
		c.flaps = 0
	case s.closedByService():
		c.flaps++
	}
	if c.flaps >= flapsAllowed {
		err = fmt.Errorf("%w (%w)", ErrCompeting, err)
		wait = flapping.After(c.flaps - flapsAllowed + 1)
	}
	err = fmt.Errorf("signaling: connection lost after %v: %w", age.Round(time.Millisecond), err)
	c.trouble.Failed(c.log, "signaling: offline", bare(err), "retry", wait)
	c.report(State{Err: err, Retry: wait})
	return wait
}

// attempted is the outcome of an attempt.
type attempted struct {
	n     int // of the attempt
	began time.Time
	sock  *socket
	err   error
}

// connect makes attempts, after wait, until one succeeds or a permanent reason
// ends them. cur, if not nil, is the socket to be replaced: it stays in use
// until then, and its end is no trouble if a successor comes at once.
func (c *Client) connect(cur *socket, wait time.Duration) (*socket, error) {
	ctx, cancel := context.WithCancelCause(c.ctx)
	results := make(chan attempted)
	running := 0
	defer func() {
		cancel(errClosing)
		c.wg.Go(func() { c.discard(results, running) })
	}()
	var curDead <-chan struct{}
	if cur != nil {
		curDead = cur.dead
	}
	next := time.NewTimer(wait)
	defer next.Stop()
	started, failed, told := 0, 0, false
	var learned time.Time // attempts that began earlier failed of what is known by now
	for {
		select {
		case <-next.C:
			if curDead == nil && cur != nil && !told {
				told = true
				c.report(State{Err: fmt.Errorf("signaling: connection lost: %w", cur.err), Attempt: failed})
			}
			running++
			started++
			n := started
			c.wg.Go(func() {
				began := time.Now()
				sock, err := c.attempt(ctx, cur)
				results <- attempted{n, began, sock, err}
			})
			next.Reset(hedgeAfter)
		case r := <-results:
			running--
			if r.err == nil {
				c.adopt(r.sock)
				return r.sock, nil
			}
			if c.ctx.Err() != nil || r.began.Before(learned) {
				continue
			}
			failed++
			c.fails++
			r.err = c.advise(r.err)
			v := c.judge(r.err)
			if v.end != nil {
				return nil, v.end
			}
			if v.learned {
				learned = time.Now()
			}
			if v.learned || r.n == started { // else the next attempt is due anyway
				next.Reset(v.wait)
			}
			if v.untold {
				c.log.Debug("signaling: attempt to connect refused", "err", bare(r.err))
				continue
			}
			c.trouble.Failed(c.log, "signaling: attempt to connect failed", bare(r.err), "retry", v.wait)
			c.report(State{Online: curDead != nil, Err: r.err, Attempt: failed, Retry: v.wait})
		case <-curDead:
			curDead = nil
			c.publish(nil)
		case <-c.ctx.Done():
			return nil, c.ctx.Err()
		}
	}
}

// discard takes the outcome of attempts that were not waited for. The service
// may have sent messages to a late winner.
func (c *Client) discard(results <-chan attempted, n int) {
	for ; n > 0; n-- {
		if r := <-results; r.sock != nil {
			c.adopt(r.sock)
			c.wg.Go(func() { c.retire(r.sock) })
		}
	}
}

// adopt starts a new socket.
func (c *Client) adopt(s *socket) {
	c.wg.Go(func() { s.run(func(frame []byte) { c.take(s, frame) }) })
}

// attempt opens one WebSocket, with whatever must be known first. cur is the one
// that it is to replace, if any.
func (c *Client) attempt(ctx context.Context, cur *socket) (_ *socket, err error) {
	late := fmt.Errorf("no connection within %v", attemptLimit)
	ctx, cancel := context.WithTimeoutCause(ctx, attemptLimit, late)
	defer cancel()
	upgrade := ctx
	if cur != nil {
		h := &hold{client: c, cur: cur}
		upgrade = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { h.begin(ctx) }})
		defer func() { h.end(err) }()
	}
	if c.access == nil {
		s, _, err := dialSocket(upgrade, c.http, c.grant.URL)
		if err == nil {
			c.accepted()
		}
		return s, err
	}
	e, err := c.access.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.arn = e.ChannelARN
	c.mu.Unlock()
	c.turn.prefetch()
	for again := false; ; again = true {
		signed, _, err := c.access.sign(ctx, e)
		if err != nil {
			return nil, err
		}
		s, header, err := dialSocket(upgrade, c.http, signed)
		if err == nil || again || !c.access.api.Recover(err, header) {
			return s, err
		}
	}
}

// take handles one frame from the service.
func (c *Client) take(s *socket, frame []byte) {
	in, err := decode(frame)
	if errors.Is(err, errSender) {
		c.log.Debug("signaling: message dropped", "err", err)
		return
	}
	if err != nil {
		if len(frame) > 0 {
			c.dropped.Failed(c.log, "signaling: message ignored", bare(err))
		}
		return
	}
	switch in.control {
	case goAway:
		s.away.Do(func() { close(s.goAway) })
		return
	case reconnectICE:
		c.log.Info("signaling: the service asks for new ICE servers")
		c.turn.drop()
		return
	case noControl:
	}
	if in.Kind == Rejected {
		in.Message = c.sent.refused(in)
	}
	if in.Kind != Rejected && in.Peer == "" && c.needsPeer() {
		c.log.Debug("signaling: message dropped: a viewer's names its sender", "kind", in.Kind)
		return
	}
	c.log.Debug("signaling: received", "kind", in.Kind, "peer", in.Peer, "bytes", len(in.Payload))
	if !c.inbox.put(in.Message) {
		c.dropped.Failed(c.log, "signaling: message dropped", errInboxFull, "kind", in.Kind, "peer", in.Peer)
		return
	}
	if in.Kind == Offer {
		c.mu.Lock()
		close(c.offered)
		c.offered = make(chan struct{})
		c.mu.Unlock()
	}
}
