package rtc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/rtc/sctpguard"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
)

const (
	// CommandLabel is the label of the data channel that speaks the command
	// protocol; all others carry raw messages.
	CommandLabel = "smartcam"

	// A sender waits while more than highWater bytes are on their way.
	highWater = 256 << 10
	lowWater  = 64 << 10

	// A sender also waits while maxAhead messages below sctpguard.Small bytes are on
	// their way: a peer that is an SDK as well ends the session of one who sends
	// several times as many ahead of one that is lost.
	maxAhead = 1000

	// maxChannels is how many data channels a peer may have open. openEvery is how
	// often it may open one beyond the first maxChannels: each opening takes pion and
	// the owner some work. For good, pion keeps the number of the stream alone, of
	// which there are 65,535: about 1 MB after four days at this rate, and no more
	// then.
	maxChannels = 16
	openEvery   = 5 * time.Second

	// Messages above large, in bytes, are on their way one at a time. Between two pions
	// SCTP sends the messages of several channels interleaved (RFC 8260), and those that
	// are not whole fill the peer's receive window of 1 MiB for good.
	large = 16 << 10

	firstMessage = 1 << 10 // bytes that a message may have before it costs more memory
)

// Channel is a reliable, ordered data channel of a session.
type Channel struct {
	session *Session
	dc      *webrtc.DataChannel
	opened  chan struct{}
	closed  chan struct{}
	low     chan struct{} // capacity 1: the buffer has drained
	empty   chan struct{} // likewise, for who has the turn
	own     bool          // opened by this side
	ahead   atomic.Int64  // small messages since none was on its way
}

// channels counts the data channels of a peer.
type channels struct {
	mu      sync.Mutex
	open    int
	credit  int // that may be opened at once, beside those that are open
	granted time.Time
}

// take reports whether one more may be opened.
func (c *channels) take(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.granted.IsZero() {
		c.credit, c.granted = maxChannels, now
	}
	if more := int(now.Sub(c.granted) / openEvery); more > 0 {
		c.credit = min(c.credit+more, maxChannels)
		c.granted = c.granted.Add(time.Duration(more) * openEvery)
	}
	if c.open >= maxChannels || c.credit == 0 {
		return false
	}
	c.open++
	c.credit--
	return true
}

// free tells that one is closed.
func (c *channels) free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
}

// open makes the viewer's command channel.
func (s *Session) open() error {
	_, err := s.create(CommandLabel)
	return err
}

// Open opens a data channel once the session is connected. Messages can be sent at
// once, and wait for the peer to take it.
func (s *Session) Open(label string) (*Channel, error) {
	if !s.takesData.Load() {
		return nil, errors.New("webrtc: the peer takes no data channels")
	}
	return s.create(label)
}

func (s *Session) create(label string) (*Channel, error) {
	dc, err := s.pc.CreateDataChannel(label, nil)
	if err != nil {
		return nil, fmt.Errorf("webrtc: opening a data channel: %w", err)
	}
	return s.serve(dc, true), nil
}

// accept takes a data channel that the peer opened.
func (s *Session) accept(dc *webrtc.DataChannel) {
	if !s.channels.take(time.Now()) {
		s.end(fmt.Errorf("webrtc: the peer opened more than %d data channels, or opens and closes them faster than one in %v", maxChannels, openEvery))
		return
	}
	s.serve(dc, false)
}

// overrun ends the session because SCTP holds too much. The association goes at
// once: until the owner closes the session, more would come.
func (s *Session) overrun(why error) {
	s.end(fmt.Errorf("webrtc: %w", why))
	s.spawn(func() { _ = s.pc.SCTP().Stop() })
}

func (s *Session) serve(dc *webrtc.DataChannel, own bool) *Channel {
	c := &Channel{session: s, dc: dc, own: own, opened: make(chan struct{}), closed: make(chan struct{}), low: make(chan struct{}, 1), empty: make(chan struct{}, 1)}
	dc.SetBufferedAmountLowThreshold(lowWater)
	dc.OnBufferedAmountLow(c.drained)
	var opened atomic.Bool
	dc.OnOpen(func() {
		if !opened.CompareAndSwap(false, true) {
			return
		}
		raw, err := dc.Detach()
		if err != nil {
			s.end(fmt.Errorf("webrtc: opening a data channel: %w", err))
			return
		}
		close(c.opened)
		s.spawn(func() {
			c.read(raw)
			s.tell(ChannelClosed{c})
			if !c.own {
				s.channels.free()
			}
		})
	})
	s.tell(ChannelOpened{c}) // here, as pion accepts channels one after the other and opens them later
	return c
}

// read hands the messages out until the channel is closed; while they wait, the
// peer is held back. It keeps little memory, where pion's own reading keeps 64 KiB
// for each channel.
func (c *Channel) read(raw interface {
	ReadDataChannel([]byte) (int, bool, error)
}) {
	defer close(c.closed)
	buf := make([]byte, firstMessage)
	for {
		turn := c.session.guard.Turn()
		n, text, err := raw.ReadDataChannel(buf)
		if errors.Is(err, io.ErrShortBuffer) && len(buf) < sdp.MaxMessage {
			buf = make([]byte, min(4*len(buf), sdp.MaxMessage)) // the message is still there
			continue
		}
		if err != nil {
			return
		}
		c.session.guard.Read(turn, n)
		message := buf[:n]
		if len(buf) > firstMessage {
			buf = make([]byte, firstMessage)
		} else {
			message = slices.Clone(message)
		}
		c.session.tell(MessageReceived{c, text, message})
	}
}

func (c *Channel) drained() {
	for _, news := range []chan struct{}{c.low, c.empty} {
		select {
		case news <- struct{}{}:
		default:
		}
	}
}

// Label is the channel's label.
func (c *Channel) Label() string { return c.dc.Label() }

// Send sends one message. It waits for the channel to open and while too much
// is on its way; it fails with ctx's cause or the session's end. Concurrent
// senders may pass each other.
func (c *Channel) Send(ctx context.Context, text bool, data []byte) error {
	if len(data) > sdp.MaxMessage {
		return fmt.Errorf("webrtc: data channel message of %d bytes is larger than %d", len(data), sdp.MaxMessage)
	}
	if err := c.wait(ctx, c.opened); err != nil {
		return err
	}
	for c.dc.BufferedAmount() > highWater {
		if err := c.wait(ctx, c.low); err != nil {
			return err
		}
	}
	if err := c.pace(ctx); err != nil {
		return err
	}
	if len(data) > large {
		if err := c.wait(ctx, c.session.turn); err != nil {
			return err
		}
		defer c.session.spawn(c.endTurn)
	}
	if len(data) < sctpguard.Small {
		c.ahead.Add(1)
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

// endTurn lets the next large message go once the channel's has arrived, or will never.
func (c *Channel) endTurn() {
	for c.dc.SetBufferedAmountLowThreshold(0); c.dc.BufferedAmount() > 0; c.dc.SetBufferedAmountLowThreshold(0) {
		if c.wait(c.session.ctx, c.empty) != nil {
			break
		}
	}
	c.dc.SetBufferedAmountLowThreshold(lowWater)
	c.drained() // who waits for less to be on its way
	c.session.turn <- struct{}{}
}

// Flush waits until all that was sent has arrived, and fails like Send. It is for the end
// of a session: senders that go on may keep it waiting.
func (c *Channel) Flush(ctx context.Context) error {
	for c.dc.SetBufferedAmountLowThreshold(0); c.dc.BufferedAmount() > 0; c.dc.SetBufferedAmountLowThreshold(0) {
		if err := c.wait(ctx, c.low); err != nil {
			return err
		}
	}
	return nil
}

// pace waits while too many small messages may be on their way. Bytes that have
// arrived behind a lost message count as sent, so that only an empty buffer shows
// that none is lost.
func (c *Channel) pace(ctx context.Context) error {
	for c.ahead.Load() >= maxAhead {
		c.dc.SetBufferedAmountLowThreshold(0)
		if c.dc.BufferedAmount() == 0 {
			c.ahead.Store(0)
			c.dc.SetBufferedAmountLowThreshold(lowWater)
			c.drained()
			break
		}
		if err := c.wait(ctx, c.low); err != nil {
			return err
		}
	}
	return nil
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
