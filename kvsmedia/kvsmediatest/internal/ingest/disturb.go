package ingest

import (
	"errors"
	"time"
)

// Reasons for the end of a connection.
var (
	ErrReset  = errors.New("dropped on request")
	ErrOutage = errors.New("outage")

	errExpired = errors.New("the credentials expired")
	errClosed  = errors.New("the service ends")
	errIdle    = errors.New("no data came")
	errStalled = errors.New("stalled on request")
	errEnded   = errors.New("ended")
)

// Refuse returns the error that ends a connection with the acknowledgement of that ID.
func Refuse(id int, reason string) error { return refuse(id, "%s", reason) }

// trouble lets Config.Trouble disturb the connection.
func (c *Connection) trouble(event string) error {
	if err := c.endpoint.cfg.Trouble(c, event); err != nil {
		return err
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
