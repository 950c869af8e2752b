package codingtree

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/cabac/cabactest"
)

func newEncoder(kind, qp int) *cabactest.Encoder {
	var s slice
	s.initialize(kind, qp)
	return cabactest.New(&s.Decoder)
}

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
