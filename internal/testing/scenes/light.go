package scenes

import (
	"math"
	"slices"
	"time"
)

// knot is the distance of the points, in pixels of luma, between which the gain is
// interpolated.
const knot = 16

// light holds the gain of the picture: what the light of the moment makes of the
// place's.
type light struct {
	scene  Scene
	place  *place
	w, h   int // knots
	gains  []float32
	done   [2][]float32 // those with which a look was lit
	clouds lattice
}

func newLight(s Scene, p *place) light {
	l := light{scene: s, place: p, w: (s.Width+knot-1)/knot + 1, h: (s.Height+knot-1)/knot + 1, clouds: newLattice(s.random("clouds"))}
	l.gains = make([]float32, l.w*l.h)
	return l
}

// settling is how fast the exposure follows.
const settling = 400 * time.Millisecond

// set lights a look of the place. It returns the gain in the middle of the picture.
func (l *light) set(at, since time.Duration, mode int, look, lit *image) float32 {
	even, lamp := l.levels(at)
	if since >= 0 {
		even *= 1 + 0.5*math.Exp(-float64(at-since)/float64(settling))
	}
	t := at.Seconds()
	for y := range l.h {
		for x := range l.w {
			u, v := float64(x*knot)/float64(l.scene.Width), float64(y*knot)/float64(l.scene.Width)
			g := even
			if lamp != 0 {
				du, dv := u-l.place.lampX, v-l.place.lampY
				g *= 1 + lamp*(0.4+1.2*math.Exp(-(du*du+dv*dv)/0.08))
			}
			if l.scene.Clouds > 0 {
				g *= 1 + l.scene.Clouds*(2*float64(l.clouds.fbm(float32(1.5*u-0.05*t), float32(1.5*v+0.02*t), 2))-1)
			}
			l.gains[y*l.w+x] = float32(g)
		}
	}
	if !slices.Equal(l.gains, l.done[mode]) {
		l.done[mode] = append(l.done[mode][:0], l.gains...)
		l.apply(&lit[0], &look[0], knot, black)
		l.apply(&lit[1], &look[1], knot/2, grey)
		l.apply(&lit[2], &look[2], knot/2, grey)
	}
	return l.gains[l.h/2*l.w+l.w/2]
}

// levels returns the gain everywhere, and the share that a lamp adds.
func (l *light) levels(at time.Duration) (even, lamp float64) {
	even = 1
	for _, c := range l.scene.Lights {
		if at < c.At {
			continue
		}
		by := c.By
		switch age := at - c.At; {
		case age < c.Over:
			by *= float64(age) / float64(c.Over)
		case c.Over == 0:
			by *= 0.5 + 0.5*math.Exp(-float64(age)/float64(settling))
		}
		if c.Lamp {
			lamp += by
		} else {
			even *= 1 + by
		}
	}
	return even, lamp
}

//go:norace
func (l *light) apply(to, from *plane, step int, zero int32) {
	for y := range to.h {
		row := l.gains[y/step*l.w:]
		part := float32(y%step) / float32(step)
		for x0 := 0; x0 < to.w; x0 += step {
			k := x0 / step
			left := row[k] + (row[k+l.w]-row[k])*part
			right := row[k+1] + (row[k+1+l.w]-row[k+1])*part
			g, dg := int32(left*(1<<20)), int32((right-left)*(1<<20)/float32(step))
			end := y*to.w + min(x0+step, to.w)
			for i := y*to.w + x0; i < end; i++ {
				v := zero + int32(int64(int32(from.pix[i])-zero)*int64(g)>>20)
				to.pix[i] = int16(max(0, min(v, 255<<bits)))
				g += dg
			}
		}
	}
}
