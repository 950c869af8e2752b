package scenes

import "time"

// glyphs are the figures of the clock, five bits in each of seven rows.
var glyphs = map[rune][7]byte{
	'0': {14, 17, 19, 21, 25, 17, 14}, '1': {4, 12, 4, 4, 4, 4, 14}, '2': {14, 17, 1, 2, 4, 8, 31},
	'3': {31, 2, 4, 2, 1, 17, 14}, '4': {2, 6, 10, 18, 31, 2, 2}, '5': {31, 16, 30, 1, 1, 17, 14},
	'6': {6, 8, 16, 30, 17, 17, 14}, '7': {31, 1, 2, 4, 8, 8, 8}, '8': {14, 17, 17, 14, 17, 17, 14},
	'9': {14, 17, 17, 15, 1, 2, 12}, '-': {0, 0, 0, 31, 0, 0, 0}, ':': {0, 4, 4, 0, 4, 4, 0},
}

// clockStart is what the clock shows at the beginning.
var clockStart = time.Date(2026, 3, 1, 9, 59, 30, 0, time.UTC)

// clock burns date and time into a picture, white with a dark edge.
//
//go:norace
func clock(out []byte, s Scene, at time.Duration) {
	scale := max(1, s.Height/180)
	text := clockStart.Add(at).Format("2006-01-02 15:04:05")
	left, top := 4*scale, 4*scale
	if s.Clock == BottomRight {
		left, top = s.Width-(6*len(text)+4)*scale, s.Height-11*scale
	}
	for pass := range 2 { // the edge, then the figures
		for n, r := range text {
			for row, line := range glyphs[r] {
				for col := range 5 {
					if line>>(4-col)&1 == 0 {
						continue
					}
					x, y := left+(6*n+col)*scale, top+row*scale
					if pass == 0 {
						box(out, s, x-1, y-1, scale+2, 20)
					} else {
						box(out, s, x, y, scale, 235)
					}
				}
			}
		}
	}
}

// box sets a square to a level, without colour.
//
//go:norace
func box(out []byte, s Scene, x, y, side int, level byte) {
	chroma := out[s.Width*s.Height:]
	for dy := range side {
		for dx := range side {
			out[(y+dy)*s.Width+x+dx] = level
			i := (y+dy)/2*(s.Width/2) + (x+dx)/2
			chroma[i], chroma[i+s.Width*s.Height/4] = 128, 128
		}
	}
}
