package scenes

import (
	"math/rand/v2"
	"slices"
)

// wide is the width of a place in its own units; its height is in proportion.
const wide = 16

// place is what stands still before the camera.
type place struct {
	look         [2]image // by day; as the infrared mode shows it
	lampX, lampY float64  // in picture widths
	treeX, treeY float32  // middle of a tree's crown, in units
	treeR        float32
	fronts       []front
}

// front is a piece of the picture that hides walkers whose feet are above the line y. All
// are in pixels of luma.
type front struct{ x0, y0, x1, y1, y int }

// hides reports whether something is in front of a pixel of a walker whose feet are at
// the height feet.
func (p *place) hides(x, y int, feet float64) bool {
	return slices.ContainsFunc(p.fronts, func(f front) bool {
		return feet < float64(f.y) && x >= f.x0 && x < f.x1 && y >= f.y0 && y < f.y1
	})
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
	calm  bool // no fine detail: it takes many bits
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

// fence paints a rectangle before which nobody is drawn who is behind it.
func (p *painter) fence(x0, y0, x1, y1 float32, s shade) {
	p.rect(x0, y0, x1, y1, s)
	px := func(v float32) int { return int(v*p.unit) &^ 1 }
	p.place.fronts = append(p.place.fronts, front{px(x0), px(y0), min(p.w, px(x1)), min(p.h, px(y1)), px(y1)})
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

// garden is a front garden: a house of bricks across a lawn, a hedge, a path, a tree.
func (p *painter) garden() {
	r := p.rand
	horizon := p.high * between(r, 0.38, 0.46)
	p.rect(0, 0, wide, horizon, p.sky(rgb(120, 160, 215).some(r, 12), horizon))
	for x := between(r, -1, 0); x < wide; x += between(r, 1.2, 2.4) { // trees far away
		p.blob(x, horizon-0.5, between(r, 0.9, 1.6), between(r, 0.8, 1.6), 0.5, p.leaves(rgb(75, 95, 70).some(r, 8), 0.22))
	}
	p.house(between(r, 1, 6), horizon)
	p.rect(0, horizon+0.1, wide, p.high, p.lawn(rgb(95, 125, 62).some(r, 10), p.high-horizon))
	p.rect(0, horizon-0.35, wide, horizon+0.45, p.leaves(rgb(60, 90, 48).some(r, 8), 0.13))
	mid, lean := between(r, 5, 11), between(r, -2, 2)
	width := between(r, 0.6, 1)
	p.slope(horizon+0.3, p.high, func(y float32) float32 { return mid + (y-horizon)*lean/4 - width*(y-horizon+0.3)*0.5 },
		func(y float32) float32 { return mid + (y-horizon)*lean/4 + width*(y-horizon+0.3)*0.5 }, p.slabs(rgb(150, 142, 132).some(r, 12), p.high-horizon))
	for range 3 { // flower beds
		x, y := between(r, 0, wide), between(r, horizon+1, p.high)
		p.blob(x, y, between(r, 0.6, 1.3), between(r, 0.3, 0.6), 0.7, p.leaves(rgb(140, 90, 70).some(r, 40), 0.09))
	}
	p.trunk(between(r, 11.5, 14.5), horizon, between(r, 1.3, 1.8))
	p.place.lampX, p.place.lampY = 0.25, 0.2
}

func (p *painter) house(x, ground float32) {
	r := p.rand
	w, h := between(r, 5, 7), between(r, 2, 2.5)
	top := ground - h
	roof := between(r, 0.9, 1.3)
	p.slope(top-roof, top+0.1, func(y float32) float32 { return x + (top-y)*1.1 - 0.3 }, func(y float32) float32 { return x + w - (top-y)*1.1 + 0.3 },
		p.bricks(rgb(120, 72, 58).some(r, 14), rgb(70, 45, 40), 0.22, 0.14))
	p.rect(x, top, x+w, ground, p.bricks(rgb(165, 98, 74).some(r, 18), rgb(170, 162, 150), 0.24, 0.085))
	for i := range 3 {
		p.window(x+0.5+float32(i)*w/3, top+0.35, 0.85, 0.95)
	}
	p.rect(x+w*0.55, ground-1.5, x+w*0.55+0.75, ground, p.boards(rgb(50, 85, 75).some(r, 25), 0.19, false))
}

// trunk paints the stem of a tree and gives its crown a place. The crown is drawn by
// the scene's tree if there is wind.
func (p *painter) trunk(x, ground, crown float32) {
	p.rect(x-0.16, ground-1.6, x+0.16, ground+0.9, p.boards(rgb(92, 72, 55), 0.08, false))
	p.place.treeX, p.place.treeY, p.place.treeR = x, ground-1.5, crown
	p.blob(x, p.place.treeY, crown, crown*0.9, 0.6, p.leaves(rgb(82, 116, 58).some(p.rand, 10), 0.17))
}

// yard is a drive before a wall: plaster, a wooden fence, a parked car, bins, shrubs.
func (p *painter) yard() {
	r := p.rand
	foot := p.high * between(r, 0.42, 0.5)
	split := between(r, 6, 9.5)
	p.rect(0, 0, split, foot, p.rough(rgb(186, 178, 160).some(r, 18), 0.07, 0.35))
	p.rect(split, 0, wide, foot, p.boards(rgb(140, 108, 78).some(r, 14), between(r, 0.22, 0.4), r.IntN(2) == 0))
	p.window(between(r, 0.7, 1.6), between(r, 0.5, 1), 1.5, 1.7)
	if r.IntN(2) == 0 {
		p.window(between(r, 3.4, 4.2), between(r, 0.5, 1), 1.2, 1.7)
	}
	p.rect(0, foot-0.3, split, foot, p.rough(rgb(110, 106, 100), 0.09, 0.4))
	p.rect(0, foot, wide, p.high, p.gravel(rgb(138, 130, 122).some(r, 12), p.high-foot))
	for x := split - 1; x < wide; x += between(r, 0.9, 2) { // shrubs at the fence
		p.blob(x, foot, between(r, 0.6, 1.1), between(r, 0.4, 0.8), 0.8, p.leaves(rgb(88, 104, 60).some(r, 16), 0.11))
	}
	for i := range 1 + r.IntN(3) { // bins
		x := between(r, 0.3, 0.6) + float32(i)*0.95
		p.rect(x, foot-0.9, x+0.75, foot+0.35, p.rough(rgb(60, 70, 62).some(r, 40), 0.3, 0.2))
		p.rect(x-0.05, foot-1, x+0.8, foot-0.84, p.rough(rgb(40, 45, 42), 0.3, 0.2))
	}
	p.car(between(r, 8.5, 10.5), foot+1.2)
	p.trunk(between(r, 13.5, 15.5), foot, between(r, 1.2, 1.7))
	p.place.lampX, p.place.lampY = 0.4, 0.1
}

// gravel is coarser near the camera.
func (p *painter) gravel(c colour, high float32) shade {
	off := 100 * p.rand.Float32()
	return func(x, y float32) colour {
		depth := 0.35 + y/high
		n := p.tex.at(off+(x-wide/2)*8/depth, off+40/depth)
		tracks := p.tex.fbm(off+x*0.5, off+y*1.2, 2)
		return c.times(0.55 + 0.6*n + 0.35*tracks)
	}
}

// car is one that is parked, seen from the side.
func (p *painter) car(x, y float32) {
	paint := rgb(110, 120, 135).some(p.rand, 60)
	body := func(px, py float32) colour {
		return paint.times(1.25-0.5*py).mix(rgb(235, 235, 240), 0.25*sin(px*1.3+1)-0.1)
	}
	p.blob(x+2.3, y+0.05, 2.6, 0.22, 0, func(_, _ float32) colour { return rgb(45, 43, 42) })
	p.blob(x+2.3, y-1.1, 1.5, 0.75, 0, body)
	p.blob(x+2.3, y-1.08, 1.3, 0.55, 0, func(px, py float32) colour { return rgb(45, 52, 60).mix(rgb(170, 185, 195), 0.4+0.5*py-0.3*px) })
	p.blob(x+2.3, y-0.55, 2.4, 0.5, 0, body)
	for _, wx := range []float32{x + 0.9, x + 3.7} {
		p.blob(wx, y-0.2, 0.42, 0.42, 0, p.rough(rgb(35, 35, 36), 0.1, 0.3))
		p.blob(wx, y-0.2, 0.22, 0.22, 0, p.rough(rgb(160, 162, 165), 0.05, 0.5))
	}
}

// porch is what a camera above a front door sees: the path from the gate, the garden on
// both sides, the door's frame at the edge. Surfaces are calm, so that the film is small.
func (p *painter) porch() {
	p.calm = true
	horizon := p.high * 0.3
	p.rect(0, 0, wide, horizon, p.sky(rgb(130, 168, 215), horizon))
	for i, x := range []float32{0.5, 2.6, 4.2, 12, 13.8, 15.6} {
		p.blob(x, horizon-0.3, 1.5, 0.8+0.3*float32(i%3), 0.4, p.leaves(rgb(84, 108, 74), 0.8))
	}
	p.rect(5.2, horizon-1.8, 9.9, horizon, p.rough(rgb(205, 188, 160), 0.8, 0.1)) // across the street
	p.slope(horizon-2.6, horizon-1.7, func(y float32) float32 { return 4.9 + (horizon-1.7-y)*1.3 }, func(y float32) float32 { return 10.2 - (horizon-1.7-y)*1.3 },
		p.rough(rgb(126, 76, 62), 0.5, 0.15))
	p.window(5.8, horizon-1.4, 0.7, 0.7)
	p.window(8.6, horizon-1.4, 0.7, 0.7)
	p.rect(7.3, horizon-1.3, 7.9, horizon, p.rough(rgb(60, 84, 100), 0.5, 0.1))
	p.rect(0, horizon-0.1, wide, horizon+0.35, p.rough(rgb(105, 104, 106), 0.6, 0.12)) // the street
	p.rect(0, horizon+0.35, wide, p.high, p.rough(rgb(104, 132, 74), 0.6, 0.2))
	p.slope(horizon+0.35, p.high, func(y float32) float32 { return 7.6 - (y-horizon)*0.62 }, func(y float32) float32 { return 8.4 + (y-horizon)*0.5 },
		p.slabs(rgb(165, 158, 148), p.high-horizon))
	foot := horizon + 0.85
	p.fence(0, horizon, 6.9, foot, p.leaves(rgb(70, 98, 56), 0.6)) // a hedge, with the gate between
	p.fence(8.9, horizon, wide, foot, p.leaves(rgb(70, 98, 56), 0.6))
	p.fence(6.75, horizon-0.35, 7, foot, p.rough(rgb(190, 186, 176), 0.4, 0.15))
	p.fence(8.8, horizon-0.35, 9.05, foot, p.rough(rgb(190, 186, 176), 0.4, 0.15))
	p.blob(3, 6.6, 1.7, 0.8, 0.6, p.leaves(rgb(150, 96, 84), 0.3))
	p.blob(12.6, 7.2, 1.9, 0.9, 0.6, p.leaves(rgb(140, 120, 66), 0.3))
	p.fence(15.1, 0, wide, p.high, p.rough(rgb(176, 168, 152), 3, 0.2)) // the frame
	p.place.lampX, p.place.lampY = 0.8, 0.35
	p.place.treeX, p.place.treeY, p.place.treeR = 12.9, horizon-0.6, 1
}
