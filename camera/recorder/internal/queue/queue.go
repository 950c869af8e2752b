// Package queue holds the steps between the goroutine that takes frames from the camera and
// the one that writes to the card, so that a card that stalls for seconds costs no frame.
package queue

import (
	"context"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
)

// DefaultBytes is how much may wait unless New is asked for another amount.
const DefaultBytes = 8 << 20

// Overhead is what a step costs besides its frame's data, in bytes.
const Overhead = 256

// maxSteps is how many steps that are no frames may wait until clips are refused: those of
// about a thousand clips.
const maxSteps = 2048

// longest is how far frames of one track are apart at most; what is further is a jump.
const longest = 10 * time.Second

// Queue is a queue of steps, whose frames it holds by reference. Its methods may be called
// from any goroutine; Pop, TryPop and Ready belong to one consumer.
//
// When the frames in it have as many bytes as it may hold, those that come are dropped: all
// of them, until a key frame of the leading track comes while half of it is free. Skipped of
// that frame counts them, or Skipped of the End of their clip if that comes first: the loss
// is over then. In a recording of all the time both count them. Other steps are kept, unless
// the steps of a thousand clips wait: then a clip that begins is dropped as a whole. What
// their events hold is bounded by who pushes them: see Holds.
type Queue struct {
	max   int
	ready chan struct{}

	mu       sync.Mutex
	steps    []roll.Step // from head on
	head     int
	others   int // steps that are no frames
	held     int // bytes that their events hold
	stats    Stats
	closed   bool
	framed   bool          // a frame came since the last Cut
	left     int           // frames dropped that no step counts yet
	leftOf   roll.ID       // their clip
	lead     time.Duration // PTS of the latest frame of the leading track
	led      bool          // there is one
	refused  roll.ID
	refusing bool
}

// Change is what a Push changed.
type Change uint8

const (
	Unchanged Change = iota
	LossBegan        // the first frame was dropped
	LossEnded        // a key frame was taken again, or the clip has ended
)

// Stats is what waits in a queue and what it lost.
type Stats struct {
	Frames, Bytes int  // that wait
	Losing        bool // frames that come now are dropped
	Lost          Loss // since New
}

// Loss is what was dropped.
type Loss struct {
	Frames int
	Time   time.Duration // media time of the leading track
	Clips  int           // of which nothing was kept, not even that they were
}

// New returns a queue for so many bytes of frames; 0 means DefaultBytes.
func New(bytes int) *Queue {
	if bytes == 0 {
		bytes = DefaultBytes
	}
	return &Queue{max: bytes, ready: make(chan struct{}, 1)}
}

// Push appends steps, and never waits.
func (q *Queue) Push(steps ...roll.Step) (change Change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.steps)
	for _, s := range steps {
		switch {
		case s.Kind == roll.Begin:
			if q.refusing = q.others >= maxSteps; q.refusing {
				q.refused = s.Clip
				q.stats.Lost.Clips++
			}
		case s.Kind == roll.End && q.refusing && s.Clip == q.refused:
			q.refusing = false
			change = max(change, q.ended(&s))
			continue
		}
		switch refused := q.refusing && s.Clip == q.refused; {
		case s.Kind == roll.Frame:
			change = max(change, q.frame(s, refused))
		case !refused:
			change = max(change, q.other(s))
		}
	}
	if len(q.steps) > before {
		q.signal()
	}
	return change
}

// frame takes a frame, or drops it.
func (q *Queue) frame(s roll.Step, refused bool) (change Change) {
	size := len(s.Frame.Data) + Overhead
	missing := time.Duration(0)
	if s.Lead {
		if missing = s.Frame.PTS - q.lead; !q.led || missing < 0 || missing > longest {
			missing = 0
		}
		q.lead, q.led = s.Frame.PTS, true
	}
	taken := q.stats.Bytes == 0 || q.stats.Bytes+size <= q.max
	if q.stats.Losing {
		q.stats.Lost.Time += missing
		taken = s.Lead && s.Frame.Key && (q.stats.Bytes == 0 || q.stats.Bytes+size <= q.max/2)
	}
	if refused || !taken {
		if !q.stats.Losing {
			q.stats.Losing, change = true, LossBegan
		}
		q.stats.Lost.Frames++
		q.left += 1 + s.Frame.Skipped
		q.leftOf = s.Clip
		return change
	}
	if q.stats.Losing {
		q.stats.Losing, change = false, LossEnded
	}
	s.Frame.Skipped += q.left
	q.left = 0
	q.framed = true
	q.stats.Frames++
	q.stats.Bytes += size
	q.steps = append(q.steps, s)
	return change
}

// other takes a step that is no frame, unless it says nothing: where no frame is taken for
// weeks, the recording still is cut and anchored.
func (q *Queue) other(s roll.Step) (change Change) {
	switch s.Kind {
	case roll.Warn:
		if q.stats.Losing {
			return Unchanged
		}
	case roll.Cut:
		if !q.framed {
			return Unchanged
		}
		q.framed = false
	case roll.Anchor:
		if n := len(q.steps); n > q.head && q.steps[n-1].Kind == roll.Anchor && q.steps[n-1].Clip == s.Clip {
			q.steps[n-1] = s
			return Unchanged
		}
	case roll.End:
		change = q.ended(&s)
	default:
	}
	q.others++
	q.held += held(s)
	q.steps = append(q.steps, s)
	return change
}

// ended has the End of a clip count what was dropped last.
func (q *Queue) ended(s *roll.Step) Change {
	switch {
	case q.left > 0 && q.leftOf == s.Clip:
		s.Skipped, q.left = q.left, 0
		q.stats.Losing = false
		return LossEnded
	case q.left > 0 && q.leftOf == (roll.ID{}):
		s.Skipped = q.left
	}
	return Unchanged
}

// held is how many bytes the event of a step holds.
func held(s roll.Step) int {
	if s.Event == nil {
		return 0
	}
	return len(s.Event.Held)
}

// Holds reports whether there is room for an event that holds so many bytes: there is always
// for one, and for more half as much as for frames.
func (q *Queue) Holds(bytes int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held == 0 || q.held+bytes <= q.max/2
}

// Pop waits for a step. It returns false when nothing waits and ctx has ended or the queue
// is closed.
func (q *Queue) Pop(ctx context.Context) (roll.Step, bool) {
	for {
		if s, ok := q.TryPop(); ok {
			return s, true
		}
		q.mu.Lock()
		over := q.closed && q.head == len(q.steps)
		q.mu.Unlock()
		if over {
			return roll.Step{}, false
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return roll.Step{}, false
		}
	}
}

// TryPop returns the next step, or false if there is none at the moment.
func (q *Queue) TryPop() (roll.Step, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.steps) {
		return roll.Step{}, false
	}
	s := q.steps[q.head]
	q.steps[q.head] = roll.Step{}
	q.head++
	if s.Kind == roll.Frame {
		q.stats.Frames--
		q.stats.Bytes -= len(s.Frame.Data) + Overhead
	} else {
		q.others--
		q.held -= held(s)
	}
	if q.head > len(q.steps)/2 {
		n := copy(q.steps, q.steps[q.head:])
		clear(q.steps[n:])
		q.steps, q.head = q.steps[:n], 0
	}
	return s, true
}

// Len returns how many steps wait.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.steps) - q.head
}

// Ready returns a channel that has a value when steps may have come since TryPop last
// returned false, or the queue was closed.
func (q *Queue) Ready() <-chan struct{} { return q.ready }

func (q *Queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// Close says that nothing is pushed any more. What waits can still be popped.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// Stats returns what waits and what was lost.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stats
}
