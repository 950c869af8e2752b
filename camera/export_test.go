package camera

import (
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// SendPlain makes the camera send each packet by itself, as on a kernel that
// cuts no batches into packets. It is called before Run.
func (c *Camera) SendPlain() { c.plain = true }

// SetNet puts a camera's sessions into a network other than the machine's. It is
// called before Run.
func (c *Camera) SetNet(n rtc.Net) { c.net = n }

// RingSize returns the frames that the camera holds and what they are charged.
func (c *Camera) RingSize() (frames, bytes int) { return c.units.Size() }

// Newest returns the newest frame of a track.
func (c *Camera) Newest(t *kvsmedia.Track) kvsmedia.Frame {
	seq, _ := c.units.Newest(c.lanes[t])
	it, _ := c.units.Get(seq)
	return it.Value.Frame
}

// ForgetEvents displaces what is kept for slow readers of events.
func (c *Camera) ForgetEvents() {
	for range maxEventBytes / eventBytes {
		c.emit(Talking{})
	}
}

// NoticesKept returns the number of notices that wait for viewers.
func (c *Camera) NoticesKept() int {
	n, _ := c.notices.Size()
	return n
}
