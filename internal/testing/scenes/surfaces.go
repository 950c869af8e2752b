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

// detail is fbm, with fewer octaves if the place is calm.
func (p *painter) detail(x, y float32, octaves int) float32 {
	if p.calm {
		octaves = max(1, octaves-2)
	}
	return p.tex.fbm(x, y, octaves)
}

// leaves is foliage: dark gaps, light tips.
func (p *painter) leaves(c colour, size float32) shade {
	off := 100 * p.rand.Float32()
	return func(x, y float32) colour {
		n := p.detail(off+x/size, off+y/size, 4)
		if p.calm {
			return c.times(0.65 + 0.7*n)
		}
		return c.times(0.25+1.5*n*n*1.6).mix(rgb(220, 225, 160), 0.5*(n-0.62))
	}
}

// rough is a surface with spots and stains, such as plaster or asphalt.
func (p *painter) rough(c colour, grain, strength float32) shade {
	off := 100 * p.rand.Float32()
	return func(x, y float32) colour {
		fine, stains := p.detail(off+x/grain, off+y/grain, 2), p.detail(off+x*0.5, off+y*0.4, 3)
		return c.times(1 + strength*(fine-0.5) + 0.5*(stains-0.5))
	}
}

// bricks are courses of stones of different shades with joints.
func (p *painter) bricks(c, joint colour, w, h float32) shade {
	off := 100 * p.rand.Float32()
	grain := p.rough(c, 0.05, 0.3)
	return func(x, y float32) colour {
		row := floor(y / h)
		if row&1 == 1 {
			x += w / 2
		}
		col := floor(x / w)
		if y-float32(row)*h < 0.16*h || x-float32(col)*w < 0.09*w {
			return joint
		}
		return grain(x, y).times(0.75 + 0.5*p.tex.at(off+float32(col)*1.7, off+float32(row)*2.3))
	}
}

// boards are planks of wood that stand or lie.
func (p *painter) boards(c colour, w float32, lie bool) shade {
	off := 100 * p.rand.Float32()
	return func(x, y float32) colour {
		if lie {
			x, y = y, x
		}
		n := floor(x / w)
		if x-float32(n)*w < 0.1*w {
			return c.times(0.3)
		}
		grain := p.detail(off+x*14, off+y*0.9+float32(n)*7.7, 3)
		return c.times((0.7 + 0.6*grain) * (0.8 + 0.4*p.tex.at(off+float32(n)*3.3, off)))
	}
}

// lawn is grass in perspective: finer in the distance, which is up.
func (p *painter) lawn(c colour, high float32) shade {
	off := 100 * p.rand.Float32()
	return func(x, y float32) colour {
		depth := 0.3 + y/high
		n := p.detail(off+(x-wide/2)*9/depth, off+14/depth*high*0.4, 3)
		blades := p.tex.at(off+x*12, off+y*7)
		return c.times(0.55 + 0.55*n + 0.45*blades)
	}
}

// slabs are stones on the ground in perspective.
func (p *painter) slabs(c colour, high float32) shade {
	grain := p.rough(c, 0.06, 0.35)
	if p.calm {
		grain = p.rough(c, 2, 0.2)
	}
	return func(x, y float32) colour {
		depth := 0.25 + y/high
		u, v := (x-wide/2)/depth, 4/depth
		if v-float32(floor(v)) < 0.07 || u-float32(floor(u)) < 0.04 {
			return grain(x, y).times(0.6)
		}
		return grain(x, y).times(0.85 + 0.3*p.tex.at(float32(floor(u))*1.3, float32(floor(v))*1.9))
	}
}

// sky is lighter at the horizon, with thin clouds that stand still.
func (p *painter) sky(c colour, high float32) shade {
	off := 100 * p.rand.Float32()
	return func(x, y float32) colour {
		n := p.detail(off+x*0.35, off+y*0.9, 4)
		return c.mix(rgb(235, 235, 230), 0.75*y/high).mix(rgb(250, 250, 250), 2*(n-0.5))
	}
}

// window paints a window with its frame; curtains are behind the glass.
func (p *painter) window(x, y, w, h float32) {
	const f = 0.09
	white := p.rough(rgb(225, 222, 214), 0.1, 0.1)
	p.rect(x-f, y-f, x+w+f, y+h+f, white)
	dark := rgb(50, 60, 72).some(p.rand, 14)
	off := 100 * p.rand.Float32()
	p.rect(x, y, x+w, y+h, func(px, py float32) colour {
		c := dark.mix(rgb(150, 170, 190), 0.5*p.detail(off+px*1.5+py, off+py*1.5, 3))
		if px < 0.28*w || px > 0.72*w {
			c = c.mix(rgb(190, 180, 165), 0.4+0.3*sin(px*40))
		}
		return c
	})
	p.rect(x+w/2-f/3, y, x+w/2+f/3, y+h, white)
	p.rect(x, y+h*0.45-f/3, x+w, y+h*0.45+f/3, white)
	p.rect(x-2*f, y+h+f, x+w+2*f, y+h+2*f, p.rough(rgb(170, 165, 155), 0.1, 0.2))
}
