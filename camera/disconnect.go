package camera

import (
	"context"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/command"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// farewellLimit bounds how long the command channel may take to tell a viewer why it is
// disconnected, how long signaling may take, and how long the viewer may then stay.
const farewellLimit = time.Second

// Disconnect ends the session of a viewer, such as one whose access was revoked, and
// reports how many sessions there were: 1 or, if the peer has none, 0. One that is still
// being admitted or connected counts, and is refused. From the call on nothing more is
// sent of picture and sound; the viewer hears why, and the session ends within three
// seconds, usually at once. [Left], or [Refused], has why as its Err. A nil why means the
// code "disconnected".
//
// The viewer can dial again unless Config.Authorize or AWS refuses it then. Package
// viewer does so only when its application does.
func (c *Camera) Disconnect(peer signaling.Peer, why *signaling.Refusal) int {
	if why == nil {
		why = &signaling.Refusal{Code: "disconnected", Reason: "the camera ended the session"}
	}
	v, ends := c.dismiss(peer, why)
	if v != nil {
		v.StopSending()
		close(v.dismissed)
		c.talk.silence(peer, func() { c.emit(Talking{}) })
	}
	if !ends {
		return 0
	}
	c.log.Info("a viewer is disconnected", "peer", peer.ID, "why", why)
	return 1
}

// dismiss notes that a peer's session and its offers that are not answered yet come to
// nothing. It returns the session that is to end, nil if there is none, and whether
// anything ends.
func (c *Camera) dismiss(peer signaling.Peer, why *signaling.Refusal) (v *visit, ends bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.peers[peer.ID]
	if p == nil {
		return nil, false
	}
	if ends = p.offers > 0; ends {
		p.turned, p.turnedOffers = why, p.offers
		if p.stopEntering != nil {
			p.stopEntering()
		}
	}
	if p.visit == nil || p.visit.why != nil {
		return nil, ends
	}
	p.visit.why = why
	return p.visit, true
}

// turnedAway returns why an offer of a session is refused without being looked at, nil if
// it is not: Disconnect came after it, or has ended its session.
func (p *peer) turnedAway(identity string) error {
	p.camera.mu.Lock()
	defer p.camera.mu.Unlock()
	switch {
	case p.turned != nil:
		return p.turned
	case p.visit != nil && p.visit.why != nil && identity == p.identity:
		return p.visit.why
	}
	return nil
}

// worked notes that an offer was worked off.
func (p *peer) worked() {
	p.camera.mu.Lock()
	defer p.camera.mu.Unlock()
	p.offers--
	if p.turnedOffers > 0 {
		p.turnedOffers--
	}
	if p.turnedOffers == 0 {
		p.turned = nil
	}
}

// receive makes v the peer's session, unless Disconnect came meanwhile.
func (p *peer) receive(v *visit) error {
	c := p.camera
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.turned != nil {
		return p.turned
	}
	p.visit = v
	return nil
}

// entering returns a context that ends when Disconnect turns the peer away.
func (p *peer) entering(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	p.camera.mu.Lock()
	defer p.camera.mu.Unlock()
	p.stopEntering = cancel
	if p.turned != nil {
		cancel()
	}
	return ctx, cancel
}

// disconnectedNotice is the body of the notice "disconnected".
type disconnectedNotice struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// farewell tells a viewer why its session ends, over the command channel, or over
// signaling as long as there is none, gives it a moment to leave by itself, and ends the
// session.
func (v *visit) farewell() {
	ctx, cancel := context.WithTimeout(v.ctx, 3*farewellLimit)
	defer cancel()
	defer v.End(v.why)
	if v.peer.camera.isService(v.peer.peer) {
		return
	}
	told := v.sayWhy(ctx)
	if !told {
		sending, cancel := context.WithTimeout(ctx, farewellLimit)
		v.peer.send(sending, signaling.Answer, (&sdp.Description{}).Refuse(v.why))
		cancel()
	}
	leaving := time.After(farewellLimit)
	for {
		select {
		case e := <-v.Events():
			if opened, ok := e.(rtc.ChannelOpened); ok && !told {
				v.open(opened.Channel)
				told = v.sayWhy(ctx)
			}
		case <-v.Done():
			return
		case <-leaving:
			return
		}
	}
}

// sayWhy sends the notice "disconnected", and reports whether it has arrived.
func (v *visit) sayWhy(ctx context.Context) (told bool) {
	ctx, cancel := context.WithTimeout(ctx, farewellLimit)
	defer cancel()
	for ch, s := range v.commands { // there is one at most
		told = s.Notify(ctx, command.NoticeDisconnected, disconnectedNotice{v.why.Code, v.why.Reason}) == nil && ch.Flush(ctx) == nil
	}
	return told
}
