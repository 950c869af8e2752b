package codingtree

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// encoder is the arithmetic encoder of H.265 9.3.4.6, for what no encoder at hand writes.
type encoder struct {
	bits        strings.Builder
	low, size   int
	outstanding int
	begun       bool
	ctx         [contexts]uint8
}

func newEncoder(kind, qp int) *encoder {
	var a arith
	a.initialize(kind, qp)
	e := &encoder{ctx: a.ctx}
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

// shift puts what is certain of low, H.265 figure 9-12.
func (e *encoder) shift() {
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

func (e *encoder) renorm() {
	for ; e.size < 256; e.size, e.low = e.size<<1, e.low<<1 {
		e.shift()
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

func (e *encoder) bypass(b int) {
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

// align fills the last byte up.
func (e *encoder) align() { e.bits.WriteString(strings.Repeat("0", -e.bits.Len()&7)) }

func u(n, v int) string { return fmt.Sprintf("%0*b", n, v) }

func ue(v int) string { return strings.Repeat("0", bits.Len(uint(v+1))-1) + fmt.Sprintf("%b", v+1) }

// trailed puts rbsp_trailing_bits behind bits.
func trailed(bits string) string {
	bits += "1"
	return bits + strings.Repeat("0", -len(bits)&7)
}

// nal makes a NAL unit of whole bytes of bits, with emulation prevention bytes.
func nal(type_ int, bits string) []byte {
	n := []byte{byte(type_ << 1), 1}
	zeros := 0
	for ; bits != ""; bits = bits[8:] {
		x, _ := strconv.ParseUint(bits[:8], 2, 8)
		if zeros == 2 && x <= 3 {
			n, zeros = append(n, 3), 0
		}
		if zeros++; x != 0 {
			zeros = 0
		}
		n = append(n, byte(x))
	}
	return n
}
