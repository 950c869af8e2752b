package scenes

import (
	"math"
	"math/rand/v2"
)

// lattice is value noise: random values at whole coordinates, smooth between them. It
// repeats after 256.
type lattice []float32

func newLattice(rnd *rand.Rand) lattice {
	l := make(lattice, 256*256)
	for i := range l {
		l[i] = rnd.Float32()
	}
	return l
}

// at returns the value at a point, 0 to 1.
//
//go:norace
func (l lattice) at(x, y float32) float32 {
	fx, fy := floor(x), floor(y)
	x, y = x-float32(fx), y-float32(fy)
	x, y = x*x*(3-2*x), y*y*(3-2*y)
	r0, r1 := fy&255<<8, (fy+1)&255<<8
	c0, c1 := fx&255, (fx+1)&255
	a, b := l[r0|c0], l[r1|c0]
	a += (l[r0|c1] - a) * x
	b += (l[r1|c1] - b) * x
	return a + (b-a)*y
}

// fbm sums octaves, each of twice the frequency and 0.6 of the height of the one
// before; 0 to 1, mostly about 0.5.
func (l lattice) fbm(x, y float32, octaves int) float32 {
	sum, height, total := float32(0), float32(1), float32(0)
	for range octaves {
		sum += height * l.at(x, y)
		total += height
		x, y, height = 2*x+17.3, 2*y+5.7, 0.6*height
	}
	return sum / total
}

func floor(x float32) int {
	i := int(x)
	if float32(i) > x {
		i--
	}
	return i
}

// colour is a pixel: luma and chroma as in the picture.
type colour struct{ y, cb, cr float32 }

// rgb returns the colour of red, green and blue from 0 to 255 (BT.601, studio range).
func rgb(r, g, b float32) colour {
	return colour{
		16 + 0.257*r + 0.504*g + 0.098*b,
		128 - 0.148*r - 0.291*g + 0.439*b,
		128 + 0.439*r - 0.368*g - 0.071*b,
	}
}

// times returns the colour under k times the light.
func (c colour) times(k float32) colour {
	return colour{16 + (c.y-16)*k, 128 + (c.cb-128)*k, 128 + (c.cr-128)*k}
}

// mix returns the colour with a share of another.
func (c colour) mix(o colour, share float32) colour {
	share = max(0, min(share, 1))
	return colour{c.y + (o.y-c.y)*share, c.cb + (o.cb-c.cb)*share, c.cr + (o.cr-c.cr)*share}
}

// infrared returns the colour as a camera without colours sees it.
func (c colour) infrared() colour { return colour{16 + 0.7*(c.y-16), 128, 128} }

// some returns a colour near c.
func (c colour) some(rnd *rand.Rand, by float32) colour {
	d := func() float32 { return by * (2*rnd.Float32() - 1) }
	return colour{c.y + d(), c.cb + d()/3, c.cr + d()/3}
}

func sin(x float32) float32 { return float32(math.Sin(float64(x))) }

// between returns a random number.
func between(rnd *rand.Rand, low, high float32) float32 { return low + (high-low)*rnd.Float32() }
