package motion

import (
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	maxEyes = 8                // renditions that are looked at to find the smallest
	silent  = 10 * time.Second // without a frame: another rendition is looked at
)

// chooser finds the picture to look at among the frames.
type chooser struct {
	d    *Detector
	eyes map[*kvsmedia.Track]*eye
	best *eye // whose motion counts
}

// see takes the next frame of any track.
func (c *chooser) see(f *kvsmedia.Frame) []Event {
	t := f.Track
	if t == nil || !t.Codec.Video() || c.d.cfg.Track != nil && t != c.d.cfg.Track {
		return nil
	}
	e := c.eyes[t]
	if e == nil {
		if len(c.eyes) == maxEyes {
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
	return e.see(f)
}
