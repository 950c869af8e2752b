package rtc

import (
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Event is something that happens to a session: one of [OwnCandidate],
// [Connected], [PairChanged], [KeyframeWanted], [PathChanged], [FrameReceived], [ChannelOpened],
// [MessageReceived] and [ChannelClosed].
type Event interface{ event() }

// OwnCandidate is an ICE candidate of this side, to be sent to the peer.
type OwnCandidate struct{ Payload []byte }

// Connected tells that media can flow, again after each ICE restart.
type Connected struct{}

// PairChanged tells that another pair of candidates carries the session, or the first one.
type PairChanged struct{}

// KeyframeWanted tells that the peer needs a key frame of the lane.
type KeyframeWanted struct{ Lane int }

// PathChanged tells that [Session.Path] returns something new.
type PathChanged struct{}

// FrameReceived is a frame of the peer.
type FrameReceived struct{ Frame kvsmedia.Frame }

// ChannelOpened tells of a data channel that the peer opens, in the order in which
// it does, or of the own one. Messages can be sent already: they wait for it to be
// open.
type ChannelOpened struct{ Channel *Channel }

// ChannelClosed tells that a data channel was closed, after its last message.
type ChannelClosed struct{ Channel *Channel }

// MessageReceived is a message of a data channel, in order. The owner may keep
// Data.
type MessageReceived struct {
	Channel *Channel
	Text    bool
	Data    []byte
}

func (OwnCandidate) event()    {}
func (Connected) event()       {}
func (PairChanged) event()     {}
func (KeyframeWanted) event()  {}
func (PathChanged) event()     {}
func (FrameReceived) event()   {}
func (ChannelOpened) event()   {}
func (ChannelClosed) event()   {}
func (MessageReceived) event() {}

// maxEvents is how many events wait for the owner. Beyond that, media and
// messages wait, which holds the peer back; candidates and wishes for key frames
// are dropped.
const maxEvents = 64

// Events returns what happens to the session. The owner reads it until Done is
// closed.
func (s *Session) Events() <-chan Event { return s.events }

// tell hands the owner an event, waiting until there is room or the session ends.
func (s *Session) tell(e Event) {
	select {
	case s.events <- e:
	case <-s.ctx.Done():
	}
}

// mention hands the owner an event unless too many wait, and reports whether it
// did. It does not block.
func (s *Session) mention(e Event) bool {
	select {
	case s.events <- e:
		return true
	default:
		return false
	}
}
