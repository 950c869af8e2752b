package camera

import "github.com/smartcam-sdk/smartcam/internal/rtc"

// SendPlain makes the camera send each packet by itself, as on a kernel that
// cuts no batches into packets. It is called before Run.
func (c *Camera) SendPlain() { c.plain = true }

// SetNet puts a camera's sessions into a network other than the machine's. It is
// called before Run.
func (c *Camera) SetNet(n rtc.Net) { c.net = n }

// RingSize returns the frames that the camera holds and what they are charged.
func (c *Camera) RingSize() (frames, bytes int) { return c.units.Size() }

// ForgetEvents displaces what is kept for slow readers of events.
func (c *Camera) ForgetEvents() {
	for range maxEventBytes / eventBytes {
		c.emit(Talking{})
	}
}
