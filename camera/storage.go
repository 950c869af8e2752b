package camera

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
)

const (
	// rejoinAfter is when a storage session is renewed, before the service ends
	// it at one hour (KVS quotas, JoinStorageSession).
	rejoinAfter = 55 * time.Minute

	// joinLimit is how long a session may take to come about after its offer.
	joinLimit = 30 * time.Second

	joinRetry    = 6 * time.Second // the wait for an offer that AWS's own clients use
	maxJoinRetry = time.Minute     // and what a session lasts that is no failure
)

// keepJoined keeps a session with the storage service: it joins, again whenever
// the session is lost, and anew before the hour is over. The service answers a
// join with an offer, which Run's loop takes like a viewer's.
func (c *Camera) keepJoined(ctx context.Context, join func(context.Context) error) {
	events := c.events.Reader(c.events.Next())
	defer events.Close()
	wait := joinRetry
	for ctx.Err() == nil {
		c.awaitsService.Store(true)
		joinCtx, cancel := context.WithTimeout(ctx, joinRetry)
		err := join(joinCtx)
		cancel()
		begun := time.Now()
		if err == nil {
			err = c.stored(ctx, events)
		}
		if time.Since(begun) > maxJoinRetry {
			wait = joinRetry
			continue
		}
		if ctx.Err() == nil && c.isOnline() { // else the log tells why it is not
			c.trouble.storage.Failed(c.log, "joining the storage session", err, "retry", wait)
		}
		select {
		case <-time.After(wait + rand.N(wait/2)):
		case <-ctx.Done():
		}
		wait = min(wait*2, maxJoinRetry)
	}
}

// stored waits until the session with the storage service is to be renewed, or tells
// why there is none any more. The session that a new one replaces leaves before that
// joins.
func (c *Camera) stored(ctx context.Context, events *ring.Reader[Event]) error {
	comes, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	for joined := false; !joined; {
		it, _, err := events.Next(comes)
		if err != nil {
			return fmt.Errorf("no session within %v of the service's offer: %w", joinLimit, err)
		}
		e, ok := it.Value.(Joined)
		joined = ok && e.Peer.ID == ""
	}
	c.trouble.storage.Over(c.log, slog.LevelDebug, "joined the storage session")
	lasts, cancel := context.WithTimeout(ctx, rejoinAfter)
	defer cancel()
	for {
		it, _, err := events.Next(lasts)
		if err != nil {
			return nil
		}
		if e, ok := it.Value.(Left); ok && e.Peer.ID == "" {
			return e.Err
		}
	}
}
