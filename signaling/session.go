package signaling

import (
	"fmt"
	"strings"
	"time"
)

// Peer is the other end of a live session, as the signaling channel knows it.
type Peer struct {
	// ID is the client ID of a viewer. It is chosen by the viewer or by the
	// backend that signed its URL; it is empty for the storage service.
	ID string
}

// ICEPolicy limits which network paths a session may take.
type ICEPolicy uint8

// The ICE policies.
const (
	ICEAll       ICEPolicy = iota // direct paths first, relayed ones as well
	ICERelayOnly                  // TURN only: hides addresses, costs relay traffic
	ICENoRelay                    // never TURN: no relay cost, fails behind hard NATs
)

// String returns "all", "relay only" or "no relay".
func (p ICEPolicy) String() string {
	switch p {
	case ICERelayOnly:
		return "relay only"
	case ICENoRelay:
		return "no relay"
	default:
		return "all"
	}
}

// ConnectReport tells how a session came about, or why it did not: what each
// phase took, which candidates were there and which pair carries the media.
type ConnectReport struct {
	Peer     Peer           `json:"peer"`
	Started  time.Time      `json:"started"`            // when the offer was made or received
	Phases   []Phase        `json:"phases"`             // in the order in which they ended
	Local    []Candidate    `json:"local"`              // own candidates
	Remote   []Candidate    `json:"remote"`             // the peer's candidates
	Selected *CandidatePair `json:"selected,omitempty"` // nil until a pair was chosen
	Unusable int            `json:"unusable,omitempty"` // candidates of the peer that were left out: unreadable, with a host name, over TCP, or too many
	Unplaced int            `json:"unplaced,omitempty"` // RTP packets that came under a payload type that neither side named
	Failure  string         `json:"failure,omitempty"`  // why the session failed or ended; empty while it is well
}

// Phase is one step of connecting.
type Phase struct {
	Name  string        `json:"name"`  // of a viewer "offer", "answer", "ice", "dtls", "first frame"; of a camera "answer", "ice", "dtls", "first key frame"
	Start time.Duration `json:"start"` // since ConnectReport.Started, in nanoseconds
	Took  time.Duration `json:"took"`  // in nanoseconds
}

// Candidate is one ICE candidate (RFC 8445).
type Candidate struct {
	Type     string `json:"type"`     // "host", "srflx", "prflx" or "relay"
	Protocol string `json:"protocol"` // "udp" or "tcp"
	Address  string `json:"address"`  // host and port
}

// CandidatePair is the pair of candidates that carries a session.
type CandidatePair struct {
	Local  Candidate `json:"local"`
	Remote Candidate `json:"remote"`
}

// Relayed reports whether the selected pair goes through a TURN relay on either side.
func (r ConnectReport) Relayed() bool {
	return r.Selected != nil && (r.Selected.Local.Type == "relay" || r.Selected.Remote.Type == "relay")
}

// String returns the report as a few lines for a person to read.
func (r ConnectReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "session with %q\n", r.Peer.ID)
	for _, p := range r.Phases {
		fmt.Fprintf(&b, "  %-14s %8.1f ms  (from %.1f ms)\n", p.Name,
			float64(p.Took)/float64(time.Millisecond), float64(p.Start)/float64(time.Millisecond))
	}
	if s := r.Selected; s != nil {
		fmt.Fprintf(&b, "  path           %s %s -> %s %s over %s\n",
			s.Local.Type, s.Local.Address, s.Remote.Type, s.Remote.Address, s.Local.Protocol)
	}
	fmt.Fprintf(&b, "  candidates     %s, peer %s\n", tally(r.Local), tally(r.Remote))
	if r.Unusable > 0 {
		fmt.Fprintf(&b, "  unusable       %d candidates of the peer\n", r.Unusable)
	}
	if r.Unplaced > 0 {
		fmt.Fprintf(&b, "  unplaced       %d RTP packets of unknown payload types\n", r.Unplaced)
	}
	if r.Failure != "" {
		fmt.Fprintf(&b, "  failure        %s\n", r.Failure)
	}
	return b.String()
}

func tally(cs []Candidate) string {
	if len(cs) == 0 {
		return "none"
	}
	var order []string
	n := map[string]int{}
	for _, c := range cs {
		k := c.Type + "/" + c.Protocol
		if n[k] == 0 {
			order = append(order, k)
		}
		n[k]++
	}
	for i, k := range order {
		order[i] = fmt.Sprintf("%d %s", n[k], k)
	}
	return strings.Join(order, ", ")
}

// CommandError is the answer of a camera that could not carry out a command.
// A handler may return one to choose the code; any other error of a handler
// reaches the viewer with the code "failed".
type CommandError struct {
	Code    string // "unknown", "bad request", "busy", "failed", or the application's own
	Message string // for a person to read
}

// Error returns the code and the message.
func (e *CommandError) Error() string { return "command " + e.Code + ": " + e.Message }

// Refusal is why a camera does not take a viewer, or ends its session. The viewer's
// Dial returns it as a *Refusal in its error's chain, and so does Err later on.
type Refusal struct {
	Code   string // "viewer limit", "unauthorized", "no common codec", "B-frames", "disconnected", or the application's own
	Reason string // for a person to read
}

// Error returns the code and the reason.
func (r *Refusal) Error() string { return "camera refused the viewer (" + r.Code + "): " + r.Reason }
