package camera

import (
	"context"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	// refuseEvery is how often offers that cannot be read are refused and logged:
	// the signaling service takes five answers a second of a camera, which honest
	// viewers need.
	refuseEvery = time.Second

	maxUnreadable = 16 // peers whose offers wait to be refused
)

// unreadable holds the peers that sent an offer which cannot be read. One of them is
// refused each refuseEvery, so that the other answers of that time are left to honest
// viewers.
type unreadable struct {
	mu      sync.Mutex
	waiting []refusal     // one for each peer at most
	count   int           // of offers since the last one that was logged
	woken   chan struct{} // capacity 1
}

type refusal struct {
	peer signaling.Peer
	err  error
}

// add notes an offer of a peer.
func (u *unreadable) add(peer signaling.Peer, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count++
	for _, w := range u.waiting {
		if w.peer == peer {
			return
		}
	}
	if len(u.waiting) < maxUnreadable {
		u.waiting = append(u.waiting, refusal{peer, err})
	}
	select {
	case u.woken <- struct{}{}:
	default:
	}
}

// take returns the peer that waits longest, and how many offers came since the
// last one was taken.
func (u *unreadable) take() (r refusal, count int, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.waiting) == 0 {
		return refusal{}, 0, false
	}
	r, count = u.waiting[0], u.count
	u.waiting, u.count = u.waiting[1:], 0
	return r, count, true
}

// refuseUnreadable refuses offers that cannot be read until ctx ends.
func (c *Camera) refuseUnreadable(ctx context.Context) {
	for {
		select {
		case <-c.unreadable.woken:
		case <-ctx.Done():
			return
		}
		for {
			r, count, ok := c.unreadable.take()
			if !ok {
				break
			}
			c.trouble.offers.Failed(c.log, "an offer cannot be read", r.err, "peer", r.peer.ID, "offers", count)
			c.emit(Refused{r.peer, r.err})
			sending, cancel := context.WithTimeout(ctx, refuseEvery)
			answer := (&sdp.Description{}).Refuse(&signaling.Refusal{Code: "bad offer", Reason: r.err.Error()})
			if err := c.client.Send(sending, signaling.Message{Kind: signaling.Answer, Peer: r.peer.ID, Payload: answer}); err != nil {
				c.log.Debug("a refusal could not be sent", "peer", r.peer.ID, "err", err)
			}
			cancel()
			select {
			case <-time.After(refuseEvery):
			case <-ctx.Done():
				return
			}
		}
	}
}
