package rtc

import (
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// hooks serve a session's events; nil ones ignore them.
type hooks struct {
	Candidate func([]byte)
	Connected func()
	Frame     func(kvsmedia.Frame)
	Channel   func(*Channel)
	Message   func(MessageReceived)
	Keyframe  func(lane int)
}

// serve hands a session's events to hooks until it has ended.
func (h hooks) serve(t testing.TB, s *Session) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case e := <-s.Events():
				h.take(e)
			case <-s.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { s.Close(); <-done })
}

func (h hooks) take(e Event) {
	switch e := e.(type) {
	case OwnCandidate:
		if h.Candidate != nil {
			h.Candidate(e.Payload)
		}
	case Connected:
		if h.Connected != nil {
			h.Connected()
		}
	case FrameReceived:
		if h.Frame != nil {
			h.Frame(e.Frame)
		}
	case ChannelOpened:
		if h.Channel != nil {
			h.Channel(e.Channel)
		}
	case MessageReceived:
		if h.Message != nil {
			h.Message(e)
		}
	case KeyframeWanted:
		if h.Keyframe != nil {
			h.Keyframe(e.Lane)
		}
	}
}

// push puts the next frame of media into the ring and returns it.
func push(units *ring.Ring[*packet.Unit], media *testmedia.Noise) kvsmedia.Frame {
	f := media.Next()
	units.Push(ring.Item[*packet.Unit]{Value: &packet.Unit{Frame: f}, Key: f.Key, Size: len(f.Data), At: f.PTS})
	return f
}
