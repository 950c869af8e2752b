package scenes

import "math"

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
func (k *look) cloth(s *stroke, along, side float32) colour {
	c := s.colour.times(0.75 + 0.5*k.tex.fbm(along*25, side*25+float32(s.ra)*900, 3))
	if !s.cloth {
		return c
	}
	a, b := floor(along/k.fine)&1, floor((side+10)/k.fine)&1
	switch {
	case k.pattern == 1 && a == 1:
		c = c.mix(k.legs, 0.6)
	case k.pattern == 2 && a^b == 1:
		c = c.times(0.6)
	}
	return c
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
