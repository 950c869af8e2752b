package cameratest

import "time"

// SetOutage begins or ends an outage of everything: connections are dropped, calls are
// not answered, and TURN relays nothing. Media between peers that reach each other
// goes on. For an outage of one service see [Cloud.Signaling], [Cloud.Media],
// [Cloud.S3] and [Cloud.Credentials].
func (c *Cloud) SetOutage(on bool) {
	c.things.SetOutage(on)
	c.signaling.SetOutage(on)
	c.media.SetOutage(on)
	c.s3.SetOutage(on)
	c.relay.SetOutage(on)
}

// Skew sets the clock of the cloud off by d: for signatures, for the life of
// credentials, in Date headers and for the times of media.
func (c *Cloud) Skew(d time.Duration) {
	c.skew.Store(int64(d))
	c.things.Skew(d)
	c.signaling.Skew(d)
	c.media.Skew(d)
	c.s3.Skew(d)
}

// now is the cloud's clock.
func (c *Cloud) now() time.Time { return time.Now().Add(time.Duration(c.skew.Load())) }
