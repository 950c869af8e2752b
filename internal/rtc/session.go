package rtc

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/path"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sctpguard"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/internal/rtc/send"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Why a session ended.
var (
	ErrPeerLeft = errors.New("webrtc: the peer closed the session")
	ErrClosed   = errors.New("webrtc: session closed")
)

// goodbyeLimit bounds how long the closing of a session waits for a network that
// takes no data.
const goodbyeLimit = 500 * time.Millisecond

// Config configures a session of a camera or a viewer.
type Config struct {
	Peer         signaling.Peer
	Certificates *Certificates // required
	ICEServers   []signaling.ICEServer
	ICEPolicy    signaling.ICEPolicy
	RootCAs      *x509.CertPool // of TURN servers over TLS; nil is the system's
	Logger       *slog.Logger
	PlainSends   bool          // one system call a packet, also where the kernel takes batches
	Buffers      *path.Buffers // shared by the sessions of a camera; nil for own ones
	Net          Net           // nil is the machine's; tests have virtual ones

	// Codecs are those that Offer offers; nil is all. NoData is set for an offer
	// without data channels.
	Codecs []kvsmedia.Codec
	NoData bool
}

// Source describes what a session sends: the tracks of a ring, the best rendition
// first. The index of a track is its lane in the ring.
type Source struct {
	Ring   *ring.Ring[*packet.Unit]
	Tracks []*kvsmedia.Track

	// Profile names the profile of a video lane as [sdp.Profile] does, empty while
	// no key frame was seen.
	Profile func(lane int) string

	// Barred is why a lane is not to be sent, nil if it is; see [sdp.Source].
	Barred func(lane int) error

	// Rate is what a lane's encoder made in the last seconds, in bits per second;
	// nil or 0 if that is not known.
	Rate func(lane int) int
}

// Session is one peer connection. Its methods may be called concurrently, but
// negotiation comes from one goroutine. The owner calls Close, which waits for all
// that the session started.
type Session struct {
	cfg     Config
	pc      *webrtc.PeerConnection
	net     *path.Network
	log     *slog.Logger
	ctx     context.Context
	end     context.CancelCauseFunc
	work    sync.WaitGroup
	setup   *time.Timer
	started time.Time
	events  chan Event
	outlets []*outlet
	sender  *send.Sender

	// Of whoever negotiates.
	source  Source
	id      uint64 // of the origin of answers
	version uint64
	role    string       // of this side in DTLS, as an answerer; empty before the first answer
	data    bool         // pion was offered data channels
	ports   [2]send.Port // of the picture and the sound that are sent

	connected     chan struct{} // closed at the first connection
	connectedOnce sync.Once
	expectsVideo  atomic.Bool
	takesData     atomic.Bool
	eager         atomic.Bool // early may choose a pair
	pathTold      atomic.Bool // the owner has not looked at the path since
	types         atomic.Pointer[map[uint8]uint8]
	streams       streams
	received      received
	arrivals      arrivals
	classes       map[uint8]class
	channels      channels
	turn          chan struct{} // to send a large message; holds one
	guard         *sctpguard.Guard
	closeOnce     sync.Once

	mu         sync.Mutex
	checked    time.Time // when the first check came since early may choose, or zero
	report     signaling.ConnectReport
	marks      map[string]bool
	last       time.Duration // end of the phase before
	candidates candidates
	offered    *sdp.Description // by this side
	peer       *sdp.Description // the newest of the peer
	remote     sdp.Transport    // that pion was given
	closing    bool
	restarted  time.Time // when the path went silent that ICE is restarted for, or zero
}

func newSession(cfg Config, source Source, codecs []negotiable) (*Session, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	now := time.Now()
	s := &Session{
		cfg: cfg, log: cfg.Logger.With("peer", cfg.Peer.ID), source: source, id: rand.Uint64() >> 2,
		connected: make(chan struct{}), events: make(chan Event, maxEvents), marks: map[string]bool{},
		report: signaling.ConnectReport{Peer: cfg.Peer, Started: now}, started: now,
		candidates: newCandidates(), classes: classes(codecs), turn: make(chan struct{}, 1),
	}
	s.turn <- struct{}{}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	s.guard = sctpguard.New(s.overrun, func(err error) { s.log.Warn("data channels", "err", err) })
	s.net = path.New(s.ctx, path.Config{Plain: cfg.PlainSends, Buffers: cfg.Buffers, RootCAs: cfg.RootCAs, Overrun: s.end})
	pc, err := newPeerConnection(cfg, codecs, s.early, s.net, s.receiver, s.guard)
	if err != nil {
		s.end(err)
		return nil, err
	}
	s.pc = pc
	s.setup = time.AfterFunc(setupLimit, func() {
		select {
		case <-s.connected:
		default:
			s.end(s.Diagnose())
		}
	})
	pc.OnICECandidate(s.ownCandidate)
	pc.OnICEConnectionStateChange(s.iceState)
	pc.OnConnectionStateChange(s.state)
	pc.SCTP().Transport().ICETransport().OnSelectedCandidatePairChange(func(*webrtc.ICECandidatePair) {
		s.spawn(func() { // not here, as this holds up ICE
			s.notePair()
			s.tell(PairChanged{})
		})
	})
	pc.OnTrack(s.track)
	pc.OnDataChannel(s.accept)
	return s, nil
}

// Done is closed when the session has ended; Err says why.
func (s *Session) Done() <-chan struct{} { return s.ctx.Done() }

// End ends the session for a reason, which Err then returns.
func (s *Session) End(why error) { s.end(why) }

// Err returns why the session has ended, nil while it lasts.
func (s *Session) Err() error { return context.Cause(s.ctx) }

// Close ends the session and waits until nothing of it is left.
func (s *Session) Close() {
	s.closeOnce.Do(func() {
		s.end(ErrClosed)
		s.setup.Stop()
		s.mu.Lock()
		s.closing = true
		s.mu.Unlock()
		s.net.EndWriting(time.Now().Add(goodbyeLimit))
		s.streams.close()
		if err := s.pc.GracefulClose(); err != nil {
			s.log.Debug("closing the peer connection", "err", err)
		}
	})
	s.work.Wait()
}

// spawn runs f as one of the session's goroutines, unless the session is closing.
func (s *Session) spawn(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.work.Go(f)
	}
}
