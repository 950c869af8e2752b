package signalingtest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

const (
	queueLength  = 2 * maxPending // frames to a client that reads slowly
	writeTimeout = 10 * time.Second
)

// Conn is the WebSocket connection of a master or viewer. Its methods make it
// fail; they are safe for concurrent use.
type Conn struct {
	svc       *Service
	channel   *channel
	clientID  string
	principal string
	since     time.Time

	ready chan struct{} // closed once the two below are set
	ws    *websocket.Conn
	raw   *rawConn

	out     chan []byte
	kick    chan struct{} // the channel's master came or went
	active  atomic.Int64  // last message or ping, nanoseconds after since
	limiter awsapitest.Limiter
	seen    map[string]bool // correlation IDs; of the reader alone

	once   sync.Once
	done   chan struct{}
	code   int // close code; 0 for none. Valid after done
	reason string
}

func newConn(s *Service, ch *channel, clientID, principal string) *Conn {
	c := &Conn{
		svc: s, channel: ch, clientID: clientID, principal: principal, since: time.Now(), seen: map[string]bool{},
		out: make(chan []byte, queueLength), kick: make(chan struct{}, 1), done: make(chan struct{}),
		ready: make(chan struct{}),
	}
	c.touch()
	return c
}

// ClientID returns the viewer's client ID; it is empty for a master.
func (c *Conn) ClientID() string { return c.clientID }

// Principal returns who signed the connection's URL.
func (c *Conn) Principal() string { return c.principal }

// Done is closed when the connection ends.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Drop resets the connection without a close frame.
func (c *Conn) Drop() {
	if c.opened() {
		c.raw.drop()
	}
	c.finish(0, "dropped on request")
}

// Stall keeps the connection open but lets nothing through any more, in either
// direction, as a network does that fails silently. For the service the client
// stays connected.
func (c *Conn) Stall() {
	if c.opened() {
		c.raw.stalled.Store(true)
	}
}

// opened waits until the upgrade is through and reports whether it succeeded.
func (c *Conn) opened() bool {
	<-c.ready
	return c.raw != nil
}

// GoAway asks the client to connect anew; the connection ends as if its life
// did, after Timing.Grace.
func (c *Conn) GoAway() {
	c.queue(control("GO_AWAY", c.svc.cfg.Variants.FullControlMessages))
	c.svc.core.Go("a GO_AWAY on "+c.channel.name, func() {
		t := time.NewTimer(c.svc.cfg.Timing.Grace)
		defer t.Stop()
		select {
		case <-t.C:
			c.Expire()
		case <-c.done:
		}
	})
}

// ReconnectICE asks the client to fetch its ICE servers anew.
func (c *Conn) ReconnectICE() {
	c.queue(control("RECONNECT_ICE_SERVER", c.svc.cfg.Variants.FullControlMessages))
}

// Expire ends the connection as its longest life does.
func (c *Conn) Expire() { c.finish(c.svc.cfg.Variants.CloseExpired, "the connection's life is over") }

// Inject sends a text frame as it is, however wrong.
func (c *Conn) Inject(frame []byte) { c.queue(frame) }

// enter takes the connection's place on the channel. It is called before the
// client learns that it is connected, and reports whether there is still a
// channel to connect to.
func (c *Conn) enter() bool {
	s, ch := c.svc, c.channel
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.core.Down() || s.channels[ch.name] != ch {
		return false
	}
	if old := ch.conn(c.clientID); old != nil {
		old.finish(s.cfg.Variants.CloseDisplaced, "another client took this one's place")
	}
	if c.clientID == "" {
		ch.master = c
		ch.wakeViewers()
	} else {
		ch.viewers[c.clientID] = c
		delete(ch.held, c.clientID)
	}
	ch.flush(c)
	s.note("Connected", ch.name, c.clientID, "")
	return true
}

// run serves the connection to its end.
func (c *Conn) run() {
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write()
	}()
	reason := ""
	if err := c.read(); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		reason = err.Error()
	}
	c.finish(0, reason)
	<-written
}

// abandon gives the connection up, whether it ran or never opened.
func (c *Conn) abandon() {
	c.finish(0, "the upgrade failed")
	if c.ws == nil {
		close(c.ready)
	}
	c.leave()
}

// leave gives the place on the channel up, unless another client has taken it.
func (c *Conn) leave() {
	s, ch := c.svc, c.channel
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch {
	case ch.conn(c.clientID) != c:
	case c.clientID == "":
		ch.master, ch.masterLeft = nil, now
		ch.wakeViewers()
	default:
		delete(ch.viewers, c.clientID)
		ch.held[c.clientID] = now.Add(s.cfg.Timing.SlotHold)
	}
	s.note("Disconnected", ch.name, c.clientID, c.reason)
}

// wakeViewers lets the viewers look again how long they may stay.
func (ch *channel) wakeViewers() {
	for _, v := range ch.viewers {
		select {
		case v.kick <- struct{}{}:
		default:
		}
	}
}

// finish ends the connection, with a close frame if code is not 0. The first
// call counts; it does not wait.
func (c *Conn) finish(code int, reason string) {
	c.once.Do(func() {
		c.code, c.reason = code, reason
		close(c.done)
	})
}

// queue hands a frame to the writer. A client so slow that the queue is full
// is dropped.
func (c *Conn) queue(frame []byte) {
	select {
	case c.out <- frame:
	default:
		c.finish(0, "the client reads too slowly")
	}
}

func (c *Conn) touch() { c.active.Store(int64(time.Since(c.since))) }

func (c *Conn) pinged(context.Context, []byte) bool {
	c.touch()
	return true
}

// read handles messages until the connection ends, and returns why it did.
func (c *Conn) read() error {
	for {
		kind, data, err := c.ws.Read(c.svc.core.Context())
		if err != nil {
			return err
		}
		c.touch()
		if kind != websocket.MessageText {
			c.finish(int(websocket.StatusUnsupportedData), "only text messages are allowed")
			return errors.New("binary message")
		}
		c.handle(data)
	}
}

// write sends what is queued and ends the connection when its time has come.
func (c *Conn) write() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	warned := false
	for {
		timer.Reset(time.Until(c.next(warned).at))
		select {
		case <-c.done:
			c.end()
			return
		case frame := <-c.out:
			c.touch()
			ctx, cancel := context.WithTimeout(c.svc.core.Context(), writeTimeout)
			err := c.ws.Write(ctx, websocket.MessageText, frame)
			cancel()
			if err != nil {
				c.finish(0, err.Error())
			}
		case <-c.kick:
		case <-timer.C:
			due := c.next(warned)
			switch {
			case time.Now().Before(due.at): // there was activity meanwhile
			case due.warn:
				warned = true
				c.queue(control("GO_AWAY", c.svc.cfg.Variants.FullControlMessages))
			default:
				c.finish(due.code, due.reason)
			}
		}
	}
}

// end closes the WebSocket and thereby ends the reader.
func (c *Conn) end() {
	if c.code == 0 {
		_ = c.ws.CloseNow() // the reason is known already
		return
	}
	_ = c.ws.Close(websocket.StatusCode(c.code), c.reason) // a client that does not answer is closed all the same
}

// deadline is what happens to a connection, and when.
type deadline struct {
	at     time.Time
	warn   bool // GO_AWAY; otherwise the end
	code   int
	reason string
}

// next returns the deadline that comes first.
func (c *Conn) next(warned bool) deadline {
	t, v := &c.svc.cfg.Timing, &c.svc.cfg.Variants
	first := deadline{c.since.Add(t.Connection), false, v.CloseExpired, "the connection's life is over"}
	consider := func(d deadline) {
		if d.at.Before(first.at) {
			first = d
		}
	}
	if !warned {
		consider(deadline{at: c.since.Add(t.Connection - t.Grace), warn: true})
	}
	consider(deadline{c.since.Add(time.Duration(c.active.Load()) + t.Idle), false, v.CloseIdle, "idle"})
	if c.clientID != "" {
		c.svc.mu.Lock()
		alone, since := c.channel.master == nil, c.channel.masterLeft
		c.svc.mu.Unlock()
		if since.Before(c.since) {
			since = c.since
		}
		if alone {
			consider(deadline{since.Add(t.ViewerAlone), false, v.CloseAlone, "the channel has no master"})
		}
	}
	return first
}
