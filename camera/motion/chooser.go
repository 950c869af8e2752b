package motion

import (
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	maxEyes = 8                // renditions that are looked at to find the smallest
	unseen  = 300              // pictures in a row that cannot be looked at: that is warned of
	silent  = 10 * time.Second // without a frame: another rendition is looked at
)

// chooser finds the picture to look at among the frames.
type chooser struct {
	d    *Detector
	eyes map[*kvsmedia.Track]*eye
	best *eye // whose motion counts

	missed int // pictures since the last one that could be looked at
}

// see takes the next frame of any track.
func (c *chooser) see(f *kvsmedia.Frame) []Event {
	t := f.Track
	switch {
	case t == nil:
		c.miss("they have no Track")
		return nil
	case !t.Codec.Video():
		return nil
	case c.d.cfg.Track != nil && t != c.d.cfg.Track:
		c.miss("they are of other tracks: give the very Track that the frames point to as Config.Track")
		return nil
	}
	e := c.eyes[t]
	if e == nil {
		if len(c.eyes) == maxEyes {
			c.miss("they point to ever other Tracks: let all frames of a rendition point to one")
			return nil
		}
		e = newEye(c.d, t)
		c.eyes[t] = e
	}
	switch {
	case c.best == nil:
		c.best = e
	case e != c.best:
		if !f.Key || !e.learn(f) || e.area() >= c.best.area() && f.PTS-c.best.last < silent {
			return nil
		}
		c.best = e
	}
	events := e.see(f)
	if e.seen {
		c.missed = 0
	} else {
		c.miss("their parameter sets or slices cannot be read: check Track.Codec and Track.Private")
	}
	return events
}

// miss counts a picture that cannot be looked at, and says once that none can.
func (c *chooser) miss(why string) {
	if c.missed++; c.missed == unseen {
		c.d.log.Warn("motion: nothing is looked at: no picture of many can be", "pictures", unseen, "why", why)
	}
}
