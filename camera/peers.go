package camera

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/adapt"
	"github.com/smartcam-sdk/smartcam/internal/command"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	inboxSize      = 64               // messages of one peer that wait to be worked on
	earlyLife      = 20 * time.Second // how long candidates wait for their offer
	maxStrangers   = 64               // peers without a session
	authorizeLimit = 5 * time.Second
	iceLimit       = 2 * time.Second  // for ICE servers, when none are at hand
	sendLimit      = 15 * time.Second // for an answer, while signaling is away
)

// peer is one client ID that has sent something. Its goroutine works its
// messages off in order and owns its session.
type peer struct {
	peer  signaling.Peer
	inbox chan signaling.Message

	// Owned by the peer's goroutine.
	early    []signaling.Message // candidates before their offer
	identity string              // of the offer that the session came from

	// Under Camera.mu.
	session  *rtc.Session
	viewing  *adapt.Viewer // of the session
	joined   bool
	channels map[string]*rtc.Channel // raw ones, by label

	mu       sync.Mutex
	ended    bool
	commands []*command.Session
	work     sync.WaitGroup // what serves the session's channels and candidates
	ctx      context.Context
	cancel   context.CancelFunc
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
		p = &peer{peer: signaling.Peer{ID: m.Peer}, inbox: make(chan signaling.Message, inboxSize)}
		c.peers[m.Peer] = p
		work.Go(func() { c.serve(ctx, p) })
	}
	select {
	case p.inbox <- m:
	default:
		c.log.Debug("a peer sends messages faster than they can be worked on, one is dropped", "peer", m.Peer, "kind", m.Kind)
	}
}

// serve is a peer's goroutine: it lasts until the session has ended and no
// message waits.
func (c *Camera) serve(ctx context.Context, p *peer) {
	idle := time.NewTimer(earlyLife)
	defer idle.Stop()
	for {
		var done <-chan struct{}
		if p.session != nil {
			done = p.session.Done()
		}
		select {
		case m := <-p.inbox:
			if m.Kind == signaling.Offer {
				c.offer(ctx, p, m)
			} else {
				c.candidate(p, m)
				idle.Reset(earlyLife)
			}
		case <-done:
			c.leave(p)
		case <-idle.C:
			p.early = nil
		case <-ctx.Done():
			c.leave(p)
		}
		if p.session == nil {
			c.mu.Lock()
			waiting := len(p.inbox) > 0 || len(p.early) > 0 && ctx.Err() == nil
			if !waiting {
				delete(c.peers, p.peer.ID)
				c.mu.Unlock()
				return
			}
			c.mu.Unlock()
		}
	}
}

// candidate gives a candidate to the session, or keeps it for the one to come.
func (c *Camera) candidate(p *peer, m signaling.Message) {
	if p.session == nil {
		if len(p.early) < inboxSize {
			p.early = append(p.early, m)
		}
		return
	}
	if err := p.session.AddCandidate(m.Payload); err != nil {
		c.log.Debug("a candidate was not taken", "peer", p.peer.ID, "err", err)
	}
}

// offer answers an offer: of the session that is there, or of a new one, which
// then takes its place.
func (c *Camera) offer(ctx context.Context, p *peer, m signaling.Message) {
	identity, err := rtc.Identity(m.Payload)
	if err != nil {
		c.log.Warn("an offer cannot be read", "peer", p.peer.ID, "err", err)
		c.emit(Refused{p.peer, err})
		return
	}
	if p.session != nil && identity == p.identity && p.session.Err() == nil {
		p.session.SetICEServers(c.iceServers(ctx, p))
		answer, err := p.session.Renegotiate(ctx, m.Payload)
		if err != nil {
			c.log.Warn("a further offer of a session failed", "peer", p.peer.ID, "err", err)
			return
		}
		c.reply(ctx, p, answer)
		p.session.Trickle()
		return
	}
	c.leave(p)
	p.identity = identity
	viewing := &adapt.Viewer{Recorder: c.storage(p)}
	session, answer, err := c.admit(ctx, p, viewing, m.Payload)
	if err != nil {
		c.refuse(ctx, p, m.Payload, err)
		return
	}
	c.mu.Lock()
	p.session, p.viewing = session, viewing
	c.mu.Unlock()
	picture, sound := session.Lanes()
	c.adapt.Join(viewing, session, picture, sound, time.Now())
	for _, early := range p.early {
		c.candidate(p, early)
	}
	p.early = nil
	c.reply(ctx, p, answer)
	session.Trickle()
}

// admit decides about a viewer and makes its session.
func (c *Camera) admit(ctx context.Context, p *peer, v *adapt.Viewer, offer []byte) (*rtc.Session, []byte, error) {
	if !c.storage(p) {
		if n := c.viewers(); n >= c.cfg.MaxViewers {
			return nil, nil, &signaling.Refusal{Code: "viewer limit",
				Reason: fmt.Sprintf("all places for viewers are taken (%d)", n)}
		}
		if err := c.authorize(ctx, p.peer); err != nil {
			return nil, nil, err
		}
	}
	servers := c.iceServers(ctx, p)
	p.begin(ctx)
	candidates, asker := make(chan []byte, inboxSize), c.hints.asker()
	session, answer, err := rtc.Answer(ctx, rtc.Config{
		Peer: p.peer, Certificate: c.cert, ICEServers: servers, ICEPolicy: c.cfg.ICEPolicy, Logger: c.log,
		Buffers: &c.buffers, PlainSends: c.plain, Net: c.net,
		Hooks: rtc.Hooks{
			Candidate: func(payload []byte) {
				select {
				case candidates <- payload:
				default: // more than anyone needs
				}
			},
			Connected: func() { c.connected(p) },
			Keyframe:  func(t *kvsmedia.Track) { asker.keyframe(t, time.Now()) },
			Path:      func(path rtc.Path) { c.report(v, path) },
			Frame:     func(f kvsmedia.Frame) { c.hear(p.peer, f) },
			Channel:   func(ch *rtc.Channel) rtc.Receiver { return c.channel(p, ch) },
		},
	}, offer, rtc.Source{Ring: c.units, Tracks: c.cfg.Tracks, Profile: c.profileOf, Rate: c.rateOf})
	if err != nil {
		p.finish()
		return nil, nil, err
	}
	p.spawn(func(ctx context.Context) {
		for {
			select {
			case payload := <-candidates:
				if c.client.Send(ctx, signaling.Message{Kind: signaling.ICECandidate, Peer: p.peer.ID, Payload: payload}) != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return session, answer, nil
}

// iceServers returns what servers there are for p's session.
func (c *Camera) iceServers(ctx context.Context, p *peer) []signaling.ICEServer {
	ctx, cancel := context.WithTimeout(ctx, iceLimit)
	defer cancel()
	servers, err := c.client.ICEServers(ctx)
	if err != nil {
		c.log.Warn("no ICE servers: only direct paths can be tried", "peer", p.peer.ID, "err", err)
	}
	return servers
}

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

// storage reports whether p is the storage service.
func (c *Camera) storage(p *peer) bool { return c.cfg.Signaling.Storage && p.peer.ID == "" }

// viewers counts the sessions, without the storage service's.
func (c *Camera) viewers() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.peers {
		if p.session != nil && !c.storage(p) {
			n++
		}
	}
	return n
}

// refuse tells a viewer that it is not served.
func (c *Camera) refuse(ctx context.Context, p *peer, offer []byte, err error) {
	c.log.Info("a viewer was refused", "peer", p.peer.ID, "err", err)
	c.emit(Refused{p.peer, err})
	var refusal *signaling.Refusal
	if !errors.As(err, &refusal) {
		refusal = &signaling.Refusal{Code: "failed", Reason: "the camera could not set the session up"}
	}
	answer, err := rtc.Refuse(offer, refusal)
	if err != nil {
		c.log.Debug("making a refusal", "peer", p.peer.ID, "err", err)
		return
	}
	c.reply(ctx, p, answer)
}

func (c *Camera) reply(ctx context.Context, p *peer, answer []byte) {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	if err := c.client.Send(ctx, signaling.Message{Kind: signaling.Answer, Peer: p.peer.ID, Payload: answer}); err != nil {
		c.log.Warn("an answer could not be sent", "peer", p.peer.ID, "err", err)
	}
}

// connected notes that media flows to p.
func (c *Camera) connected(p *peer) {
	c.mu.Lock()
	first := !p.joined && p.session != nil
	p.joined = p.joined || first
	session := p.session
	c.mu.Unlock()
	if first {
		r := session.Report()
		c.log.Info("viewer joined", "peer", p.peer.ID, "relayed", r.Relayed())
		c.emit(Joined{p.peer, r})
	}
}

// leave ends p's session, if there is one, and tells why it ended.
func (c *Camera) leave(p *peer) {
	if p.session == nil {
		return
	}
	err := p.session.Err()
	if err == nil {
		err = errors.New("camera: the session was replaced or the camera stops")
	}
	p.session.Close()
	c.adapt.Leave(p.viewing, time.Now())
	p.finish()
	report := p.session.Report()
	c.mu.Lock()
	p.session, p.viewing, p.joined, p.channels = nil, nil, false, nil
	c.mu.Unlock()
	c.log.Info("viewer left", "peer", p.peer.ID, "why", err)
	c.emit(Left{p.peer, err, report})
}

// begin readies p for a session's channels and goroutines.
func (p *peer) begin(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.ended, p.commands = false, nil
}

// spawn runs f until the session ends; false if it has ended.
func (p *peer) spawn(f func(context.Context)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	ctx := p.ctx
	p.work.Go(func() { f(ctx) })
	return true
}

// adopt makes a command session end with the peer's session; false if that has
// ended or has a command session already.
func (p *peer) adopt(s *command.Session, serve func(context.Context)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || len(p.commands) > 0 {
		s.Close()
		return false
	}
	ctx := p.ctx
	p.work.Go(func() { serve(ctx) })
	p.commands = append(p.commands, s)
	return true
}

// finish ends what serves the session and waits for it.
func (p *peer) finish() {
	p.mu.Lock()
	p.ended = true
	p.cancel()
	commands := p.commands
	p.mu.Unlock()
	for _, s := range commands {
		s.Close()
	}
	p.work.Wait()
}
