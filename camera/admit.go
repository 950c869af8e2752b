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

// admit decides about a viewer and makes its session, which holds a place until it
// is closed.
func (p *peer) admit(ctx context.Context, offer *sdp.Description) (*visit, []byte, error) {
	if err := p.enter(ctx); err != nil {
		return nil, nil, err
	}
	v, answer, err := p.begin(ctx, offer)
	if err == nil {
		if err = p.receive(v); err != nil {
			v.close()
		}
	}
	if err != nil {
		p.camera.giveUp(p.peer)
	}
	return v, answer, err
}

// enter takes a place for a peer, or returns why it gets none.
func (p *peer) enter(ctx context.Context) error {
	c := p.camera
	if c.isService(p.peer) {
		if !c.awaitsService.CompareAndSwap(true, false) {
			return &signaling.Refusal{Code: "unauthorized", Reason: "an offer without a sender came that no storage session was asked for"}
		}
		return nil
	}
	c.mu.Lock()
	free := c.viewers < c.cfg.MaxViewers
	if free {
		c.viewers++ // before Authorize, which takes its time
	}
	c.mu.Unlock()
	if !free {
		return &signaling.Refusal{Code: "viewer limit", Reason: fmt.Sprintf("all places for viewers are taken (%d)", c.cfg.MaxViewers)}
	}
	authorizing, cancel := p.entering(ctx)
	defer cancel()
	err := c.authorize(authorizing, p.peer)
	if why := p.turnedAway(p.identity); why != nil {
		err = why
	}
	if err != nil {
		c.giveUp(p.peer)
		return err
	}
	return nil
}

// giveUp gives the place of a peer back.
func (c *Camera) giveUp(p signaling.Peer) {
	if c.isService(p) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.viewers--
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
