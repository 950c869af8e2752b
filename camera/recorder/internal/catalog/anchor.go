package catalog

import (
	"math"
	"time"
)

// Later is for NewFile the time of a first frame that is not known yet: see Anchor.
const Later = time.Duration(math.MinInt64)

// Anchor tells when the first frame of a file was, on the monotonic clock, which NewFile was
// not told. The file has a base from then on, once the wall clock is known.
func (c *Catalog) Anchor(seq uint64, up time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[seq]
	if f == nil {
		return ErrUnknown
	}
	if f.up != Later {
		return nil
	}
	f.up = up
	if c.clock.known {
		c.stamp()
	}
	return nil
}
