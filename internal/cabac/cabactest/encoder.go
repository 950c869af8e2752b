// Package cabactest has an arithmetic encoder, for streams that no encoder at hand writes.
package cabactest

import (
	"fmt"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/cabac"
)

// Encoder is the arithmetic encoder of H.264 9.3.4 and H.265 9.3.4.6. Bits has what is certain,
// as the digits 0 and 1.
type Encoder struct {
	Bits        strings.Builder
	low, size   int
	outstanding int
	begun       bool
	Ctx         [cabac.Contexts]uint8
}

// New returns an encoder that begins with the contexts of a decoder.
func New(d *cabac.Decoder) *Encoder {
	e := &Encoder{Ctx: d.Ctx}
	e.Restart()
	return e
}

// Restart begins data of their own, with the contexts as they are.
func (e *Encoder) Restart() { e.low, e.size, e.outstanding, e.begun = 0, 510, 0, false }

func (e *Encoder) put(b int) {
	if e.begun {
		e.Bits.WriteByte('0' + byte(b))
	}
	e.begun = true
	for ; e.outstanding > 0; e.outstanding-- {
		e.Bits.WriteByte('1' - byte(b))
	}
}

// shift puts what is certain of low, H.265 figure 9-12.
func (e *Encoder) shift() {
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

func (e *Encoder) renorm() {
	for ; e.size < 256; e.size, e.low = e.size<<1, e.low<<1 {
		e.shift()
	}
}

// Bin encodes a bin with a context.
func (e *Encoder) Bin(ctx, b int) {
	state := e.Ctx[ctx]
	less, afterMore, afterLess := cabac.Code(e.size, state)
	e.size -= less
	if e.Ctx[ctx] = afterMore; int(state&1) != b {
		e.low += e.size
		e.size, e.Ctx[ctx] = less, afterLess
	}
	e.renorm()
}

// Bypass encodes a bin of even odds.
func (e *Encoder) Bypass(b int) {
	e.low = e.low<<1 + b*e.size
	switch {
	case e.low >= 1024:
		e.low -= 1024
		e.put(1)
	case e.low < 512:
		e.put(0)
	default:
		e.low -= 512
		e.outstanding++
	}
}

// Terminate encodes a bin that ends the coding, if it is 1.
func (e *Encoder) Terminate(b int) {
	e.size -= 2
	if b == 1 {
		e.low += e.size
		e.size = 2
	}
	if e.renorm(); b == 1 {
		e.put(e.low >> 9 & 1)
		fmt.Fprintf(&e.Bits, "%02b", e.low>>7&3|1)
	}
}

// Align fills the last byte up.
func (e *Encoder) Align() { e.Bits.WriteString(strings.Repeat("0", -e.Bits.Len()&7)) }
