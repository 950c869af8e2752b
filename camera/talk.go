package camera

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/epoch"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	maxTalkBytes = 128 << 10 // about 8 s of speech

	// floorHeld is how long a silent talker keeps the floor.
	floorHeld = time.Second
)

// talkback is what viewers say: the voice of one of them at a time.
type talkback struct {
	frames *ring.Ring[kvsmedia.Frame]

	mu     sync.Mutex
	closed bool // by privacy
	clock  *epoch.Clock
	talker signaling.Peer
	quiet  *time.Timer // gives the floor up; nil while nobody talks
}

// Talkback yields the voice of the viewer that has the floor, from the call on
// until ctx ends: audio packets in order, in the codec that each frame's Track
// names (the camera's own audio codec where the viewer's offer allows).
// Who speaks first has the floor until it was silent for a second; what others
// say meanwhile is dropped. [Talking] events tell who has it. PTS goes on from one
// talker to the next.
func (c *Camera) Talkback(ctx context.Context) iter.Seq[kvsmedia.Frame] {
	start := c.talk.frames.Next()
	return func(yield func(kvsmedia.Frame) bool) {
		for it, lost := range c.talk.frames.Reader(start).All(ctx) {
			it.Value.Skipped += lost
			if !yield(it.Value) {
				return
			}
		}
	}
}

// hear takes one packet of a viewer's voice, unless the viewer was disconnected.
func (c *Camera) hear(v *visit, f kvsmedia.Frame) {
	if f.Track.Codec.Video() {
		return
	}
	t, from := &c.talk, v.peer.peer
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-v.dismissed:
		return
	default:
	}
	switch {
	case t.closed:
		return
	case t.quiet == nil:
		t.talker = from
		t.quiet = time.AfterFunc(floorHeld, c.hush)
		c.emit(Talking{from})
	case t.talker != from:
		return
	default:
		t.quiet.Reset(floorHeld)
	}
	f.PTS, _ = t.clock.Map(epoch.Frame{PTS: f.PTS}, time.Now())
	t.frames.Push(ring.Item[kvsmedia.Frame]{Value: f, Key: true, Size: len(f.Data)})
}

// hush gives the floor up.
func (c *Camera) hush() {
	t := &c.talk
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.quiet != nil {
		t.quiet, t.talker = nil, signaling.Peer{}
		c.emit(Talking{})
	}
}

// shut has nobody heard, and drops what nobody has listened to yet, or ends that. taken
// is called if somebody had the floor.
func (t *talkback) shut(closed bool, taken func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = closed
	if !closed {
		return
	}
	t.frames.Clear()
	if t.stop() {
		taken()
	}
}

// silence takes the floor from a peer, and calls taken if that had it.
func (t *talkback) silence(peer signaling.Peer, taken func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.talker == peer && t.stop() {
		taken()
	}
}

// close stops the clock of the floor.
func (t *talkback) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stop()
}

// stop takes the floor from whoever has it, and reports whether somebody had. mu is held.
func (t *talkback) stop() bool {
	if t.quiet == nil {
		return false
	}
	t.quiet.Stop()
	t.quiet, t.talker = nil, signaling.Peer{}
	return true
}
