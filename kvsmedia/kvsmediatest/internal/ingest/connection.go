package ingest

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// linger is how long a connection that has ended for the service goes on taking
// what the producer sends, so that the last acknowledgement arrives.
const linger = 200 * time.Millisecond

// Connection is one PutMedia connection. It is safe for concurrent use.
type Connection struct {
	Stream *store.Stream

	endpoint *Endpoint
	w        http.ResponseWriter
	control  *http.ResponseController
	id       string

	principal string // who uploads

	relative       bool
	start          time.Time // of the producer
	badStart       bool
	credentialsEnd time.Time
	receiver       receiver

	ended chan struct{} // closed when no more is to be read
	once  sync.Once
	wake  chan struct{} // something for the sender to do

	mu        sync.Mutex
	at        position // in the stream
	why       error    // that the connection ended
	acks      []dueAck
	slow      time.Duration // added to every acknowledgement
	last      time.Time     // when data came last
	idleAcked time.Time
	final     *ack  // to be sent at once, as the last one
	closing   bool  // the sender ends when it has sent all
	cut       error // the connection is dropped instead
	stalled   bool
	resume    chan struct{}
}

func newConnection(e *Endpoint, st *store.Stream, w http.ResponseWriter) *Connection {
	now := time.Now()
	c := &Connection{
		Stream: st, endpoint: e, w: w, control: http.NewResponseController(w), id: rand.Text(),
		ended: make(chan struct{}), wake: make(chan struct{}, 1), last: now, idleAcked: now,
		resume: make(chan struct{}),
	}
	c.receiver.conn = c
	return c
}

// run takes what comes until the connection ends, and lets a goroutine
// acknowledge it.
func (c *Connection) run(body io.Reader) {
	var sender sync.WaitGroup
	sender.Go(c.send)
	err := c.receiver.run(&bodyReader{conn: c, r: body, since: time.Now()})
	var refused *refusedMedia
	switch {
	case err == nil: // the producer has ended it
	case errors.As(err, &refused):
		c.failAt(refused)
	case !c.isOver():
		c.failAt(&refusedMedia{id: 4000, reason: err.Error()})
	}
	c.mu.Lock()
	c.closing = true
	if c.why == nil {
		c.why = err
	}
	c.mu.Unlock()
	c.signal()
	sender.Wait()
	c.end()
	c.mu.Lock()
	cut := c.cut
	c.mu.Unlock()
	if cut != nil {
		panic(http.ErrAbortHandler)
	}
	_ = c.control.SetReadDeadline(time.Now().Add(linger))
}

// leave gives the place back.
func (c *Connection) leave() {
	c.end()
	c.receiver.abandon()
	c.endpoint.remove(c)
	c.mu.Lock()
	e := double.Event{Name: "Disconnected", On: c.Stream.Name, Part: c.at.number}
	if c.why != nil {
		e.Detail = c.why.Error()
	}
	c.mu.Unlock()
	c.endpoint.cfg.Core.Note(e)
}

// end lets nothing more be read. A read under way may go on for a moment.
func (c *Connection) end() {
	c.once.Do(func() {
		close(c.ended)
		_ = c.control.SetReadDeadline(time.Now().Add(linger))
	})
}

func (c *Connection) isOver() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// Fail ends the connection with the acknowledgement of an error.
func (c *Connection) Fail(id int) { c.failAt(&refusedMedia{id: id}) }

func (c *Connection) failAt(r *refusedMedia) {
	c.mu.Lock()
	if c.final == nil && !c.closing && c.cut == nil {
		c.final, c.why = c.errorAck(r.id), r
		c.end()
	}
	c.mu.Unlock()
	c.signal()
}

func (c *Connection) errorAck(id int) *ack {
	a := &ack{EventType: "ERROR", ErrorId: id, ErrorCode: Codes[id], FragmentNumber: c.at.number, FragmentTimecode: c.at.timecode}
	if id == c.endpoint.cfg.MinDurationID {
		a.ErrorCode = "MIN_FRAGMENT_DURATION_REACHED"
	}
	return a
}

// Drop ends the connection without a word, for the reason err.
func (c *Connection) Drop(err error) {
	c.mu.Lock()
	if c.cut == nil {
		c.cut, c.why = err, err
	}
	c.end()
	c.mu.Unlock()
	c.signal()
}

// send writes the acknowledgements when they are due, and ends the connection
// when its time has come.
func (c *Connection) send() {
	defer c.end()
	session := time.Now().Add(c.endpoint.cfg.Session)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		a, last, next, err := c.next(session)
		if err != nil {
			c.Drop(err)
			return
		}
		if a != nil {
			if err := c.write(*a); err != nil {
				c.Drop(err)
				return
			}
			if last {
				return
			}
			continue
		}
		if last {
			return
		}
		timer.Reset(time.Until(next))
		select {
		case <-timer.C:
		case <-c.wake:
		case <-c.endpoint.cfg.Core.Context().Done():
			c.Drop(errClosed)
			return
		}
	}
}

// next returns the acknowledgement to send now, if any; whether it is the last
// thing to do; and otherwise when there is something to do next.
func (c *Connection) next(session time.Time) (a *ack, last bool, next time.Time, err error) {
	expiry := c.credentialsEnd
	if !expiry.IsZero() {
		expiry = expiry.Add(-c.endpoint.cfg.Core.Offset())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now() // not before what is due at once was pushed
	switch {
	case c.stalled && c.final == nil && c.cut == nil:
		end := c.last.Add(c.endpoint.cfg.Idle)
		if !end.After(now) {
			err = errStalled
		}
		return nil, false, end, err
	case len(c.acks) > 0 && !c.acks[0].due.After(now) && !c.stalled:
		a := c.acks[0].ack
		c.acks = c.acks[1:]
		return &a, false, now, nil
	case c.cut != nil:
		return nil, true, now, nil
	case c.final != nil:
		return c.final, true, now, nil
	case c.closing && len(c.acks) == 0:
		return nil, true, now, nil
	case c.closing:
		return nil, false, c.acks[0].due, nil
	case !session.After(now):
		c.final = c.errorAck(4003)
		c.why = &refusedMedia{id: 4003}
		c.end()
		return c.final, true, now, nil
	case !expiry.IsZero() && !expiry.After(now) && !c.endpoint.cfg.OutliveCredentials:
		return nil, true, now, errExpired
	case !now.Before(c.last.Add(c.endpoint.cfg.Idle)):
		c.closing, c.why = true, errIdle
		c.end()
		return nil, true, now, nil
	case !now.Before(c.idleAcked.Add(c.endpoint.cfg.IdleAck)):
		c.idleAcked = now
		return &ack{EventType: "IDLE"}, false, now, nil
	}
	next = session
	times := []time.Time{c.last.Add(c.endpoint.cfg.Idle), c.idleAcked.Add(c.endpoint.cfg.IdleAck)}
	if len(c.acks) > 0 {
		times = append(times, c.acks[0].due)
	}
	if !expiry.IsZero() && expiry.After(now) {
		times = append(times, expiry)
	}
	for _, at := range times {
		if at.Before(next) {
			next = at
		}
	}
	return nil, false, next, nil
}

// proceed waits for d, and as long as the connection stalls.
func (c *Connection) proceed(d time.Duration) error {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.ended:
		}
	}
	for {
		c.mu.Lock()
		stalled, resume := c.stalled, c.resume
		c.mu.Unlock()
		if c.isOver() {
			return errEnded
		}
		if !stalled {
			return nil
		}
		select {
		case <-resume:
		case <-c.ended:
		}
	}
}

// usable returns the error of a stream that takes no media.
func (c *Connection) usable() error {
	status, id := c.Stream.Status(), c.Stream.KeyError()
	switch {
	case status == "DELETING":
		return refuse(4507, "the stream was deleted")
	case status == "CREATING": // media goes on while a stream is UPDATING
		return refuse(4008, "the stream is %s", status)
	case id != 0:
		return refuse(id, "the key of the stream %s", c.Stream.Name)
	}
	return nil
}
