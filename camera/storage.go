package camera

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// rejoinAfter is when a storage session is renewed, before the service ends
	// it at one hour (KVS quotas, JoinStorageSession).
	rejoinAfter = 55 * time.Minute

	joinRetry    = 6 * time.Second // the wait for an offer that AWS's own clients use
	maxJoinRetry = time.Minute
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
		if err == nil {
			wait = joinRetry
			holdCtx, cancel := context.WithTimeout(ctx, rejoinAfter)
			for err == nil {
				it, _, nextErr := events.Next(holdCtx)
				if left, ok := it.Value.(Left); nextErr != nil || ok && left.Peer.ID == "" {
					break
				}
			}
			cancel()
			continue
		}
		if ctx.Err() == nil {
			c.log.Warn("joining the storage session", "err", err, "retry", wait)
		}
		select {
		case <-time.After(wait + rand.N(wait/2)):
		case <-ctx.Done():
		}
		wait = min(wait*2, maxJoinRetry)
	}
}
