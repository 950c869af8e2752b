package macroblock

import (
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/cabac"
)

// arith parses what is coded by CABAC, H.264 9.3.3.2.
type arith struct{ cabac.Decoder }

// begin begins the data of a slice, behind cabac_alignment_one_bits.
func (a *arith) begin(r *reader, h *bitstream.SliceHeader) {
	table := &contextInit[0]
	if h.Kind != kindI {
		table = &contextInit[h.CABACInit+1]
	}
	for i, mn := range table {
		a.SetContext(i, int(mn[0])*h.QP>>4+int(mn[1]))
	}
	for r.Pos&7 != 0 {
		if !r.Flag() {
			r.Bad = true
		}
	}
	a.Bad = false
	a.Restart(r.Data, r.Pos>>3)
}

// The contexts of coefficients by kind of block, ctxIdxOffset and ctxBlockCatOffset in one.
var (
	ctxBlock       = [5]int{85, 89, 93, 97, 101}
	ctxSignificant = [6]int{105, 120, 134, 149, 152, 280}
	ctxLast        = [6]int{166, 181, 195, 210, 213, 295}
	ctxLevel       = [6]int{227, 237, 247, 257, 266, 304}
	blockSize      = [5]int{16, 15, 16, 4, 15}
)

// block parses residual_block_cabac with its coded_block_flag, and returns the flag.
func (a *arith) block(cat, inc int) bool {
	if a.Bin(ctxBlock[cat]+inc) == 0 {
		return false
	}
	a.coefficients(cat)
	return true
}

// coefficients parses residual_block_cabac behind coded_block_flag, H.264 7.3.5.3.3.
func (a *arith) coefficients(cat int) {
	significant, last := ctxSignificant[cat], ctxLast[cat]
	n := 0
	if cat == luma8x8 {
		for i, inc := range significant8x8 {
			if a.Bin(significant+int(inc)) == 1 {
				n++
				if a.Bin(last+int(last8x8[i])) == 1 {
					a.levels(cat, n)
					return
				}
			}
		}
	} else {
		for i := range blockSize[cat] - 1 {
			if a.Bin(significant+i) == 1 {
				n++
				if a.Bin(last+i) == 1 {
					a.levels(cat, n)
					return
				}
			}
		}
	}
	a.levels(cat, n+1)
}

// levels parses coeff_abs_level_minus1 and coeff_sign_flag of n coefficients.
func (a *arith) levels(cat, n int) {
	first := ctxLevel[cat]
	one := first + 1    // context of the first bin: more for each 1 so far, least once there was more
	larger := first + 5 // of the further bins: more for each level above 1
	for range n {
		if a.Bin(one) == 0 {
			if one > first && one < first+4 {
				one++
			}
		} else {
			level := 1
			for level < 14 && a.Bin(larger) == 1 {
				level++
			}
			if level == 14 {
				a.Golomb(0)
			}
			one = first
			larger = min(larger+1, first+9)
		}
		a.Bypass()
	}
}
