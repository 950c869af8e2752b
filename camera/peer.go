package camera

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	inboxSize    = 64               // messages of one peer that wait to be worked on
	earlyLife    = 20 * time.Second // how long candidates wait for their offer
	maxStrangers = 64               // peers without a session
	iceLimit     = 2 * time.Second  // for ICE servers, when none are at hand
	sendLimit    = 15 * time.Second // for an answer, while signaling is away
)

// peer is one client ID that has sent something. Its goroutine works its messages
// off in order, sends what its session has to say, and owns that session.
type peer struct {
	camera *Camera
	peer   signaling.Peer
	inbox  chan signaling.Message

	// Owned by the peer's goroutine.
	early    []signaling.Message // candidates before their offer
	identity string              // of the offer that the visit came from

	// Written by the peer's goroutine under Camera.mu.
	visit *visit // nil while there is no session

	// Under Camera.mu.
	offers       int                // that wait or are being worked on
	turned       *signaling.Refusal // why the next turnedOffers of them are refused; see Disconnect
	turnedOffers int
	stopEntering context.CancelFunc // ends Authorize
}

// dispatch hands a message to its peer's goroutine, starting it if need be.
func (c *Camera) dispatch(ctx context.Context, work *sync.WaitGroup, m signaling.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.peers[m.Peer]
	if p == nil {
		if len(c.peers) >= c.cfg.MaxViewers+maxStrangers {
			c.log.Debug("too many peers send messages, one is ignored", "peer", m.Peer)
			return
		}
		p = &peer{camera: c, peer: signaling.Peer{ID: m.Peer}, inbox: make(chan signaling.Message, inboxSize)}
		c.peers[m.Peer] = p
		work.Go(func() { p.serve(ctx) })
	}
	select {
	case p.inbox <- m:
		if m.Kind == signaling.Offer {
			p.offers++
		}
	default:
		c.log.Debug("a peer sends messages faster than they can be worked on, one is dropped", "peer", m.Peer, "kind", m.Kind)
	}
}

// serve is a peer's goroutine: it lasts until the session has ended and no
// message waits.
func (p *peer) serve(ctx context.Context) {
	idle := time.NewTimer(earlyLife)
	defer idle.Stop()
	for {
		var done <-chan struct{}
		var own <-chan []byte
		if p.visit != nil {
			done, own = p.visit.Done(), p.visit.own
		}
		select {
		case m := <-p.inbox:
			if m.Kind == signaling.Offer {
				p.offer(ctx, m)
				p.worked()
			} else {
				p.candidate(m)
				idle.Reset(earlyLife)
			}
		case payload := <-own:
			p.send(ctx, signaling.ICECandidate, payload)
		case <-done:
			p.leave()
		case <-idle.C:
			p.early = nil
		case <-ctx.Done():
			p.leave()
		}
		if p.visit == nil && p.forget(ctx) {
			return
		}
	}
}

// forget removes a peer that has neither a session nor a message that waits.
func (p *peer) forget(ctx context.Context) bool {
	p.camera.mu.Lock()
	defer p.camera.mu.Unlock()
	if len(p.inbox) > 0 || len(p.early) > 0 && ctx.Err() == nil {
		return false
	}
	delete(p.camera.peers, p.peer.ID)
	return true
}

// candidate gives a candidate to the session, or keeps it for the one to come.
func (p *peer) candidate(m signaling.Message) {
	if p.visit == nil {
		if len(p.early) < inboxSize {
			p.early = append(p.early, m)
		}
		return
	}
	if err := p.visit.AddCandidate(m.Payload); err != nil {
		p.camera.log.Debug("a candidate was not taken", "peer", p.peer.ID, "err", err)
	}
}

// offer answers an offer: of the session that is there, or of a new one, which
// then takes its place.
func (p *peer) offer(ctx context.Context, m signaling.Message) {
	c := p.camera
	offer, err := sdp.Parse(m.Payload, "offer")
	if err != nil {
		c.unreadable.add(p.peer, err)
		return
	}
	why := p.turnedAway(offer.Identity)
	if why == nil && p.visit != nil && offer.Identity == p.identity && p.visit.Err() == nil {
		p.renegotiate(ctx, offer)
		return
	}
	p.leave()
	p.identity = offer.Identity
	if why != nil {
		p.refuse(ctx, offer, why)
		return
	}
	v, answer, err := p.admit(ctx, offer)
	if err != nil {
		p.refuse(ctx, offer, err)
		return
	}
	v.join()
	for _, early := range p.early {
		p.candidate(early)
	}
	p.early = nil
	p.send(ctx, signaling.Answer, answer)
	v.Trickle()
}

// renegotiate answers a further offer of the session.
func (p *peer) renegotiate(ctx context.Context, offer *sdp.Description) {
	p.visit.SetICEServers(p.iceServers(ctx))
	answer, err := p.visit.Renegotiate(ctx, offer)
	if refusal := (*signaling.Refusal)(nil); errors.As(err, &refusal) {
		p.leave() // its peer takes a refusal for the end as well
		p.refuse(ctx, offer, err)
		return
	}
	if err != nil {
		p.camera.trouble.further.Failed(p.camera.log, "a further offer of a session failed", err, "peer", p.peer.ID)
		return
	}
	p.visit.join()
	p.send(ctx, signaling.Answer, answer)
	p.visit.Trickle()
}

// send sends the peer a message. Answers outlast a signaling connection that is
// away for a moment.
func (p *peer) send(ctx context.Context, kind signaling.Kind, payload []byte) {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	err := p.camera.client.Send(ctx, signaling.Message{Kind: kind, Peer: p.peer.ID, Payload: payload})
	if err == nil {
		p.camera.trouble.answers.Over(p.camera.log, slog.LevelDebug, "sent", "peer", p.peer.ID, "kind", kind)
		return
	}
	if kind == signaling.Answer {
		p.camera.trouble.answers.Failed(p.camera.log, "an answer could not be sent", err, "peer", p.peer.ID)
	} else {
		p.camera.log.Debug("a candidate could not be sent", "peer", p.peer.ID, "err", err)
	}
}

// iceServers returns what servers there are for p's session.
func (p *peer) iceServers(ctx context.Context) []signaling.ICEServer {
	ctx, cancel := context.WithTimeout(ctx, iceLimit)
	defer cancel()
	servers, err := p.camera.client.ICEServers(ctx)
	if err != nil {
		p.camera.trouble.iceServers.Failed(p.camera.log, "no ICE servers: only direct paths can be tried", err, "peer", p.peer.ID)
	} else {
		p.camera.trouble.iceServers.Over(p.camera.log, slog.LevelDebug, "ICE servers are at hand")
	}
	return servers
}

// leave ends the session, if there is one, and tells why it ended.
func (p *peer) leave() {
	v, c := p.visit, p.camera
	if v == nil {
		return
	}
	err := v.Err()
	if err == nil {
		err = errors.New("camera: the session was replaced or the camera stops")
	}
	v.close()
	c.giveUp(p.peer)
	report := v.Report()
	c.mu.Lock()
	p.visit = nil
	if v.why != nil {
		err = v.why
	}
	what := "viewer did not connect"
	if v.joined {
		what = "viewer left"
	}
	c.mu.Unlock()
	c.log.Info(what, "peer", p.peer.ID, "why", err)
	c.emit(Left{p.peer, err, report})
}
