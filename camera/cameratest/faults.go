package cameratest

import "time"

// Skew sets the clock of the cloud off by d: for signatures, for the life of
// credentials, in Date headers and for the times of media.
func (c *Cloud) Skew(d time.Duration) {
	c.skew.Store(int64(d))
	c.things.SetClock(d)
	c.signaling.Skew(d)
	c.media.Skew(d)
}

// now is the cloud's clock.
func (c *Cloud) now() time.Time { return time.Now().Add(time.Duration(c.skew.Load())) }
