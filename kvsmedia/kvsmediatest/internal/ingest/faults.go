package ingest

import (
	"cmp"
	"slices"
	"time"
)

// Moment is a point in the life of a fragment.
type Moment int

// The moments, in their order.
const (
	Buffering Moment = iota // its first byte has come; not acknowledged yet
	Received                // it is whole; not acknowledged and not stored yet
	Persisted               // it is stored; not acknowledged as such yet
)

// Action is what a [Fault] does.
type Action int

// The actions.
const (
	SendError Action = iota // end the connection with the acknowledgement of Fault.ErrorID
	Reset                   // drop the connection
	Stall                   // neither read nor acknowledge any more: see Connection.Stall
	SlowAcks                // send this and all later acknowledgements of the connection Fault.Delay later
)

// Fault is trouble at a moment of a fragment. It happens once.
type Fault struct {
	Stream  string // name; empty means any
	Skip    int    // how many fragments come to that moment unharmed before
	When    Moment
	Do      Action
	ErrorID int           // of SendError; zero means 5000
	Delay   time.Duration // of SlowAcks
}

type pendingFault struct {
	Fault
	left int
}

// Inject schedules faults. Each fault's Skip counts fragments from this call on.
func (e *Endpoint) Inject(faults ...Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range faults {
		e.faults = append(e.faults, &pendingFault{f, f.Skip})
	}
}

// Pending returns how many of the injected faults have not happened yet.
func (e *Endpoint) Pending() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.faults)
}

// fault applies the injected faults of a moment. An error ends the connection.
func (e *Endpoint) fault(c *Connection, when Moment) error {
	e.mu.Lock()
	var due []Fault
	e.faults = slices.DeleteFunc(e.faults, func(f *pendingFault) bool {
		if f.When != when || f.Stream != "" && f.Stream != c.Stream.Name {
			return false
		}
		if f.left--; f.left >= 0 {
			return false
		}
		due = append(due, f.Fault)
		return true
	})
	e.mu.Unlock()
	for _, f := range due {
		switch f.Do {
		case SendError:
			return refuse(cmp.Or(f.ErrorID, 5000), "on request")
		case Reset:
			c.Drop(ErrReset)
			return errEnded
		case Stall:
			c.Stall()
		case SlowAcks:
			c.SlowAcks(f.Delay)
		}
	}
	return c.proceed(0)
}

// Stall stops reading and acknowledging until Resume, or until the connection is
// dropped after Config.Idle.
func (c *Connection) Stall() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = true
}

// Resume ends Stall.
func (c *Connection) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stalled {
		c.stalled = false
		now := time.Now()
		c.last, c.idleAcked = now, now
		close(c.resume)
		c.resume = make(chan struct{})
		c.signal()
	}
}

// SlowAcks lets every further acknowledgement come d later.
func (c *Connection) SlowAcks(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slow = d
}
