package rtc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	// maxSent is how many candidates a peer may send outside its descriptions
	// until ICE restarts.
	maxSent = 128

	// maxLater bounds the candidates kept for the next description.
	maxLater = 32

	// hostLimit bounds the wait for the candidates of the own interfaces, with
	// which descriptions are sent. They are there in less than a millisecond.
	hostLimit = 20 * time.Millisecond

	// gatherLimit bounds the wait for all own candidates that a peer without
	// trickle ICE needs in the answer.
	gatherLimit = 3 * time.Second
)

// mostOfType is how many of a peer's candidates of each type are used, inside its
// description and outside together. With some four candidates of an own address
// family that makes about 100 pairs, as RFC 8445, 6.1.2.5 wants it: each of them
// is an address of the peer's choice to which checks are sent.
var mostOfType = map[string]int{"host": 10, "srflx": 6, "prflx": 6, "relay": 8}

// candidates are the ICE candidates of both sides since the last restart of ICE.
type candidates struct {
	lines     []string      // own ones, as they stand in descriptions
	held      [][]byte      // own payloads until Trickle
	hosts     int           // of the own ones
	gathered  chan struct{} // capacity 1: one more is there
	trickling bool

	sent  int            // taken from the peer outside its descriptions
	used  map[string]int // of the peer, by type
	known []string       // addresses of those
	later []sdp.Candidate
}

func newCandidates() candidates {
	return candidates{gathered: make(chan struct{}, 1), used: map[string]int{}}
}

// reset begins anew for a restart of ICE.
func (c *candidates) reset() {
	c.lines, c.held, c.hosts, c.trickling = nil, nil, 0, false
	c.sent, c.known = 0, nil
	clear(c.used)
	select {
	case <-c.gathered:
	default:
	}
}

// take reports whether a candidate of the peer is new, and whether it is to be used.
func (c *candidates) take(candidate sdp.Candidate) (fresh, use bool) {
	address := candidate.Address.String()
	if slices.Contains(c.known, address) {
		return false, false
	}
	if c.used[candidate.Type] >= mostOfType[candidate.Type] {
		return true, false
	}
	c.used[candidate.Type]++
	c.known = append(c.known, address)
	return true, true
}

// ownCandidate keeps a gathered candidate for the description, or hands it to the
// signaling side once that was sent.
func (s *Session) ownCandidate(c *webrtc.ICECandidate) {
	if c == nil {
		return
	}
	init := c.ToJSON()
	payload, err := json.Marshal(init)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.report.Local = note(s.report.Local, candidate(c))
	own := &s.candidates
	line, _, _ := strings.Cut(init.Candidate, " ufrag ") // the description says it
	own.lines = append(own.lines, line)
	trickling := own.trickling
	if !trickling {
		own.held = append(own.held, payload)
		if c.Typ == webrtc.ICECandidateTypeHost {
			own.hosts++
		}
		select {
		case own.gathered <- struct{}{}:
		default:
		}
	}
	s.mu.Unlock()
	if trickling {
		s.mention(OwnCandidate{payload})
	}
}

// hold keeps own candidates back until the next Trickle, for a new description,
// and forgets those of both sides.
func (s *Session) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.candidates.reset()
	if s.restarted.IsZero() {
		s.restarted = time.Now().Add(-s.net.Silent())
	}
}

// ownLines returns the own candidates that are there at once, those of the own
// network interfaces, so that fewer messages have to follow the description.
func (s *Session) ownLines(ctx context.Context) []string {
	limit := time.NewTimer(hostLimit)
	defer limit.Stop()
	want := 0
	if s.cfg.ICEPolicy != signaling.ICERelayOnly {
		want = s.net.Hosts()
	}
	for {
		s.mu.Lock()
		if own := &s.candidates; own.hosts >= want || own.trickling {
			lines := slices.Clone(own.lines)
			own.held = nil
			s.mu.Unlock()
			return lines
		}
		s.mu.Unlock()
		select {
		case <-s.candidates.gathered:
		case <-limit.C:
			want = 0
		case <-ctx.Done():
			want = 0
		}
	}
}

// Trickle lets own candidates out, those held so far first. It is called once
// the description that they belong to was sent.
func (s *Session) Trickle() {
	for {
		s.mu.Lock()
		held := s.candidates.held
		s.candidates.held = nil
		if len(held) == 0 {
			s.candidates.trickling = true
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		for _, payload := range held {
			s.mention(OwnCandidate{payload})
		}
	}
}

// AddCandidate takes a candidate of the peer. One that cannot be read or used is
// an error and harms nothing; more than 128 candidates end the session.
func (s *Session) AddCandidate(payload []byte) error {
	s.mu.Lock()
	s.candidates.sent++
	sent := s.candidates.sent
	s.mu.Unlock()
	if sent > maxSent {
		err := fmt.Errorf("webrtc: the peer sent more than %d candidates", maxSent)
		s.end(err)
		return err
	}
	c, err := sdp.ParseCandidate(payload)
	if errors.Is(err, sdp.ErrEnd) {
		return nil
	}
	if err != nil {
		s.leaveOut(1)
		return err
	}
	return s.addCandidates([]sdp.Candidate{c})
}

// leaveOut counts candidates of the peer that are not used.
func (s *Session) leaveOut(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Unusable += n
}

// addCandidates gives pion candidates of the peer, as far as there is room. Those
// of another transport are not used; one may be of a description that is still on
// its way.
func (s *Session) addCandidates(cs []sdp.Candidate) error {
	var errs error
	for _, c := range cs {
		s.mu.Lock()
		if s.peer == nil || !s.peer.Belongs(c, s.remote.Fragment) {
			if later := &s.candidates.later; c.Fragment != "" {
				if len(*later) == maxLater { // the oldest are of descriptions long past
					*later = slices.Delete(*later, 0, 1)
				}
				*later = append(*later, c)
			}
			s.mu.Unlock()
			continue
		}
		s.report.Remote = note(s.report.Remote, remoteCandidate(c))
		fresh, use := s.candidates.take(c)
		s.mu.Unlock()
		if fresh && !use {
			s.leaveOut(1)
		}
		if !use {
			continue
		}
		if err := s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: c.Line()}); err != nil {
			errs = errors.Join(errs, fmt.Errorf("webrtc: candidate of the peer: %w", err))
		}
	}
	return errs
}

// takeRemote notes the peer's side of the transport and uses the candidates of its
// description, and those that came before it.
func (s *Session) takeRemote(t sdp.Transport, d *sdp.Description) {
	s.mu.Lock()
	if s.peer != d {
		s.report.Unusable += d.Unusable
	}
	s.remote, s.peer = t, d
	later := s.candidates.later
	s.candidates.later = nil
	s.mu.Unlock()
	if err := s.addCandidates(append(slices.Clone(d.Candidates), later...)); err != nil {
		s.log.Debug("candidates of a description", "err", err)
	}
}
