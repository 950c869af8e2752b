package camera

// SendPlain makes the camera send each packet by itself, as on a kernel that
// cuts no batches into packets. It is called before Run.
func (c *Camera) SendPlain() { c.plain = true }
