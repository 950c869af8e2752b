package viewer

import (
	"context"
	"iter"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	maxEventBytes = 128 << 10 // kept for slow readers

	// What an event is charged, and each candidate in its report, whose number the
	// camera chooses.
	eventBytes     = 1 << 10
	candidateBytes = 128
)

// Event is what happens to a viewer: one of [PathLost], [PathChanged] and [Left].
type Event interface{ event() }

// PathLost tells that the network path to the camera is lost and another one is looked
// for. PathChanged follows, or Left.
type PathLost struct {
	Err error // why: the path's local address is gone, or nothing comes
}

// PathChanged tells that the session goes on over the path that Report.Selected names:
// another one, or after PathLost perhaps the same.
type PathChanged struct {
	Report signaling.ConnectReport
}

// Left tells that the session has ended. No event follows.
type Left struct {
	Err    error                   // why, as the viewer's Err; never nil
	Report signaling.ConnectReport // its Failure says why as well
}

func (PathLost) event()    {}
func (PathChanged) event() {}
func (Left) event()        {}

// Events yields what happens from the call on until ctx ends, or the session, with Left.
// Each loop gets all events since the call; one that falls behind by more than 128 KiB,
// which are some 80 events, loses the oldest.
func (v *Viewer) Events(ctx context.Context) iter.Seq[Event] {
	start := v.events.Next()
	return func(yield func(Event) bool) {
		for it := range v.events.Reader(start).All(ctx) {
			if !yield(it.Value) {
				return
			}
		}
	}
}

func (v *Viewer) emit(e Event) {
	var r signaling.ConnectReport
	switch e := e.(type) {
	case PathChanged:
		r = e.Report
	case Left:
		r = e.Report
	}
	size := eventBytes + len(r.Failure) + candidateBytes*(len(r.Local)+len(r.Remote))
	v.events.Push(ring.Item[Event]{Value: e, Key: true, Size: size})
}

// Status is a viewer's state at one moment.
type Status struct {
	Connected bool                    // media can flow; false while the path is lost, and after the end
	Err       error                   // why the session has ended, or while the path is lost why it is; nil while all is well
	Report    signaling.ConnectReport // so far; its Selected is the path in use
	Tracks    []*kvsmedia.Track       // as Viewer.Tracks returns them
	Path      Path                    // the network from the camera
}

// Path is what a viewer knows of the network from the camera, from what it receives.
type Path struct {
	Bitrate int           // bits per second of picture and sound that came in the last second
	Loss    float64       // share of the packets lost in the last second, 0 to 1; most of them are sent again
	RTT     time.Duration // round trip; 0 until it is known, a second or two after the start
}

// Status returns the viewer's state.
func (v *Viewer) Status() Status {
	v.mu.Lock()
	lost := v.lost
	v.mu.Unlock()
	s := Status{Report: v.Report(), Tracks: v.Tracks()}
	arrival := v.session.Arrival()
	s.Path = Path{Bitrate: arrival.Bitrate, Loss: arrival.Loss, RTT: arrival.RTT}
	if s.Err = v.Err(); s.Err == nil {
		s.Err = lost
	}
	s.Connected = s.Err == nil
	return s
}

// pathLost notes that the path is lost.
func (v *Viewer) pathLost(why error) {
	v.mu.Lock()
	v.lost = why
	v.mu.Unlock()
	v.emit(PathLost{why})
}

// pathFound notes that the session goes on, and tells over which path if that is new or
// the one before was lost.
func (v *Viewer) pathFound() { v.notePath(true) }

// pathMoved notes that another pair of candidates was chosen. While the path is lost
// that is not the end of it: the session is to be connected over the pair.
func (v *Viewer) pathMoved() { v.notePath(false) }

func (v *Viewer) notePath(connected bool) {
	r := v.Report()
	if r.Selected == nil {
		return
	}
	v.mu.Lock()
	news := v.pair != *r.Selected
	if v.lost != nil {
		news = connected
	}
	if news {
		v.lost, v.pair = nil, *r.Selected
	}
	v.mu.Unlock()
	if news {
		v.emit(PathChanged{r})
	}
}
