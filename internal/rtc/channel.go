package rtc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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

	firstMessage = 1 << 10 // bytes that a message may have before it costs more memory
)

// Channel is a reliable, ordered data channel of a session.
type Channel struct {
	session *Session
	dc      *webrtc.DataChannel
	opened  chan struct{}
	closed  chan struct{}
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
	var receive Receiver
	if s.cfg.Hooks.Channel != nil {
		receive = s.cfg.Hooks.Channel(c)
	}
	var opened atomic.Bool
	dc.OnOpen(func() {
		if !opened.CompareAndSwap(false, true) {
			return
		}
		raw, err := dc.Detach()
		if err != nil {
			s.end(fmt.Errorf("rtc: opening a data channel: %w", err))
			return
		}
		close(c.opened)
		s.spawn(func() { c.read(raw, receive) })
	})
}

// read hands the messages out until the channel is closed. It keeps little
// memory, where pion's own reading keeps 64 KiB for each channel.
func (c *Channel) read(raw interface {
	ReadDataChannel([]byte) (int, bool, error)
}, receive Receiver) {
	defer close(c.closed)
	buf := make([]byte, firstMessage)
	for {
		n, text, err := raw.ReadDataChannel(buf)
		if errors.Is(err, io.ErrShortBuffer) && len(buf) < maxMessage {
			buf = make([]byte, min(4*len(buf), maxMessage)) // the message is still there
			continue
		}
		if err != nil {
			return
		}
		message := buf[:n]
		if len(buf) > firstMessage {
			buf = make([]byte, firstMessage)
		} else {
			message = slices.Clone(message)
		}
		if receive == nil {
			continue
		}
		if err := receive(text, message); err != nil {
			c.session.end(fmt.Errorf("rtc: data channel %q: %w", c.dc.Label(), err))
		}
	}
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
