package scenes

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// walk draws one walker.
type walk struct {
	scene Scene
	place *place
	path  []Point
	look  look
	layer layer
}

// look is what a walker wears.
type look struct {
	coat, legs, shoes, skin, hair colour
	tex                           lattice
	pattern                       int // 0: folds alone, 1: stripes, 2: checks
	fine                          float32
}

func newWalk(s Scene, p *place, n int, w Walker) walk {
	rnd := s.random("clothes" + string(rune('a'+n)))
	l := look{
		coat: rgb(between(rnd, 25, 220), between(rnd, 25, 200), between(rnd, 25, 200)), legs: rgb(50, 55, 75).some(rnd, 35),
		shoes: rgb(40, 36, 34).some(rnd, 20), skin: rgb(200, 160, 135).some(rnd, 30), hair: rgb(70, 52, 40).some(rnd, 30),
		tex: newLattice(rand.New(rand.NewPCG(s.Seed, uint64(n)))), pattern: rnd.IntN(3), fine: between(rnd, 0.02, 0.05),
	}
	return walk{scene: s, place: p, path: w.path(s, n), look: l}
}

// joint is a point of the body: how far ahead, to the walker's left and above the ground,
// in heights.
type joint struct{ ahead, left, up float64 }

// limb is what is between two joints.
type limb struct {
	a, b   joint
	ra, rb float64 // radii
	colour colour
	cloth  bool // it has the coat's pattern
}

// limbs returns the body at one moment of its gait.
func (l *look) limbs(p pose) []limb {
	var out []limb
	lowest := 1.0
	sway := 0.006 * math.Sin(1.3*p.stood) * (1 - p.swing)
	for side := -1.0; side <= 1; side += 2 {
		phase := p.phase + side*math.Pi/2
		thigh := p.swing * 0.45 * math.Sin(phase)
		shin := thigh - 0.08 - p.swing*0.75*max(0, math.Sin(phase+1.2))
		hip := joint{sway, 0.048 * side, 0.5}
		knee := hip.down(thigh, 0.24)
		ankle := knee.down(shin, 0.23)
		toe := ankle.down(shin+math.Pi/2-0.35*(1-p.swing*0.5), 0.08)
		toe.left += 0.015 * side
		lowest = min(lowest, ankle.up-0.03, toe.up-0.018)
		out = append(out, limb{hip, knee, 0.062, 0.043, l.legs, false}, limb{knee, ankle, 0.043, 0.03, l.legs, false},
			limb{ankle, toe, 0.03, 0.02, l.shoes, false})
		arm := -p.swing * 0.5 * math.Sin(phase)
		shoulder := joint{2 * sway, 0.105 * side, 0.79}
		elbow := shoulder.down(arm-0.05, 0.17)
		hand := elbow.down(arm+0.25+0.3*max(0, arm), 0.16)
		out = append(out, limb{shoulder, elbow, 0.036, 0.031, l.coat, true}, limb{elbow, hand, 0.03, 0.024, l.coat, true},
			limb{hand, hand.down(arm+0.3, 0.03), 0.023, 0.02, l.skin, false})
		out = append(out, limb{joint{1.5 * sway, 0.05 * side, 0.53}, joint{2 * sway, 0.06 * side, 0.765}, 0.068, 0.072, l.coat, true})
	}
	turn := 0.01 * math.Sin(0.7*p.stood)
	out = append(out, limb{joint{2 * sway, 0, 0.8}, joint{2*sway + 0.01, 0, 0.87}, 0.035, 0.032, l.skin, false},
		limb{joint{2*sway + 0.012, turn, 0.9}, joint{2*sway + 0.006, turn, 0.935}, 0.05, 0.052, l.skin, false},
		limb{joint{2*sway - 0.012, turn, 0.93}, joint{2*sway - 0.008, turn, 0.95}, 0.054, 0.05, l.hair, false})
	for side := -0.02; side < 0.03; side += 0.04 {
		eye := joint{2*sway + 0.057, turn + side, 0.932}
		out = append(out, limb{eye, eye, 0.006, 0.006, l.shoes, false})
	}
	for i := range out {
		out[i].a.up -= lowest
		out[i].b.up -= lowest
	}
	return out
}

// down returns the other end of a bone that hangs from j, turned ahead by an angle.
func (j joint) down(angle, long float64) joint {
	return joint{j.ahead + long*math.Sin(angle), j.left, j.up - long*math.Cos(angle)}
}

// stroke is a limb in the picture: a line between two round ends, in pixels.
type stroke struct {
	x0, y0, r0, x1, y1, r1 float32
	near                   float64
	*limb
}

// draw draws the walker and his shadow into m, unless it is nil, and returns how many
// pixels he covers.
func (w *walk) draw(m *image, at time.Duration, night bool, gain float32) (covered int) {
	p, ok := find(w.path, w.scene, at)
	if !ok {
		return 0
	}
	limbs := w.look.limbs(p)
	strokes := make([]stroke, len(limbs))
	ahead, aside := math.Cos(p.heading), math.Sin(p.heading)
	project := func(j joint) (x, y float32, near float64) {
		near = j.ahead*aside + j.left*ahead
		return float32(p.x + (j.ahead*ahead-j.left*aside)*p.height), float32(p.y + (0.12*near-j.up)*p.height), near
	}
	for i := range limbs {
		s := &strokes[i]
		var n0, n1 float64
		s.limb = &limbs[i]
		s.x0, s.y0, n0 = project(limbs[i].a)
		s.x1, s.y1, n1 = project(limbs[i].b)
		s.r0, s.r1 = float32(limbs[i].ra*p.height), float32(limbs[i].rb*p.height)
		s.near = n0 + n1
		if !s.cloth { // a face is before its hair, legs are below a coat
			s.near -= 0.02
		}
	}
	slices.SortStableFunc(strokes, func(a, b stroke) int { return cmp.Compare(a.near, b.near) })
	h := int(p.height)
	w.layer.begin(int(p.x)-h/2, int(p.y)-h-h/8, h, h+h/4, w.scene)
	for i := range strokes {
		w.layer.paint(&strokes[i], &w.look, float32(p.height), night, gain)
	}
	for _, f := range w.place.fronts {
		if p.y < float64(f.y) {
			w.layer.hide(f)
		}
	}
	if m != nil {
		w.shadow(m, p, night)
		w.layer.onto(m)
	}
	return w.layer.covered()
}

// shadow darkens the ground at the walker's feet.
//
//go:norace
func (w *walk) shadow(m *image, p pose, night bool) {
	if night {
		return
	}
	rx, ry := 0.3*p.height, 0.05*p.height
	for y := max(0, int(p.y-ry)); y < min(m[0].h, int(p.y+ry)); y++ {
		for x := max(0, int(p.x-rx)); x < min(m[0].w, int(p.x+rx)); x++ {
			dx, dy := (float64(x)-p.x)/rx, (float64(y)-p.y)/ry
			if d := 1 - dx*dx - dy*dy; d > 0 && !w.place.hides(x, y, p.y) {
				v := &m[0].pix[y*m[0].w+x]
				*v -= int16(float64(*v-black) * 0.4 * min(1, 2*d))
			}
		}
	}
}

// layer is a piece of the picture in which a walker is put together.
type layer struct {
	x, y, w, h int
	pix        []colour
	alpha      []byte
}

// begin clears the layer for a piece of the scene's picture.
func (l *layer) begin(x, y, w, h int, s Scene) {
	x0, y0 := max(0, x)&^1, max(0, y)&^1
	l.x, l.y, l.w, l.h = x0, y0, max(0, min(s.Width, x+w)-x0), max(0, min(s.Height, y+h)-y0)
	n := l.w * l.h
	if cap(l.pix) < n {
		l.pix, l.alpha = make([]colour, n), make([]byte, n)
	}
	l.pix, l.alpha = l.pix[:n], l.alpha[:n]
	clear(l.alpha)
}

// paint paints one limb over those that are there.
//
//go:norace
func (l *layer) paint(s *stroke, k *look, height float32, night bool, gain float32) {
	r := max(s.r0, s.r1) + 1
	dx, dy := s.x1-s.x0, s.y1-s.y0
	long := dx*dx + dy*dy + 1e-6
	for y := max(l.y, int(min(s.y0, s.y1)-r)); y < min(l.y+l.h, int(max(s.y0, s.y1)+r)+1); y++ {
		for x := max(l.x, int(min(s.x0, s.x1)-r)); x < min(l.x+l.w, int(max(s.x0, s.x1)+r)+1); x++ {
			px, py := float32(x)-s.x0, float32(y)-s.y0
			along := max(0, min((px*dx+py*dy)/long, 1))
			ex, ey := px-along*dx, py-along*dy
			dist := float32(math.Sqrt(float64(ex*ex + ey*ey)))
			radius := s.r0 + (s.r1-s.r0)*along
			edge := radius - dist + 0.5
			if edge <= 0 {
				continue
			}
			side := (px*dy - py*dx) / float32(math.Sqrt(float64(long)))
			rim := dist / radius
			c := k.cloth(s, along*float32(math.Sqrt(float64(long)))/height, side/height).times(gain * (1.1 - 0.45*rim*rim + 0.15*ex/radius))
			if night {
				c = c.infrared().times(1.3)
			}
			i := (y-l.y)*l.w + x - l.x
			if edge >= 1 || l.alpha[i] == 0 {
				l.pix[i] = c
			} else {
				l.pix[i] = l.pix[i].mix(c, edge)
			}
			l.alpha[i] = max(l.alpha[i], byte(255*min(edge, 1)))
		}
	}
}

// cloth returns the colour of a limb at a point along it and beside its middle, in
// heights.
//
//go:norace
func (l *look) cloth(s *stroke, along, side float32) colour {
	c := s.colour.times(0.75 + 0.5*l.tex.fbm(along*25, side*25+float32(s.ra)*900, 3))
	if !s.cloth {
		return c
	}
	a, b := floor(along/l.fine)&1, floor((side+10)/l.fine)&1
	switch {
	case l.pattern == 1 && a == 1:
		c = c.mix(l.legs, 0.6)
	case l.pattern == 2 && a^b == 1:
		c = c.times(0.6)
	}
	return c
}

// hide leaves out what is behind something.
//
//go:norace
func (l *layer) hide(f front) {
	for y := max(l.y, f.y0); y < min(l.y+l.h, f.y1); y++ {
		for x := max(l.x, f.x0); x < min(l.x+l.w, f.x1); x++ {
			l.alpha[(y-l.y)*l.w+x-l.x] = 0
		}
	}
}

// covered counts the pixels that are covered for the most part.
//
//go:norace
func (l *layer) covered() (n int) {
	for _, a := range l.alpha {
		if a > 127 {
			n++
		}
	}
	return n
}

// onto lays the layer over a picture.
//
//go:norace
func (l *layer) onto(m *image) {
	for y := range l.h {
		for x := range l.w {
			i := y*l.w + x
			a := int32(l.alpha[i])
			if a == 0 {
				continue
			}
			px, py := l.x+x, l.y+y
			over(&m[0].pix[py*m[0].w+px], l.pix[i].y, a)
			if px&1 == 0 && py&1 == 0 {
				j := py/2*m[1].w + px/2
				over(&m[1].pix[j], l.pix[i].cb, a)
				over(&m[2].pix[j], l.pix[i].cr, a)
			}
		}
	}
}

//go:norace
func over(to *int16, v float32, alpha int32) {
	*to += int16((int32(fixed(v)) - int32(*to)) * alpha / 255)
}
