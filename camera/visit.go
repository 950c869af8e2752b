package camera

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/adapt"
	"github.com/smartcam-sdk/smartcam/internal/awsapi"
	"github.com/smartcam-sdk/smartcam/internal/command"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// visit is a WebRTC session of a peer, with all that serves it. The peer's
// goroutine makes and closes it; its own goroutine follows the session's events.
type visit struct {
	*rtc.Session
	peer    *peer
	own     chan []byte // candidates of this side, for the peer's goroutine to send
	viewing atomic.Pointer[adapt.Viewer]
	asker   *asker
	work    sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc

	dismissed chan struct{}      // closed by Disconnect
	why       *signaling.Refusal // set before that, under Camera.mu

	// Of the peer's goroutine.
	picture, sound int // lanes when the adapter was last told, -1 for none
	viewed         bool

	// Of the visit's goroutine, but for what Camera.mu guards.
	commands map[*rtc.Channel]commands
	notices  *ring.Reader[notice]    // from Joined on, for the first command channel; nil if that is not to be waited for
	joined   bool                    // media flows; under Camera.mu
	channels map[string]*rtc.Channel // raw ones, by label; under Camera.mu
	late     <-chan time.Time        // when notices are not kept any longer
	private  bool                    // privacy was on where notices begins
}

// channelLimit is how long notices are kept for a viewer's command channel after media
// flows. The channel was in its offer, so it opens within some round trips.
const channelLimit = 10 * time.Second

// commands is the command session of a data channel.
type commands struct {
	*command.Session
	cancel context.CancelFunc // ends its notices
}

// begin makes the session out of an offer and returns the answer to send.
func (p *peer) begin(ctx context.Context, offer *sdp.Description) (*visit, []byte, error) {
	c := p.camera
	session, answer, err := rtc.Answer(ctx, rtc.Config{
		Peer: p.peer, Certificates: &c.certificates, ICEServers: p.iceServers(ctx), ICEPolicy: c.cfg.ICEPolicy, Logger: c.log,
		Buffers: &c.buffers, PlainSends: c.plain, Net: c.net, RootCAs: awsapi.RootCAs(c.cfg.Signaling.AWS),
	}, offer, rtc.Source{Ring: c.units, Tracks: c.cfg.Tracks, Profile: c.profileOf, Barred: c.barredOf, Rate: c.rateOf})
	if err != nil {
		return nil, nil, err
	}
	v := &visit{Session: session, peer: p, own: make(chan []byte, inboxSize), asker: c.hints.asker(), dismissed: make(chan struct{}), commands: map[*rtc.Channel]commands{}, channels: map[string]*rtc.Channel{}}
	v.viewing.Store(&adapt.Viewer{Recorder: c.isService(p.peer)})
	v.ctx, v.cancel = context.WithCancel(ctx)
	v.work.Go(v.follow)
	return v, answer, nil
}

// close ends the session and waits for what serves it.
func (v *visit) close() {
	v.cancel()
	v.Close()
	v.work.Wait()
	if v.viewed {
		v.peer.camera.adapt.Leave(v.viewing.Load(), time.Now())
	}
}

// join tells the adapter what the viewer gets, again when an offer has changed it.
func (v *visit) join() {
	picture, sound := v.Lanes()
	if v.viewed && sound == v.sound && v.alike(picture) {
		return
	}
	a, now := v.peer.camera.adapt, time.Now()
	if v.viewed {
		before := v.viewing.Load()
		a.Leave(before, now)
		v.viewing.Store(&adapt.Viewer{Recorder: before.Recorder})
	}
	v.viewed, v.picture, v.sound = true, picture, sound
	a.Join(v.viewing.Load(), v.Session, picture, sound, now)
}

// alike reports whether a lane is a rendition of the picture of which the adapter was
// told: both none, or of one codec. Which rendition of a codec is sent is the
// adapter's to choose.
func (v *visit) alike(picture int) bool {
	if picture < 0 || v.picture < 0 {
		return picture < 0 && v.picture < 0
	}
	tracks := v.peer.camera.cfg.Tracks
	return tracks[picture].Codec == tracks[v.picture].Codec
}

// follow works off what happens to the session until it has ended.
func (v *visit) follow() {
	defer func() {
		v.keepNotices(nil)
		for _, s := range v.commands {
			v.peer.camera.strays.end(s.Session)
		}
	}()
	for {
		select {
		case <-v.dismissed:
			v.farewell()
			return
		case e := <-v.Events():
			v.take(e)
		case <-v.late:
			v.keepNotices(nil)
		case <-v.Done():
			return
		}
	}
}

func (v *visit) take(e rtc.Event) {
	c := v.peer.camera
	switch e := e.(type) {
	case rtc.OwnCandidate:
		select {
		case v.own <- e.Payload:
		default: // more than anyone needs
		}
	case rtc.Connected:
		v.connected()
	case rtc.KeyframeWanted:
		v.asker.keyframe(c.cfg.Tracks[e.Lane], time.Now())
	case rtc.PathChanged:
		p := v.Path()
		c.adapt.Report(v.viewing.Load(), adapt.Path{Target: p.Target, Constrained: p.Constrained, Limited: p.Limited, Queue: p.Queue, Late: p.Late}, time.Now())
	case rtc.FrameReceived:
		c.hear(v, e.Frame)
	case rtc.ChannelOpened:
		v.open(e.Channel)
	case rtc.ChannelClosed:
		v.closed(e.Channel)
	case rtc.MessageReceived:
		v.receive(e)
	}
}

// connected notes that media flows.
func (v *visit) connected() {
	c := v.peer.camera
	c.mu.Lock()
	first := !v.joined
	v.joined = true
	c.mu.Unlock()
	if first {
		if len(v.commands) == 0 {
			notices, private := c.followNotices()
			v.keepNotices(notices)
			v.private = private
		}
		r := v.Report()
		c.log.Info("viewer joined", "peer", v.peer.peer.ID, "relayed", r.Relayed())
		c.emit(Joined{v.peer.peer, r})
	}
}

// keepNotices has notices kept for a command channel that is to come, by a reader of
// them, for channelLimit. It closes the reader before.
func (v *visit) keepNotices(r *ring.Reader[notice]) {
	if v.notices != nil {
		v.notices.Close()
	}
	v.notices, v.late = r, nil
	if r != nil {
		v.late = time.After(channelLimit)
	}
}

// open takes a data channel of the viewer: the command protocol on the one with
// its label, whose bounds are the viewer's, so that a further one is ignored while
// it is open; raw messages on all others.
func (v *visit) open(ch *rtc.Channel) {
	c := v.peer.camera
	if ch.Label() != rtc.CommandLabel {
		c.mu.Lock()
		v.channels[ch.Label()] = ch
		c.mu.Unlock()
		return
	}
	if len(v.commands) > 0 {
		return
	}
	handler := c.cfg.Commands.handler(v.peer.peer)
	session := command.NewSession(ch, func(ctx context.Context, name string, body json.RawMessage) (any, error) {
		if err := c.strays.admit(); err != nil {
			return nil, err
		}
		return handler(ctx, name, body)
	}, c.log.With("peer", v.peer.peer.ID))
	ctx, cancel := context.WithCancel(v.ctx)
	v.commands[ch] = commands{session, cancel}
	notices, private := v.notices, v.private
	if v.notices, v.late = nil, nil; notices == nil {
		notices, private = c.followNotices()
	}
	v.work.Go(func() { c.sendNotices(ctx, notices, session, private) })
}

// closed forgets a data channel.
func (v *visit) closed(ch *rtc.Channel) {
	c := v.peer.camera
	if s, ok := v.commands[ch]; ok {
		delete(v.commands, ch)
		s.cancel()
		c.strays.end(s.Session)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.channels[ch.Label()] == ch {
		delete(v.channels, ch.Label())
	}
}

// receive takes a message of a data channel.
func (v *visit) receive(m rtc.MessageReceived) {
	if s, ok := v.commands[m.Channel]; ok {
		if err := s.Receive(m.Data); err != nil {
			v.End(fmt.Errorf("camera: data channel %q: %w", m.Channel.Label(), err))
		}
		return
	}
	if m.Channel.Label() == rtc.CommandLabel {
		return
	}
	v.peer.camera.receive(Data{v.peer.peer, m.Channel.Label(), m.Text, m.Data})
}
