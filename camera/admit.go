package camera

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// authorizeLimit bounds Config.Authorize.
const authorizeLimit = 5 * time.Second

// admit decides about a viewer and makes its session.
func (p *peer) admit(ctx context.Context, offer *sdp.Description) (*visit, []byte, error) {
	if err := p.camera.mayEnter(ctx, p.peer); err != nil {
		return nil, nil, err
	}
	return p.begin(ctx, offer)
}

// mayEnter returns why a peer is not served; nil if it may be.
func (c *Camera) mayEnter(ctx context.Context, p signaling.Peer) error {
	if c.isService(p) {
		if !c.awaitsService.CompareAndSwap(true, false) {
			return &signaling.Refusal{Code: "unauthorized", Reason: "an offer without a sender came that no storage session was asked for"}
		}
		return nil
	}
	if n := c.viewers(); n >= c.cfg.MaxViewers {
		return &signaling.Refusal{Code: "viewer limit", Reason: fmt.Sprintf("all places for viewers are taken (%d)", n)}
	}
	return c.authorize(ctx, p)
}

// isService reports whether a peer is the storage service, which names no sender.
func (c *Camera) isService(p signaling.Peer) bool { return c.cfg.Signaling.Storage && p.ID == "" }

func (c *Camera) authorize(ctx context.Context, peer signaling.Peer) error {
	if c.cfg.Authorize == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, authorizeLimit)
	defer cancel()
	err := c.cfg.Authorize(ctx, peer)
	if refusal := (*signaling.Refusal)(nil); err == nil || errors.As(err, &refusal) {
		return err
	}
	return &signaling.Refusal{Code: "unauthorized", Reason: err.Error()}
}

// viewers counts the sessions, without the storage service's.
func (c *Camera) viewers() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.peers {
		if p.visit != nil && !c.isService(p.peer) {
			n++
		}
	}
	return n
}

// refuse tells a viewer that it is not served.
func (p *peer) refuse(ctx context.Context, offer *sdp.Description, err error) {
	c := p.camera
	c.log.Info("a viewer was refused", "peer", p.peer.ID, "err", err)
	c.emit(Refused{p.peer, err})
	var refusal *signaling.Refusal
	if !errors.As(err, &refusal) {
		refusal = &signaling.Refusal{Code: "failed", Reason: "the camera could not set the session up"}
	}
	p.send(ctx, signaling.Answer, offer.Refuse(refusal))
}
