package cameratest

import (
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// standardRetention is that of the streams of things, in hours.
const standardRetention = 24

// openMedia makes the media service with what the state directory holds of it.
func (c *Cloud) openMedia() error {
	m := c.cfg.Media
	m.Region, m.Account = c.cfg.Region, c.cfg.Account
	m.Credentials = func(id string) (kvsmediatest.Identity, bool) {
		found, ok := c.identity(id)
		return kvsmediatest.Identity(found), ok
	}
	m.Authorize = c.authorizeMedia
	m.Dir = c.dir("streams")
	if m.Logger == nil {
		m.Logger = c.cfg.Logger
	}
	var err error
	c.media, err = kvsmediatest.New(m)
	return err
}
