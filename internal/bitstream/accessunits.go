package bitstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxAccessUnit bounds an access unit that [AccessUnits] and [Units] return, in bytes. A
// raw 4K picture in 4:2:0 has 12 MB; what a camera encodes is far below.
const MaxAccessUnit = 8 << 20

// AccessUnits cuts an Annex B byte stream, such as a .h264 file or the pipe
// from an encoder, into access units: one coded picture each, or two fields of one
// frame, with the parameter sets and messages before it. [Units] does the same with NAL
// units that have timestamps.
//
// That an access unit is over is known only when the next one's picture begins, or the
// stream ends: in a live pipe every picture comes out one frame interval late.
// Where that matters take the frames from the encoder's own interface.
//
// An AccessUnits is not safe for concurrent use.
type AccessUnits struct {
	r   io.Reader
	cut cutter
	max int

	buf   []byte
	start int // of the access unit being read, with its start code
	scan  int // where to look for the next start code
	nalu  int // where the newest NAL unit begins, 0 before the first
	err   error
}

// NewAccessUnits returns a reader of r's access units. It reads ahead.
func NewAccessUnits(r io.Reader, c Codec) *AccessUnits {
	return &AccessUnits{r: r, cut: cutter{sets: &ParameterSets{Codec: c}}, max: MaxAccessUnit, buf: make([]byte, 0, 64<<10)}
}

// Next returns the next access unit in Annex B, its NAL units as they are in
// the stream; it is valid until the next call. Bytes before the first start
// code, and NAL units at the end to which no picture belongs, are left out. At
// the end of the stream it returns [io.EOF]; after another error of the reader,
// or an access unit above [MaxAccessUnit], only that error.
func (a *AccessUnits) Next() (au []byte, err error) {
	for {
		i := bytes.Index(a.buf[a.scan:], startCode)
		if i < 0 {
			a.scan = max(a.scan, len(a.buf)-2)
			if a.nalu == 0 {
				a.start = max(a.start, a.scan-1) // a zero more belongs to the start code
			}
			if a.err != nil {
				return a.last()
			}
			a.fill()
			continue
		}
		p := a.scan + i
		if p+3+a.need() > len(a.buf) && a.err == nil {
			a.scan = p
			a.fill()
			continue
		}
		start := p
		if p > a.start && a.buf[p-1] == 0 {
			start-- // zero_byte
		}
		if a.nalu == 0 {
			a.start = start
		} else {
			a.learn(p)
		}
		a.nalu, a.scan = p+3, p+3
		if cut, ok := a.cut.add(a.buf[a.nalu:min(a.nalu+a.need(), len(a.buf))], start); ok {
			au = trimZeros(a.buf[a.start:cut])
			a.start = cut
			return au, nil
		}
	}
}

// need returns how many bytes of a NAL unit have to be there before it is looked at.
func (a *AccessUnits) need() int {
	if a.cut.sets.fields() {
		return sliceHead
	}
	return 3
}

// learn takes notice of the NAL unit that ends before p, if it is a parameter set.
func (a *AccessUnits) learn(p int) {
	if n := trimZeros(a.buf[a.nalu:p]); a.cut.sets.Codec.IsParameterSet(n) {
		a.cut.sets.Update([][]byte{n})
	}
}

// last returns what stands before the end of the stream.
func (a *AccessUnits) last() ([]byte, error) {
	if !errors.Is(a.err, io.EOF) || !a.cut.picture {
		return nil, a.err
	}
	a.cut.picture = false
	end := len(a.buf)
	if a.cut.waits {
		end = a.cut.next
	}
	return trimZeros(a.buf[a.start:end]), nil
}

// fill reads more, making room if there is none.
func (a *AccessUnits) fill() {
	if len(a.buf)-a.start > a.max {
		a.err = fmt.Errorf("bitstream: access unit of more than %d bytes; is the stream %v in Annex B?", a.max, a.cut.sets.Codec)
		return
	}
	if len(a.buf) == cap(a.buf) {
		whole := a.buf
		if a.start < cap(a.buf)/2 {
			whole = make([]byte, 2*cap(a.buf))
		}
		n := copy(whole[:cap(whole)], a.buf[a.start:])
		a.buf = whole[:n]
		a.scan -= a.start
		a.cut.next -= a.start
		if a.nalu > 0 {
			a.nalu -= a.start
		}
		a.start = 0
	}
	for range 100 {
		n, err := a.r.Read(a.buf[len(a.buf):cap(a.buf)])
		a.buf = a.buf[:len(a.buf)+n]
		a.err = err
		if n > 0 || err != nil {
			return
		}
	}
	a.err = io.ErrNoProgress
}

// cutter finds where an access unit ends among the NAL units of a stream: with the
// first slice of the next picture, in front of which the NAL units that belong to it
// stand (H.264 7.4.1.2.3, H.265 7.4.2.4.4). What stands between the slices of a picture
// is of that picture, whatever it is: prefix NAL units (14) are, and some encoders put
// messages there. A second field goes with the first.
type cutter struct {
	sets    *ParameterSets
	picture bool        // a slice was seen
	last    SliceHeader // the newest that starts a picture or field; read if there may be fields
	next    int         // position of the first NAL unit after the slices that may be of the next access unit
	waits   bool        // there is one
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
	h, err := c.sets.sliceHeaderBegin(nalu)
	if err != nil {
		return false
	}
	pair := c.picture && c.last.pairs(&h)
	if c.last = h; pair {
		c.last.Field = false // a frame has two
	}
	return pair
}

// fields reports whether pictures may be fields of frames.
func (p *ParameterSets) fields() bool {
	for i := range p.sets[kindSPS] {
		if p.sets[kindSPS][i].sps.fields {
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
