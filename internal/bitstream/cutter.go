package bitstream

// cutter finds where an access unit ends among the NAL units of a stream: with the
// first slice of the next picture, in front of which the NAL units that belong to it
// stand (H.264 7.4.1.2.3, H.265 7.4.2.4.4). What stands between the slices of a picture
// is of that picture, whatever it is: prefix NAL units (14) are, and some encoders put
// messages there. A second field goes with the first.
type cutter struct {
	sets    *ParameterSets
	picture bool  // a slice was seen
	last    slice // the newest that starts a picture or field; read if there may be fields
	next    int   // position of the first NAL unit after the slices that may be of the next access unit
	waits   bool  // there is one
}

// add takes the next NAL unit, of which the header and the beginning are given, and its
// position. If it shows that the access unit is over, ok is true and the unit ends
// before the position cut.
func (c *cutter) add(nalu []byte, pos int) (cut int, ok bool) {
	codec := c.sets.Codec
	switch {
	case codec.isSlice(nalu):
		if codec.starts(nalu) && !c.second(nalu) {
			if cut, ok = pos, c.picture; c.waits {
				cut = c.next
			}
		}
		c.picture, c.waits = true, false
		return cut, ok
	case c.picture && codec.extends(nalu):
		c.waits = false
	case c.picture && !c.waits && codec.leads(nalu):
		c.waits, c.next = true, pos
	}
	return 0, false
}

// second reports whether a slice that starts a picture starts the second field of a
// frame, and remembers it.
func (c *cutter) second(nalu []byte) bool {
	if !c.sets.fields() {
		return false
	}
	s, err := c.sets.slice264(nalu)
	if err != nil {
		return false
	}
	pair := c.picture && c.last.pairs(s)
	if c.last = s; pair {
		c.last.field = false // a frame has two
	}
	return pair
}

// fields reports whether pictures may be fields of frames.
func (p *ParameterSets) fields() bool {
	for i := range p.sets[kindSPS] {
		if p.sets[kindSPS][i].syntax.fields {
			return true
		}
	}
	return false
}

// extends reports whether a NAL unit is a slice of a layer above the base.
func (c Codec) extends(nalu []byte) bool {
	t := c.Type(nalu)
	if c == H265 {
		return t <= hevcLastVCL
	}
	return t == avcExtension
}
