package macroblock

import (
	"math/bits"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

// reader reads the payload of a slice.
type reader struct{ bitstream.BitReader }

// ends reports whether the bit before pos is rbsp_stop_one_bit, in the last byte. Behind it
// x264 sets a bit that should be 0.
func (r *reader) ends(pos int) bool {
	pos--
	return pos>>3 == r.End>>3 && r.Data[pos>>3]>>(7-pos&7)&1 == 1
}

// block parses residual_block_cavlc, H.264 7.3.5.3.2, of 15 or 16 coefficients, of which so
// many are expected (nC), and returns how many it has.
func (r *reader) block(expected, size int) int {
	var token uint8
	switch {
	case expected >= 8: // 6 bits
		if token = uint8(r.U(6)); token == 3 {
			return 0
		}
		token += 4
	case expected >= 4:
		token = r.token(&tokens[2])
	case expected >= 2:
		token = r.token(&tokens[1])
	default:
		token = r.token(&tokens[0])
	}
	n := int(token >> 2)
	if n == 0 {
		return 0
	}
	if n > size {
		r.Bad = true
		return 0
	}
	r.levels(n, int(token&3))
	if n < size {
		zeros := zerosOf[n-1][r.Peek()>>(64-9)]
		r.Pos += int(zeros >> 4)
		r.runs(n, int(zeros&0xf), size)
	}
	return n
}

// chromaDC parses residual_block_cavlc of four coefficients.
func (r *reader) chromaDC() int {
	entry := tokensDC[r.Peek()>>(64-8)]
	r.Pos += int(entry >> 8)
	n := int(entry & 0xff >> 2)
	if n == 0 {
		r.Bad = r.Bad || entry == 0
		return 0
	}
	r.levels(n, int(entry&3))
	if n < 4 {
		zeros := zerosOfDC[n-1][r.Peek()>>(64-3)]
		r.Pos += int(zeros >> 4)
		r.runs(n, int(zeros&0xf), 4)
	}
	return n
}

// token parses coeff_token: TotalCoeff<<2 | TrailingOnes.
func (r *reader) token(t *[17 * 8]uint16) uint8 {
	w := r.Peek()
	zeros := bits.LeadingZeros16(uint16(w >> 48))
	entry := t[zeros<<3|int(w<<zeros>>60&7)]
	r.Pos += int(entry >> 8)
	r.Bad = r.Bad || entry == 0
	return uint8(entry)
}

// levels parses trailing_ones_sign_flag and the levels of n coefficients.
func (r *reader) levels(n, ones int) {
	r.Pos += ones
	length := 0 // suffixLength
	if n > 10 && ones < 3 {
		length = 1
	}
	for i := ones; i < n; i++ {
		w := r.Peek()
		prefix := bits.LeadingZeros64(w)
		if prefix > 25 {
			r.Bad = true
			return
		}
		level := min(15, prefix) << length // levelCode, as far as length depends on it
		size := length
		switch {
		case prefix >= 15:
			size = prefix - 3
		case prefix == 14 && length == 0:
			size = 4
		}
		level += int(w << (prefix + 1) >> 1 >> (63 - size))
		r.Pos += prefix + 1 + size
		if i == ones && ones < 3 {
			level += 2
		}
		length = max(length, 1)
		if (level+2)>>1 > 3<<(length-1) && length < 6 {
			length++
		}
	}
}

// runs parses run_before of n coefficients of a block, between and before which are zeros.
func (r *reader) runs(n, zeros, size int) {
	if n+zeros > size {
		r.Bad = true
		return
	}
	for ; n > 1 && zeros > 0; n-- {
		w := r.Peek()
		if zeros <= 6 {
			run := runsOf[zeros-1][w>>61]
			r.Pos += int(run >> 4)
			zeros -= int(run & 0xf)
			continue
		}
		if next := int(w >> 61); next > 0 {
			r.Pos += 3
			zeros -= 7 - next
			continue
		}
		run := bits.LeadingZeros64(w) + 4
		if run > zeros {
			r.Bad = true
			return
		}
		r.Pos += run - 3
		zeros -= run
	}
}
