package rtc

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

const (
	// CommandLabel is the label of the data channel that speaks the command
	// protocol; all others carry raw messages.
	CommandLabel = "smartcam"

	// A sender waits while more than highWater bytes are on their way.
	highWater = 256 << 10
	lowWater  = 64 << 10

	maxChannels = 16 // that a peer may open
)

// Channel is a reliable, ordered data channel of a session.
type Channel struct {
	session *Session
	dc      *webrtc.DataChannel
	opened  chan struct{}
	closed  chan struct{}
	once    sync.Once
	low     chan struct{} // capacity 1: the buffer has drained
}

// Receiver takes the messages of a channel, in order and one at a time; while
// it runs, the peer is held back. It may keep data. An error ends the session.
type Receiver func(text bool, data []byte) error

// open makes the viewer's command channel.
func (s *Session) open() error {
	dc, err := s.pc.CreateDataChannel(CommandLabel, nil)
	if err != nil {
		return fmt.Errorf("rtc: opening a data channel: %w", err)
	}
	s.serve(dc)
	return nil
}

// accept takes a data channel that the peer opened.
func (s *Session) accept(dc *webrtc.DataChannel) {
	if s.channels.Add(1) > maxChannels {
		s.end(fmt.Errorf("rtc: the peer opened more than %d data channels", maxChannels))
		return
	}
	s.serve(dc)
}

func (s *Session) serve(dc *webrtc.DataChannel) {
	c := &Channel{session: s, dc: dc, opened: make(chan struct{}), closed: make(chan struct{}), low: make(chan struct{}, 1)}
	dc.SetBufferedAmountLowThreshold(lowWater)
	dc.OnBufferedAmountLow(c.drained)
	var opened atomic.Bool
	dc.OnOpen(func() {
		if opened.CompareAndSwap(false, true) {
			close(c.opened)
		}
	})
	dc.OnClose(func() { c.once.Do(func() { close(c.closed) }) })
	if s.cfg.Hooks.Channel == nil {
		return
	}
	receive := s.cfg.Hooks.Channel(c)
	dc.OnMessage(func(m webrtc.DataChannelMessage) {
		if receive == nil {
			return
		}
		if err := receive(m.IsString, m.Data); err != nil {
			s.end(fmt.Errorf("rtc: data channel %q: %w", dc.Label(), err))
		}
	})
}

func (c *Channel) drained() {
	select {
	case c.low <- struct{}{}:
	default:
	}
}

// Label is the channel's label.
func (c *Channel) Label() string { return c.dc.Label() }

// Send sends one message. It waits for the channel to open and while too much
// is on its way; it fails with ctx's cause or the session's end. Concurrent
// senders may pass each other.
func (c *Channel) Send(ctx context.Context, text bool, data []byte) error {
	if len(data) > maxMessage {
		return fmt.Errorf("rtc: data channel message of %d bytes is larger than %d", len(data), maxMessage)
	}
	if err := c.wait(ctx, c.opened); err != nil {
		return err
	}
	for c.dc.BufferedAmount() > highWater {
		if err := c.wait(ctx, c.low); err != nil {
			return err
		}
	}
	var err error
	if text {
		err = c.dc.SendText(string(data))
	} else {
		err = c.dc.Send(data)
	}
	if err == nil && c.dc.BufferedAmount() <= highWater {
		c.drained() // another sender may be waiting for the same news
	}
	return err
}

func (c *Channel) wait(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.session.ctx.Done():
		return c.session.Err()
	case <-c.closed:
		return io.ErrClosedPipe
	}
}
