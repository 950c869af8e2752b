package rtc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/signaling"
)

// Why a session ended.
var (
	ErrPeerLeft = errors.New("rtc: the peer closed the session")
	ErrClosed   = errors.New("rtc: session closed")
)

// maxCandidates bounds the candidates taken from a peer; a phone with many
// networks and two TURN servers sends about 30.
const maxCandidates = 128

// goodbyeLimit bounds how long the closing of a session waits for a network that
// takes no data.
const goodbyeLimit = 500 * time.Millisecond

// Session is one peer connection. Its methods may be called concurrently. The
// owner calls Close, which waits for all that the session started.
type Session struct {
	cfg     Config
	pc      *webrtc.PeerConnection
	net     *network
	log     *slog.Logger
	ctx     context.Context
	end     context.CancelCauseFunc
	work    sync.WaitGroup
	setup   *time.Timer
	started time.Time
	source  Source
	out     outgoing

	connected     chan struct{} // closed at the first connection
	connectedOnce sync.Once
	channels      atomic.Int32
	expectsVideo  atomic.Bool
	eager         atomic.Bool // early may choose a pair
	closeOnce     sync.Once

	mu         sync.Mutex
	eagerFrom  time.Time // since when early may choose
	report     signaling.ConnectReport
	marks      map[string]bool
	last       time.Duration // end of the phase before
	held       [][]byte      // own candidates until Trickle
	hosts      int           // of held, since the description before
	gathered   chan struct{} // capacity 1: one more is held
	trickling  bool
	candidates int // taken from the peer
	closing    bool
	restarted  time.Time // when the path went silent that ICE is restarted for, or zero
}

func newSession(cfg Config, codecs []negotiable) (*Session, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	now := time.Now()
	s := &Session{
		cfg: cfg, log: cfg.Logger.With("peer", cfg.Peer.ID),
		connected: make(chan struct{}), gathered: make(chan struct{}, 1), marks: map[string]bool{},
		report: signaling.ConnectReport{Peer: cfg.Peer, Started: now}, started: now,
		out: outgoing{asked: make(chan struct{}, 1)},
	}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	s.net = newNetwork(s.ctx, cfg.PlainSends, cfg.Buffers)
	pc, err := newPeerConnection(cfg, codecs, s.early, s.net, s.receiver)
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
	pc.OnTrack(s.track)
	pc.OnDataChannel(s.accept)
	return s, nil
}

// Done is closed when the session has ended; Err says why.
func (s *Session) Done() <-chan struct{} { return s.ctx.Done() }

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
		s.net.endWriting(time.Now().Add(goodbyeLimit))
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

// Report returns how the session came about, or why it did not.
func (s *Session) Report() signaling.ConnectReport {
	if s.ctx.Err() == nil {
		s.notePair() // a late candidate may tell that what looked direct is a relay
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	r.Phases = append([]signaling.Phase(nil), r.Phases...)
	r.Local = append([]signaling.Candidate(nil), r.Local...)
	r.Remote = append([]signaling.Candidate(nil), r.Remote...)
	if err := context.Cause(s.ctx); err != nil && r.Failure == "" {
		r.Failure = strings.TrimPrefix(err.Error(), "rtc: ")
	}
	return r
}

// mark ends a phase of connecting; only the first mark of a name counts.
func (s *Session) mark(phase string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.marks[phase] {
		return
	}
	s.marks[phase] = true
	now := time.Since(s.report.Started)
	s.report.Phases = append(s.report.Phases, signaling.Phase{Name: phase, Start: s.last, Took: now - s.last})
	s.last = now
}

// early takes the first direct pair on which a check of the peer arrives, which
// saves the round trips until a pair is nominated; a pair that is nominated
// later replaces it. The side that nominates does so only if the peer is known
// to choose early as well: it will not nominate any more. A relayed pair is
// taken once direct ones have had their time: should the other side have taken
// it already, nothing else will come.
func (s *Session) early(_ *stun.Message, local, remote ice.Candidate, _ *ice.CandidatePair) bool {
	s.mu.Lock()
	relayed := local.Type() == ice.CandidateTypeRelay || remote.Type() == ice.CandidateTypeRelay ||
		remote.Type() == ice.CandidateTypePeerReflexive && s.relays(remote.Address())
	wait := relayed && time.Since(s.eagerFrom) < relayedAfter
	s.mu.Unlock()
	return !wait && s.eager.CompareAndSwap(true, false)
}

// relays reports whether an address is known to be a TURN server's: the peer's
// relay is seen before its candidate has come, and looks direct. s.mu is held.
func (s *Session) relays(address string) bool {
	of := func(c signaling.Candidate) bool {
		host, _, _ := net.SplitHostPort(c.Address)
		return c.Type == "relay" && host == address
	}
	return slices.ContainsFunc(s.report.Local, of) || slices.ContainsFunc(s.report.Remote, of)
}

// chooseEarly lets early choose a pair from now on, or not.
func (s *Session) chooseEarly(on bool) {
	s.mu.Lock()
	s.eagerFrom = time.Now()
	s.mu.Unlock()
	s.eager.Store(on)
}

func (s *Session) iceState(state webrtc.ICEConnectionState) {
	if state == webrtc.ICEConnectionStateConnected {
		s.mark("ice")
		s.spawn(s.notePair) // not here: it waits for a close, which waits for this
	}
}

func (s *Session) state(state webrtc.PeerConnectionState) {
	s.log.Debug("session state", "state", state.String())
	switch state {
	case webrtc.PeerConnectionStateConnected:
		s.net.settle()
		s.mark("dtls")
		s.notePair()
		s.connectedOnce.Do(func() { close(s.connected) })
		s.mu.Lock()
		if !s.restarted.IsZero() && time.Since(s.restarted) > mended {
			s.out.again.Store(true)
			s.out.wake()
		}
		s.restarted = time.Time{}
		s.mu.Unlock()
		if s.cfg.Hooks.Connected != nil {
			s.cfg.Hooks.Connected()
		}
	case webrtc.PeerConnectionStateFailed:
		s.end(s.Diagnose())
	case webrtc.PeerConnectionStateClosed:
		s.end(ErrPeerLeft)
	}
}

// notePair puts the candidate pair in use into the report.
func (s *Session) notePair() {
	pair, err := s.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Selected = &signaling.CandidatePair{Local: candidate(pair.Local), Remote: candidate(pair.Remote)}
}

func candidate(c *webrtc.ICECandidate) signaling.Candidate {
	return signaling.Candidate{Type: c.Typ.String(), Protocol: strings.ToLower(c.Protocol.String()),
		Address: net.JoinHostPort(c.Address, strconv.Itoa(int(c.Port)))}
}

// note adds a candidate to a report, which ICE restarts without end must not
// make grow without end.
func note(cs []signaling.Candidate, c signaling.Candidate) []signaling.Candidate {
	if len(cs) >= maxCandidates || slices.Contains(cs, c) {
		return cs
	}
	return append(cs, c)
}

// ownCandidate hands a gathered candidate to the signaling side, or holds it
// until Trickle.
func (s *Session) ownCandidate(c *webrtc.ICECandidate) {
	if c == nil {
		return
	}
	payload, err := json.Marshal(c.ToJSON())
	if err != nil {
		return
	}
	s.mu.Lock()
	s.report.Local = note(s.report.Local, candidate(c))
	if !s.trickling {
		s.held = append(s.held, payload)
		if c.Typ == webrtc.ICECandidateTypeHost {
			s.hosts++
		}
		select {
		case s.gathered <- struct{}{}:
		default:
		}
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	s.sendCandidate(payload)
}

func (s *Session) sendCandidate(payload []byte) {
	if s.cfg.Hooks.Candidate != nil {
		s.cfg.Hooks.Candidate(payload)
	}
}

// hold keeps own candidates back until the next Trickle, for a new description.
func (s *Session) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trickling, s.candidates, s.hosts = false, 0, 0
	if s.restarted.IsZero() {
		s.restarted = time.Now().Add(-s.net.silent())
	}
	select {
	case <-s.gathered:
	default:
	}
}

// local returns the local description as it is to be sent: with the candidates
// that are there at once, those of the own network interfaces, so that fewer
// messages have to follow.
func (s *Session) local(ctx context.Context) string {
	limit := time.NewTimer(hostLimit)
	defer limit.Stop()
	want := 0
	if s.cfg.ICEPolicy != signaling.ICERelayOnly {
		want = s.net.hosts()
	}
	for s.hostsGathered() < want {
		select {
		case <-s.gathered:
		case <-limit.C:
			want = 0
		case <-ctx.Done():
			want = 0
		}
	}
	text := s.pc.LocalDescription().SDP
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = slices.DeleteFunc(s.held, func(payload []byte) bool {
		c, err := parseCandidate(payload)
		return err == nil && strings.Contains(text, c.Candidate)
	})
	return text
}

func (s *Session) hostsGathered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hosts
}

// Trickle lets own candidates out, those held so far first. It is called once
// the description that they belong to was sent.
func (s *Session) Trickle() {
	for {
		s.mu.Lock()
		held := s.held
		s.held = nil
		if len(held) == 0 {
			s.trickling = true
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		for _, payload := range held {
			s.sendCandidate(payload)
		}
	}
}

// AddCandidate takes a candidate of the peer. What cannot be read is an error
// and harms nothing; more than 128 candidates end the session.
func (s *Session) AddCandidate(payload []byte) error {
	init, err := parseCandidate(payload)
	if errors.Is(err, errNoCandidate) {
		return nil
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.candidates++
	n := s.candidates
	s.mu.Unlock()
	if n > maxCandidates {
		err := fmt.Errorf("rtc: the peer sent more than %d candidates", maxCandidates)
		s.end(err)
		return err
	}
	if err := s.pc.AddICECandidate(init); err != nil {
		return fmt.Errorf("rtc: candidate of the peer: %w", err)
	}
	if c, err := readCandidate(init.Candidate); err == nil {
		s.mu.Lock()
		s.report.Remote = note(s.report.Remote, c)
		s.mu.Unlock()
	}
	return nil
}

// readCandidate reads a candidate line (RFC 8839, 5.1) as far as a report shows it.
func readCandidate(line string) (signaling.Candidate, error) {
	f := strings.Fields(strings.TrimPrefix(line, "candidate:"))
	if len(f) < 8 || f[6] != "typ" {
		return signaling.Candidate{}, errors.New("rtc: not a candidate line")
	}
	// Clones, or a report would keep the whole description in memory.
	return signaling.Candidate{Type: strings.Clone(f[7]), Protocol: strings.Clone(strings.ToLower(f[2])), Address: net.JoinHostPort(f[4], f[5])}, nil
}
