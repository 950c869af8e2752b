package camera

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/smartcam-sdk/smartcam/internal/adapt"
	"github.com/smartcam-sdk/smartcam/internal/epoch"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/path"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Camera is one camera. All its methods may be called concurrently.
type Camera struct {
	cfg     Config
	log     *slog.Logger
	tracks  []*track
	lanes   map[*kvsmedia.Track]int
	clock   *epoch.Clock
	units   *ring.Ring[*packet.Unit]
	buffers path.Buffers
	events  *ring.Ring[Event]
	notices *ring.Ring[notice]
	data    *ring.Ring[Data]
	talk    talkback
	privacy privacy
	filming bool // there is a track with pictures
	hints   hinter
	strays  strays
	adapt   *adapt.Adapter
	running atomic.Bool
	trouble trouble

	certificates  rtc.Certificates
	unreadable    unreadable
	awaitsService atomic.Bool // the storage service was asked for an offer that has not come

	plain bool    // no batches; for measuring
	net   rtc.Net // nil is the machine's; for tests

	mu      sync.Mutex
	viewers int // places taken, the storage service's not counted
	online  bool
	err     error // why it is offline
	peers   map[string]*peer
	client  *signaling.Client // while Run runs
}

// trouble is what may come again and again, each kind for itself.
type trouble struct{ offers, further, messages, iceServers, answers, storage safelog.Outage }

// New returns a camera for cfg. It does no I/O and starts nothing.
func New(cfg Config) (*Camera, error) {
	cfg, err := cfg.validated()
	if err != nil {
		return nil, err
	}
	c := &Camera{
		cfg: cfg, log: cfg.Logger, lanes: map[*kvsmedia.Track]int{}, peers: map[string]*peer{},
		units:   ring.New[*packet.Unit](ring.Config{Bytes: cfg.RingBytes, Keep: max(cfg.PreRoll, minKeep), Lanes: len(cfg.Tracks)}),
		events:  ring.New[Event](ring.Config{Bytes: maxEventBytes}),
		notices: ring.New[notice](ring.Config{Bytes: maxNoticeBytes, Queue: true}),
		data:    ring.New[Data](ring.Config{Bytes: maxDataBytes, Queue: true, Linger: dataLinger}),
		hints:   newHinter(cfg.Tracks),
		clock:   newClock(cfg.Tracks),

		unreadable: unreadable{woken: make(chan struct{}, 1)},
	}
	c.talk.clock = epoch.New(0)
	c.talk.frames = ring.New[kvsmedia.Frame](ring.Config{Bytes: maxTalkBytes})
	for i, t := range cfg.Tracks {
		tr, err := newTrack(t)
		if err != nil {
			return nil, err
		}
		c.tracks = append(c.tracks, tr)
		tr.closed = cfg.Privacy
		c.filming = c.filming || t.Codec.Video()
		c.lanes[t] = i
	}
	c.privacy.on, c.talk.closed = cfg.Privacy, cfg.Privacy
	c.adapt = newAdapter(cfg, c.tracks, c.hints.bitrate)
	return c, nil
}

// Run serves viewers until ctx ends, whose error it then returns, or until a
// permanent error. It leaves nothing behind and may be called again, but not
// twice at the same time.
//
// Command handlers that do not return when their context ends hold Run up for 5
// seconds. Those that run even then are left behind, and the error, which still
// wraps the one above, names their commands.
func (c *Camera) Run(ctx context.Context) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("camera: Run is already running")
	}
	defer c.running.Store(false)
	err := c.run(ctx)
	c.setOnline(false, err)
	return c.strays.wait(err)
}

// run does what Run does, but for waiting for command handlers.
func (c *Camera) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer c.talk.close() // when nobody can be heard any more
	defer work.Wait()
	defer cancel()

	states := make(chan signaling.State, 16)
	work.Go(func() { c.watch(ctx, states) })

	cfg := c.cfg.Signaling
	cfg.States = states
	if cfg.Logger == nil {
		cfg.Logger = c.log
	}
	client, err := signaling.DialMaster(ctx, cfg)
	if err != nil {
		return ended(ctx, err)
	}
	defer client.Close()
	c.mu.Lock()
	c.client = client
	c.mu.Unlock()
	work.Go(func() { c.refuseUnreadable(ctx) })
	if cfg.Storage {
		work.Go(func() { c.keepJoined(ctx, client.JoinStorage) })
	}
	for {
		m, err := client.Receive(ctx)
		if err != nil {
			return ended(ctx, err)
		}
		switch m.Kind {
		case signaling.Offer, signaling.ICECandidate:
			c.dispatch(ctx, &work, m)
		case signaling.Rejected:
			c.trouble.messages.Failed(c.log, "the signaling service refused a message", m.Err, "peer", m.Peer)
		case signaling.Answer: // a master makes no offers
		}
	}
}

// ended is the error that Run returns: ctx's own if that is what ended it.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("camera: live view ended: %w", err)
}

// watch turns the signaling client's states into events until ctx ends.
func (c *Camera) watch(ctx context.Context, states <-chan signaling.State) {
	c.setOnline(false, nil)
	for {
		select {
		case s := <-states:
			c.setOnline(s.Online, s.Err)
		case <-ctx.Done():
			return
		}
	}
}

// setOnline notes whether viewers can find the camera, and tells of it if that or the
// reason is new. An error that wraps the one before is no new reason.
func (c *Camera) setOnline(online bool, err error) {
	c.mu.Lock()
	was, before := c.online, c.err
	c.online, c.err = online, err
	c.mu.Unlock()
	switch {
	case online && !was:
		c.emit(Online{})
	case !online && (was || err != nil && !errors.Is(err, before) && safelog.Reason(err) != safelog.Reason(before)):
		c.emit(Offline{Err: err})
	}
}
