package rtc

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// maxReported bounds the candidates of a side in a report.
const maxReported = 128

// Report returns how the session came about, or why it did not.
func (s *Session) Report() signaling.ConnectReport {
	if s.ctx.Err() == nil {
		s.notePair() // a late candidate may tell that what looked direct is a relay
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	r.Unplaced = s.streams.unplaced()
	r.Phases = append([]signaling.Phase(nil), r.Phases...)
	r.Local = append([]signaling.Candidate(nil), r.Local...)
	r.Remote = append([]signaling.Candidate(nil), r.Remote...)
	if err := context.Cause(s.ctx); err != nil && r.Failure == "" {
		r.Failure = strings.TrimPrefix(err.Error(), "webrtc: ")
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
	if len(cs) >= maxReported || slices.Contains(cs, c) {
		return cs
	}
	return append(cs, c)
}

// remoteCandidate is a peer's candidate as a report shows it.
func remoteCandidate(c sdp.Candidate) signaling.Candidate {
	return signaling.Candidate{Type: strings.Clone(c.Type), Protocol: "udp", Address: c.Address.String()}
}
