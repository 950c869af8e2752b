// Package queue holds the steps between the goroutine that takes frames from the camera and
// the one that writes to the card, so that a card that stalls for seconds costs no frame.
//
//	switch q.Push(steps...) { // under the owner's lock, never waits
//	case queue.LossBegan: // status, log
//	case queue.LossEnded: // q.Stats().Lost says how much
//	}
//
//	for { // the other goroutine
//		s, ok := q.Pop(ctx) // or: select on q.Ready(), then TryPop until false
//		...
//	}
package queue

import (
	"context"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
)

// DefaultBytes is how much may wait unless New is asked for another amount.
const DefaultBytes = 8 << 20

// Overhead is what a step costs besides its frame's data, in bytes.
const Overhead = 256

// Queue is a queue of steps, whose frames it holds by reference. Its methods may be called
// from any goroutine; Pop, TryPop and Ready belong to one consumer.
//
// When the frames in it have as many bytes as it may hold, those that come are dropped: all
// of them, until there is room for half of it and a key frame of the leading track comes,
// whose Skipped counts them. Other steps are never dropped, unless 1000 clips wait: then whole clips are.
type Queue struct{}

// Change is what a Push changed.
type Change uint8

const (
	Unchanged Change = iota
	LossBegan        // the first frame was dropped
	LossEnded        // a key frame was taken again
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
func New(bytes int) *Queue { panic("not yet") }

// Push appends steps, and never waits.
func (q *Queue) Push(steps ...roll.Step) Change { panic("not yet") }

// Pop waits for a step. It returns false when ctx has ended, or the queue is closed and
// empty.
func (q *Queue) Pop(ctx context.Context) (roll.Step, bool) { panic("not yet") }

// TryPop returns the next step, or false if there is none at the moment.
func (q *Queue) TryPop() (roll.Step, bool) { panic("not yet") }

// Ready returns a channel that has a value when steps may have come since TryPop last
// returned false, or the queue was closed.
func (q *Queue) Ready() <-chan struct{} { panic("not yet") }

// Close says that nothing is pushed any more. What waits can still be popped.
func (q *Queue) Close() { panic("not yet") }

// Stats returns what waits and what was lost.
func (q *Queue) Stats() Stats { panic("not yet") }
