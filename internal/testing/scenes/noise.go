package scenes

import (
	"math"
	"math/rand/v2"
	"sync"
)

// tileSide is the side of the square of noise that pictures are covered with.
const tileSide = 1024

// tile returns noise of standard deviation 64. It is slightly low-pass filtered,
// as what an image processor leaves of a sensor's noise.
var tile = sync.OnceValue(func() []int16 {
	const n = tileSide
	rnd := rand.New(rand.NewPCG(1, 1))
	raw, rows := make([]float32, n*n), make([]float32, n*n)
	for i := range raw {
		raw[i] = float32(rnd.NormFloat64())
	}
	return smooth(raw, rows)
})

//go:norace
func smooth(raw, rows []float32) []int16 {
	const n = tileSide
	out := make([]int16, n*n)
	for i := range raw {
		rows[i] = raw[i&^(n-1)|(i-1)&(n-1)] + 3*raw[i] + raw[i&^(n-1)|(i+1)&(n-1)]
	}
	scale := float32(64.0 / 11) // 1² + 3² + 1², of each of the two filters
	for i := range out {
		out[i] = int16(math.RoundToEven(float64(scale * (rows[(i-n)&(n*n-1)] + 3*rows[i] + rows[(i+n)&(n*n-1)]))))
	}
	return out
}

// noise makes the bytes of a picture, with the sensor's noise.
type noise struct {
	rand  *rand.Rand
	x, y  int
	keeps int32 // of 256, see Scene.Denoise
	fresh int32
	old   [3][]int16
}

func newNoise(s Scene) noise {
	n := noise{rand: s.random("noise"), keeps: int32(256 * s.Denoise), fresh: int32(256 * math.Sqrt(1-s.Denoise*s.Denoise))}
	if n.keeps > 0 && s.Noise > 0 {
		n.old = [3][]int16{make([]int16, s.Width*s.Height), make([]int16, s.Width*s.Height/4), make([]int16, s.Width*s.Height/4)}
	}
	return n
}

// develop writes the picture with noise of the standard deviation sigma.
func (n *noise) develop(out []byte, m *image, sigma float64) {
	for i, p := range m {
		if sigma == 0 {
			round(out, p.pix)
		} else {
			n.x = (n.x + 100 + n.rand.IntN(tileSide-200)) % tileSide // no encoder finds the same noise near by
			n.y = (n.y + 100 + n.rand.IntN(tileSide-200)) % tileSide
			s := int32(256 * sigma)
			if i > 0 {
				s /= 2
			}
			n.add(out, p, n.old[i], s)
		}
		out = out[len(p.pix):]
	}
}

//go:norace
func (n *noise) add(out []byte, p plane, old []int16, sigma int32) {
	t := tile()
	for y := range p.h {
		row, from := t[(n.y+y)%tileSide*tileSide:][:tileSide], n.x
		dst, src := out[y*p.w:][:p.w], p.pix[y*p.w:][:p.w]
		if old == nil {
			for x := range dst {
				dst[x] = level(int32(src[x]) + int32(row[(from+x)&(tileSide-1)])*sigma>>8)
			}
			continue
		}
		o := old[y*p.w:][:p.w]
		for x := range dst { // kept at the deviation of 64, as sigma may change
			v := (int32(o[x])*n.keeps + int32(row[(from+x)&(tileSide-1)])*n.fresh) >> 8
			o[x] = int16(v)
			dst[x] = level(int32(src[x]) + v*sigma>>8)
		}
	}
}

//go:norace
func round(out []byte, pix []int16) {
	for i, v := range pix {
		out[i] = level(int32(v))
	}
}

// level returns the value of a pixel in the picture.
func level(v int32) byte {
	v = (v + 1<<(bits-1)) >> bits
	if v < 0 {
		return 0
	}
	if v > 255 {
		return 255
	}
	return byte(v)
}
