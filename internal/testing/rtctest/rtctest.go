// Package rtctest makes viewers' sessions for tests, with the cameras of which
// nothing but their signaling is known.
package rtctest

import (
	"log/slog"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Hooks serve a session's events, one at a time; nil ones ignore them.
type Hooks struct {
	Candidate func(payload []byte)
	Connected func()
	Frame     func(kvsmedia.Frame)
	Channel   func(*rtc.Channel)
	Message   func(rtc.MessageReceived)
	Logger    *slog.Logger
}

// Offer makes a viewer's session, which has no voice, and its offer. Hooks serve
// the session until it has ended.
func Offer(h Hooks) (*rtc.Session, []byte, error) {
	s, offer, err := rtc.Offer(rtc.Config{Certificates: &rtc.Certificates{}, Logger: h.Logger}, rtc.Source{Ring: ring.New[*packet.Unit](ring.Config{})})
	if err != nil {
		return nil, nil, err
	}
	go func() {
		for {
			select {
			case e := <-s.Events():
				h.take(e)
			case <-s.Done():
				return
			}
		}
	}()
	return s, offer, nil
}

func (h Hooks) take(e rtc.Event) {
	switch e := e.(type) {
	case rtc.OwnCandidate:
		if h.Candidate != nil {
			h.Candidate(e.Payload)
		}
	case rtc.Connected:
		if h.Connected != nil {
			h.Connected()
		}
	case rtc.FrameReceived:
		if h.Frame != nil {
			h.Frame(e.Frame)
		}
	case rtc.ChannelOpened:
		if h.Channel != nil {
			h.Channel(e.Channel)
		}
	case rtc.MessageReceived:
		if h.Message != nil {
			h.Message(e)
		}
	}
}
