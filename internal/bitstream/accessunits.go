package bitstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxAccessUnit bounds an access unit that [AccessUnits] returns, in bytes. A
// raw 4K picture in 4:2:0 has 12 MB; what a camera encodes is far below.
const MaxAccessUnit = 8 << 20

// AccessUnits cuts an Annex B byte stream, such as a .h264 file or the pipe
// from an encoder, into access units: one coded picture each with the parameter
// sets and messages before it.
//
// That an access unit is over is known only when the next one begins, or the
// stream ends: in a live pipe every picture comes out one frame interval late.
// Where that matters take the frames from the encoder's own interface.
//
// An AccessUnits is not safe for concurrent use.
type AccessUnits struct {
	r     io.Reader
	codec Codec
	max   int

	buf     []byte
	start   int  // of the access unit being read, with its start code
	scan    int  // where to look for the next start code
	began   bool // a NAL unit was found
	picture bool // among them one of the picture
	err     error
}

// NewAccessUnits returns a reader of r's access units. It reads ahead.
func NewAccessUnits(r io.Reader, c Codec) *AccessUnits {
	return &AccessUnits{r: r, codec: c, max: MaxAccessUnit, buf: make([]byte, 0, 64<<10)}
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
			if !a.began {
				a.start = max(a.start, a.scan-1) // a zero more belongs to the start code
			}
			if a.err != nil {
				return a.last()
			}
			a.fill()
			continue
		}
		p := a.scan + i
		if p+6 > len(a.buf) && a.err == nil { // the header and a byte more
			a.scan = p
			a.fill()
			continue
		}
		nalu := a.buf[p+3 : min(p+6, len(a.buf))]
		start := p
		if p > a.start && a.buf[p-1] == 0 {
			start-- // zero_byte
		}
		a.scan = p + 3
		if !a.began {
			a.began, a.start = true, start
		} else if a.picture && a.codec.begins(nalu) {
			au = trimZeros(a.buf[a.start:p])
			a.start = start
			a.picture = a.codec.IsVCL(nalu)
			return au, nil
		}
		a.picture = a.picture || a.codec.IsVCL(nalu)
	}
}

// last returns what stands before the end of the stream.
func (a *AccessUnits) last() ([]byte, error) {
	if !errors.Is(a.err, io.EOF) || !a.picture {
		return nil, a.err
	}
	a.picture = false
	return trimZeros(a.buf[a.start:]), nil
}

// fill reads more, making room if there is none.
func (a *AccessUnits) fill() {
	if len(a.buf)-a.start > a.max {
		a.err = fmt.Errorf("bitstream: access unit of more than %d bytes; is the stream %v in Annex B?", a.max, a.codec)
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
