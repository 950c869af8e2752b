package macroblock

import (
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

// encoder is the arithmetic encoder of H.264 9.3.4, for what no encoder at hand writes.
type encoder struct {
	bits        strings.Builder
	low, size   int
	outstanding int
	begun       bool
	ctx         [contextCount]uint8
}

func newEncoder(kind bitstream.SliceKind, qp int) *encoder {
	e := &encoder{}
	var a arith
	r := reader{bitstream.NewBitReader(nil, []byte{1})}
	a.begin(&r, &bitstream.SliceHeader{Kind: kind, QP: qp})
	e.ctx = a.ctx
	e.restart()
	return e
}

func (e *encoder) restart() { e.low, e.size, e.outstanding, e.begun = 0, 510, 0, false }

func (e *encoder) put(b int) {
	if e.begun {
		e.bits.WriteByte('0' + byte(b))
	}
	e.begun = true
	for ; e.outstanding > 0; e.outstanding-- {
		e.bits.WriteByte('1' - byte(b))
	}
}

func (e *encoder) renorm() {
	for ; e.size < 256; e.size, e.low = e.size<<1, e.low<<1 {
		switch {
		case e.low < 256:
			e.put(0)
		case e.low >= 512:
			e.low -= 512
			e.put(1)
		default:
			e.low -= 256
			e.outstanding++
		}
	}
}

func (e *encoder) bin(ctx, b int) {
	state := e.ctx[ctx]
	lps := int(lpsRange[uint8(e.size&0xc0)|state>>1])
	e.size -= lps
	if int(state&1) == b {
		e.ctx[ctx] = after[state]
	} else {
		e.low += e.size
		e.size = lps
		e.ctx[ctx] = after[state|128]
	}
	e.renorm()
}

// bypass encodes a bin of even odds.
func (e *encoder) bypass(b int) {
	e.low += e.low + b*e.size
	switch {
	case e.low < 512:
		e.put(0)
	case e.low >= 1024:
		e.low -= 1024
		e.put(1)
	default:
		e.low -= 512
		e.outstanding++
	}
}

// terminate encodes a bin that ends the coding, if it is 1.
func (e *encoder) terminate(b int) {
	e.size -= 2
	if b == 1 {
		e.low += e.size
		e.size = 2
	}
	if e.renorm(); b == 1 {
		e.put(e.low >> 9 & 1)
		e.bits.WriteString(u(2, e.low>>7&3|1))
	}
}
