package scenes

import (
	"math/rand/v2"
)

// wide is the width of a place in its own units; its height is in proportion.
const wide = 16

// place is what stands still before the camera.
type place struct {
	look         [2]image // by day; as the infrared mode shows it
	lampX, lampY float64  // in picture widths
	treeX, treeY float32  // middle of a tree's crown, in units
	treeR        float32
}

// painter draws a place, back to front, in units of a sixteenth of the width.
type painter struct {
	w, h  int
	unit  float32 // in pixels
	high  float32 // the height in units
	pix   []colour
	tex   lattice
	rand  *rand.Rand
	place *place
}

func newPlace(s Scene) *place {
	rnd := s.random("place")
	p := &painter{w: s.Width, h: s.Height, unit: float32(s.Width) / wide, high: wide * float32(s.Height) / float32(s.Width),
		pix: make([]colour, s.Width*s.Height), tex: newLattice(rnd), rand: rnd, place: &place{}}
	switch s.Family {
	case Tune:
		p.garden()
	case Measure:
		p.yard()
	case Porch:
		p.porch()
	}
	p.soften()
	p.develop()
	return p.place
}

// shade is the surface of something: its colour at a point, in units from its corner.
type shade func(x, y float32) colour

// rect paints a rectangle.
func (p *painter) rect(x0, y0, x1, y1 float32, s shade) {
	p.area(x0, y0, x1, y1, func(x, y float32) (colour, bool) { return s(x-x0, y-y0), true })
}

// blob paints an ellipse with a ragged edge.
func (p *painter) blob(x, y, rx, ry, ragged float32, s shade) {
	p.area(x-1.4*rx, y-1.4*ry, x+1.4*rx, y+1.4*ry, func(px, py float32) (colour, bool) {
		dx, dy := (px-x)/rx, (py-y)/ry
		edge := 1 + ragged*(p.tex.fbm(px*3, py*3, 3)-0.5)
		return s(px-x, py-y), dx*dx+dy*dy < edge*edge
	})
}

// slope paints what lies between two lines that run from the left to the right: a
// roof, a path in perspective.
func (p *painter) slope(y0, y1 float32, left, right func(y float32) float32, s shade) {
	p.area(0, y0, wide, y1, func(x, y float32) (colour, bool) {
		return s(x, y-y0), x >= left(y) && x < right(y)
	})
}

// area asks for the colour of each pixel of a rectangle, and whether it has one.
func (p *painter) area(x0, y0, x1, y1 float32, s func(x, y float32) (colour, bool)) {
	for y := max(0, int(y0*p.unit)); y < min(p.h, int(y1*p.unit)); y++ {
		for x := max(0, int(x0*p.unit)); x < min(p.w, int(x1*p.unit)); x++ {
			if c, ok := s((float32(x)+0.5)/p.unit, (float32(y)+0.5)/p.unit); ok {
				p.pix[y*p.w+x] = c
			}
		}
	}
}

// soften is the lens.
func (p *painter) soften() {
	for range 2 {
		out := make([]colour, len(p.pix))
		for y := range p.h {
			for x := range p.w {
				at := func(dx, dy int) colour {
					return p.pix[max(0, min(y+dy, p.h-1))*p.w+max(0, min(x+dx, p.w-1))]
				}
				c := at(0, 0)
				for _, o := range [4]colour{at(-1, 0), at(1, 0), at(0, -1), at(0, 1)} {
					c.y, c.cb, c.cr = c.y+o.y/6, c.cb+o.cb/6, c.cr+o.cr/6
				}
				const k = 1 / (1 + 4.0/6)
				out[y*p.w+x] = colour{c.y * k, c.cb * k, c.cr * k}
			}
		}
		p.pix = out
	}
}

// develop makes the looks of the place. An infrared lamp beside the lens lights the
// middle more than the corners.
func (p *painter) develop() {
	for mode := range p.place.look {
		m := newImage(p.w, p.h)
		for y := range p.h {
			for x := range p.w {
				c := p.pix[y*p.w+x]
				if mode == 1 {
					u, v := float32(x)/float32(p.w)-0.5, float32(y)/float32(p.h)-0.6
					c = c.infrared().times(1.15 - 1.4*(u*u+v*v))
				}
				m[0].pix[y*p.w+x] = fixed(c.y)
				if x%2 == 0 && y%2 == 0 {
					m[1].pix[y/2*p.w/2+x/2] = fixed(c.cb)
					m[2].pix[y/2*p.w/2+x/2] = fixed(c.cr)
				}
			}
		}
		p.place.look[mode] = m
	}
}

//go:norace
func fixed(v float32) int16 { return int16(max(0, min(v, 255)) * (1 << bits)) }
