package camera

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	maxEventBytes = 256 << 10 // kept for slow readers

	// What an event is charged: eventBytes, and for each candidate in its report, whose
	// number the peer chooses, candidateBytes and the text.
	eventBytes     = 1 << 10
	candidateBytes = 48
)

// Event is what happens to a camera: one of [Online], [Offline], [Joined],
// [Left], [Refused], [Talking] and [Privacy].
type Event interface{ event() }

// Online tells that viewers can find the camera.
type Online struct{}

// Offline tells that new viewers cannot find the camera, and why; sessions that
// are connected go on. It comes again when the reason changes; a reason whose text
// differs in numbers alone is the same.
type Offline struct {
	Err error // what the last attempt to connect failed of; the error that Run returns when it ends
}

// Joined tells that media flows to a viewer. A Notify from here on reaches it, though
// its data channel may open later.
type Joined struct {
	Peer   signaling.Peer
	Report signaling.ConnectReport // how the session came about
}

// Left tells that a session has ended, or that it never came to be.
type Left struct {
	Peer   signaling.Peer
	Err    error                   // why; never nil
	Report signaling.ConnectReport // how far it came; its Failure says why as well
}

// Refused tells that a viewer was turned away: by MaxViewers, by Authorize, or
// because there is no track that it can decode.
type Refused struct {
	Peer signaling.Peer
	Err  error // usually a *signaling.Refusal
}

// Talking tells whose voice Talkback yields now; an empty Peer.ID means nobody's.
type Talking struct{ Peer signaling.Peer }

func (Online) event()  {}
func (Offline) event() {}
func (Joined) event()  {}
func (Left) event()    {}
func (Refused) event() {}
func (Talking) event() {}

// Events yields what happens from the call on until ctx ends. Each loop gets
// all events since the call; one that falls behind by more than 256 KiB, which are some 150 events,
// loses the oldest.
func (c *Camera) Events(ctx context.Context) iter.Seq[Event] {
	start := c.events.Next()
	return func(yield func(Event) bool) {
		for it := range c.events.Reader(start).All(ctx) {
			if !yield(it.Value) {
				return
			}
		}
	}
}

func (c *Camera) emit(e Event) {
	var report signaling.ConnectReport
	switch e := e.(type) {
	case Joined:
		report = e.Report
	case Left:
		report = e.Report
	}
	size := eventBytes + len(report.Failure)
	for _, cs := range [][]signaling.Candidate{report.Local, report.Remote} {
		for _, c := range cs {
			size += candidateBytes + len(c.Type) + len(c.Protocol) + len(c.Address)
		}
	}
	c.events.Push(ring.Item[Event]{Value: e, Key: true, Size: size})
}

// Status is a camera's state at one moment.
type Status struct {
	Online  bool          // viewers can find the camera
	Privacy bool          // see SetPrivacy
	Err     error         // why it is offline, when Run has ended the error that it returned; nil when online or not yet known
	Viewers []Viewer      // sessions, the oldest first, those still connecting included
	Tracks  []TrackStatus // in the order of Config.Tracks
}

// Viewer is one session of a camera.
type Viewer struct {
	Peer      signaling.Peer
	Since     time.Time               // when its offer came
	Connected bool                    // media flows
	Report    signaling.ConnectReport // so far

	Track         *kvsmedia.Track // the picture that it gets; nil for none
	KeyframesOnly bool            // of that; see SlowViewers
	Path          Path            // the network to it
}

// Path is what a camera knows of the network to a viewer, from the viewer's
// reports on what it received.
type Path struct {
	Bitrate int           // bits per second that it carries, as far as what was sent in the last seconds proves; 0 before media flows
	Full    bool          // the network carries no more than that; otherwise more was not tried
	Loss    float64       // share of the packets lost in the last second or so, 0 to 1
	RTT     time.Duration // round trip; 0 until it is known, a second or two after the start
	Queue   time.Duration // how long packets wait on their way, beyond what the way itself takes
}

// Status returns the camera's state.
func (c *Camera) Status() Status {
	tracks, private := c.trackStatus(), c.isPrivate()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{Online: c.online, Privacy: private, Err: c.err, Tracks: tracks}
	for _, p := range c.peers {
		visit := p.visit
		if visit == nil {
			continue
		}
		r := visit.Report()
		path := visit.Path()
		v := Viewer{Peer: p.peer, Since: r.Started, Connected: visit.joined, Report: r, KeyframesOnly: c.adapt.KeyframesOnly(visit.viewing.Load()),
			Path: Path{Bitrate: path.Bitrate, Full: path.Constrained, Loss: path.Loss, RTT: path.RTT, Queue: path.Queue}}
		if picture, _ := visit.Lanes(); picture >= 0 {
			v.Track = c.cfg.Tracks[picture]
		}
		s.Viewers = append(s.Viewers, v)
	}
	slices.SortFunc(s.Viewers, func(a, b Viewer) int {
		if d := a.Since.Compare(b.Since); d != 0 {
			return d
		}
		return strings.Compare(a.Peer.ID, b.Peer.ID)
	})
	return s
}

// isOnline reports whether viewers can find the camera.
func (c *Camera) isOnline() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.online
}
