package macroblock

import "math/bits"

// code is a code word of variable length: its bits and how many they are. The zero code is
// none.
type code struct{ bits, size uint8 }

// coeffToken are coeff_token by TotalCoeff<<2 | TrailingOnes (H.264 table 9-5), for
// 0 <= nC < 2, 2 <= nC < 4 and 4 <= nC < 8.
var coeffToken = [3][17 * 4]code{
	{
		{1, 1}, {}, {}, {}, {5, 6}, {1, 2}, {}, {}, {7, 8}, {4, 6}, {1, 3}, {},
		{7, 9}, {6, 8}, {5, 7}, {3, 5}, {7, 10}, {6, 9}, {5, 8}, {3, 6}, {7, 11}, {6, 10}, {5, 9}, {4, 7},
		{15, 13}, {6, 11}, {5, 10}, {4, 8}, {11, 13}, {14, 13}, {5, 11}, {4, 9}, {8, 13}, {10, 13}, {13, 13}, {4, 10},
		{15, 14}, {14, 14}, {9, 13}, {4, 11}, {11, 14}, {10, 14}, {13, 14}, {12, 13}, {15, 15}, {14, 15}, {9, 14}, {12, 14},
		{11, 15}, {10, 15}, {13, 15}, {8, 14}, {15, 16}, {1, 15}, {9, 15}, {12, 15}, {11, 16}, {14, 16}, {13, 16}, {8, 15},
		{7, 16}, {10, 16}, {9, 16}, {12, 16}, {4, 16}, {6, 16}, {5, 16}, {8, 16},
	},
	{
		{3, 2}, {}, {}, {}, {11, 6}, {2, 2}, {}, {}, {7, 6}, {7, 5}, {3, 3}, {},
		{7, 7}, {10, 6}, {9, 6}, {5, 4}, {7, 8}, {6, 6}, {5, 6}, {4, 4}, {4, 8}, {6, 7}, {5, 7}, {6, 5},
		{7, 9}, {6, 8}, {5, 8}, {8, 6}, {15, 11}, {6, 9}, {5, 9}, {4, 6}, {11, 11}, {14, 11}, {13, 11}, {4, 7},
		{15, 12}, {10, 11}, {9, 11}, {4, 9}, {11, 12}, {14, 12}, {13, 12}, {12, 11}, {8, 12}, {10, 12}, {9, 12}, {8, 11},
		{15, 13}, {14, 13}, {13, 13}, {12, 12}, {11, 13}, {10, 13}, {9, 13}, {12, 13}, {7, 13}, {11, 14}, {6, 13}, {8, 13},
		{9, 14}, {8, 14}, {10, 14}, {1, 13}, {7, 14}, {6, 14}, {5, 14}, {4, 14},
	},
	{
		{15, 4}, {}, {}, {}, {15, 6}, {14, 4}, {}, {}, {11, 6}, {15, 5}, {13, 4}, {},
		{8, 6}, {12, 5}, {14, 5}, {12, 4}, {15, 7}, {10, 5}, {11, 5}, {11, 4}, {11, 7}, {8, 5}, {9, 5}, {10, 4},
		{9, 7}, {14, 6}, {13, 6}, {9, 4}, {8, 7}, {10, 6}, {9, 6}, {8, 4}, {15, 8}, {14, 7}, {13, 7}, {13, 5},
		{11, 8}, {14, 8}, {10, 7}, {12, 6}, {15, 9}, {10, 8}, {13, 8}, {12, 7}, {11, 9}, {14, 9}, {9, 8}, {12, 8},
		{8, 9}, {10, 9}, {13, 9}, {8, 8}, {13, 10}, {7, 9}, {9, 9}, {12, 9}, {9, 10}, {12, 10}, {11, 10}, {10, 10},
		{5, 10}, {8, 10}, {7, 10}, {6, 10}, {1, 10}, {4, 10}, {3, 10}, {2, 10},
	},
}

// coeffTokenDC are those of chroma DC coefficients, nC = -1.
var coeffTokenDC = [5 * 4]code{
	{1, 2}, {}, {}, {}, {7, 6}, {1, 1}, {}, {}, {4, 6}, {6, 6}, {1, 3}, {},
	{3, 6}, {3, 7}, {2, 7}, {5, 6}, {2, 6}, {3, 8}, {2, 8}, {0, 7},
}

// totalZeros are total_zeros by the number of coefficients less one (H.264 tables 9-7 and
// 9-8).
var totalZeros = [15][]code{
	{{1, 1}, {3, 3}, {2, 3}, {3, 4}, {2, 4}, {3, 5}, {2, 5}, {3, 6}, {2, 6}, {3, 7}, {2, 7}, {3, 8}, {2, 8}, {3, 9}, {2, 9}, {1, 9}},
	{{7, 3}, {6, 3}, {5, 3}, {4, 3}, {3, 3}, {5, 4}, {4, 4}, {3, 4}, {2, 4}, {3, 5}, {2, 5}, {3, 6}, {2, 6}, {1, 6}, {0, 6}},
	{{5, 4}, {7, 3}, {6, 3}, {5, 3}, {4, 4}, {3, 4}, {4, 3}, {3, 3}, {2, 4}, {3, 5}, {2, 5}, {1, 6}, {1, 5}, {0, 6}},
	{{3, 5}, {7, 3}, {5, 4}, {4, 4}, {6, 3}, {5, 3}, {4, 3}, {3, 4}, {3, 3}, {2, 4}, {2, 5}, {1, 5}, {0, 5}},
	{{5, 4}, {4, 4}, {3, 4}, {7, 3}, {6, 3}, {5, 3}, {4, 3}, {3, 3}, {2, 4}, {1, 5}, {1, 4}, {0, 5}},
	{{1, 6}, {1, 5}, {7, 3}, {6, 3}, {5, 3}, {4, 3}, {3, 3}, {2, 3}, {1, 4}, {1, 3}, {0, 6}},
	{{1, 6}, {1, 5}, {5, 3}, {4, 3}, {3, 3}, {3, 2}, {2, 3}, {1, 4}, {1, 3}, {0, 6}},
	{{1, 6}, {1, 4}, {1, 5}, {3, 3}, {3, 2}, {2, 2}, {2, 3}, {1, 3}, {0, 6}},
	{{1, 6}, {0, 6}, {1, 4}, {3, 2}, {2, 2}, {1, 3}, {1, 2}, {1, 5}},
	{{1, 5}, {0, 5}, {1, 3}, {3, 2}, {2, 2}, {1, 2}, {1, 4}},
	{{0, 4}, {1, 4}, {1, 3}, {2, 3}, {1, 1}, {3, 3}},
	{{0, 4}, {1, 4}, {1, 2}, {1, 1}, {1, 3}},
	{{0, 3}, {1, 3}, {1, 1}, {1, 2}},
	{{0, 2}, {1, 2}, {1, 1}},
	{{0, 1}, {1, 1}},
}

// totalZerosDC are those of chroma DC coefficients (H.264 table 9-9 a).
var totalZerosDC = [3][]code{
	{{1, 1}, {1, 2}, {1, 3}, {0, 3}},
	{{1, 1}, {1, 2}, {0, 2}},
	{{1, 1}, {0, 1}},
}

// runBefore are run_before by zerosLeft less one, up to 6 (H.264 table 9-10). Above it
// takes 3 bits, 7 less than the run; from 7 on one bit more for each zero.
var runBefore = [6][]code{
	{{1, 1}, {0, 1}},
	{{1, 1}, {1, 2}, {0, 2}},
	{{3, 2}, {2, 2}, {1, 2}, {0, 2}},
	{{3, 2}, {2, 2}, {1, 2}, {1, 3}, {0, 3}},
	{{3, 2}, {2, 2}, {3, 3}, {2, 3}, {1, 3}, {0, 3}},
	{{3, 2}, {0, 3}, {1, 3}, {3, 3}, {2, 3}, {5, 3}, {4, 3}},
}

// patternsIntra and patternsInter are coded_block_pattern by codeNum (H.264 table 9-4 a).
var patternsIntra = [48]uint8{
	47, 31, 15, 0, 23, 27, 29, 30, 7, 11, 13, 14, 39, 43, 45, 46,
	16, 3, 5, 10, 12, 19, 21, 26, 28, 35, 37, 42, 44, 1, 2, 4,
	8, 17, 18, 20, 24, 6, 9, 22, 25, 32, 33, 34, 36, 40, 38, 41,
}

var patternsInter = [48]uint8{
	0, 16, 1, 2, 4, 8, 32, 3, 5, 10, 12, 15, 47, 7, 11, 13,
	14, 6, 9, 31, 35, 37, 42, 44, 33, 34, 36, 40, 39, 43, 45, 46,
	17, 18, 20, 24, 19, 21, 26, 28, 23, 27, 29, 30, 22, 25, 38, 41,
}

// What a code word stands for is looked up by the next bits; an entry has the size of the
// word in front: from bit 8 on for tokens, which are longer, from bit 4 on for others.
var (
	tokens    = [3][17 * 8]uint16{byZeros(&coeffToken[0]), byZeros(&coeffToken[1]), byZeros(&coeffToken[2])}
	tokensDC  = byBits8(&coeffTokenDC)
	zerosOf   = byBits9(&totalZeros)
	zerosOfDC = [3][8]uint8{byBits3(totalZerosDC[0]), byBits3(totalZerosDC[1]), byBits3(totalZerosDC[2])}
	runsOf    = [6][8]uint8{byBits3(runBefore[0]), byBits3(runBefore[1]), byBits3(runBefore[2]), byBits3(runBefore[3]), byBits3(runBefore[4]), byBits3(runBefore[5])}
)

// byZeros makes a table by the number of zeros in front and the three bits behind the one
// after them.
func byZeros(codes *[17 * 4]code) (t [17 * 8]uint16) {
	for i, c := range codes {
		if c.size == 0 {
			continue
		}
		n := bits.Len8(c.bits) // behind the zeros
		at := (int(c.size)-n)<<3 | int(c.bits)<<(4-n)&7
		for k := range 1 << (4 - n) {
			t[at+k] = uint16(c.size)<<8 | uint16(i)
		}
	}
	return t
}

func byBits8(codes *[5 * 4]code) (t [1 << 8]uint16) {
	for i, c := range codes {
		if c.size == 0 {
			continue
		}
		at := int(c.bits) << (8 - c.size)
		for k := range 1 << (8 - c.size) {
			t[at+k] = uint16(c.size)<<8 | uint16(i)
		}
	}
	return t
}

func byBits9(codes *[15][]code) (t [15][1 << 9]uint8) {
	for n := range codes {
		fillIn(t[n][:], 9, codes[n])
	}
	return t
}

func byBits3(codes []code) (t [1 << 3]uint8) {
	fillIn(t[:], 3, codes)
	return t
}

// fillIn makes a table by the next bits.
func fillIn(t []uint8, width uint8, codes []code) {
	for i, c := range codes {
		at := int(c.bits) << (width - c.size)
		for k := range 1 << (width - c.size) {
			t[at+k] = c.size<<4 | uint8(i)
		}
	}
}
