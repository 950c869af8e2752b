package scenes

import (
	"math"
	"math/rand/v2"
	"time"
)

// sines is one turn.
var sines = func() (t [256]float32) {
	for i := range t {
		t[i] = float32(math.Sin(float64(i) * math.Pi / 128))
	}
	return t
}()

// tree is the crown of the place's tree, as the wind moves it.
type tree struct {
	spots []spot
	gusts lattice
	far   float32 // how far it sways, in pixels
}

// spot is a pixel of luma in the crown.
type spot struct {
	x, y   int
	weight float32 // 1 in the middle, 0 at the edge
	phase  byte
}

func newTree(s Scene, p *place) tree {
	t := tree{far: float32(s.Wind) * float32(s.Width)}
	if s.Wind == 0 {
		return t
	}
	t.gusts = newLattice(s.random("wind"))
	unit := float32(s.Width) / wide
	r := 1.35 * p.treeR * unit
	for y := max(0, int(p.treeY*unit-r)); y < min(s.Height, int(p.treeY*unit+r)); y++ {
		for x := max(0, int(p.treeX*unit-r)); x < min(s.Width, int(p.treeX*unit+r)); x++ {
			dx, dy := (float32(x)-p.treeX*unit)/r, (float32(y)-p.treeY*unit)/r
			if d := 1 - dx*dx - dy*dy; d > 0 {
				phase := byte(int(600 * t.gusts.fbm(float32(x)/unit*1.5, float32(y)/unit*1.5, 2)))
				t.spots = append(t.spots, spot{x, y, min(1, 2*d), phase})
			}
		}
	}
	return t
}

// draw shifts the crown's pixels.
func (t *tree) draw(to, from *image, at time.Duration) {
	s := float32(at.Seconds())
	far := t.far * (0.25 + 1.2*t.gusts.fbm(s*0.2, 77, 2))
	t.shift(to, from, far, int(s*256*0.55), int(s*256*1.9), sines[byte(int(s*256*0.3))])
}

//go:norace
func (t *tree) shift(to, from *image, far float32, slow, quick int, lean float32) {
	for i := range t.spots {
		s := &t.spots[i]
		a, b := sines[byte(slow+int(s.phase))], sines[byte(quick+3*int(s.phase))]
		dx, dy := s.weight*far*(0.6*lean+0.5*a+0.25*b), s.weight*far*(0.25*a+0.25*b)
		from[0].sample(&to[0], s.x, s.y, dx, dy)
		if s.x&1 == 0 && s.y&1 == 0 {
			from[1].sample(&to[1], s.x/2, s.y/2, dx/2, dy/2)
			from[2].sample(&to[2], s.x/2, s.y/2, dx/2, dy/2)
		}
	}
}

// sample sets a pixel to what is a part of a pixel or more beside it.
//
//go:norace
func (p *plane) sample(to *plane, x, y int, dx, dy float32) {
	fx, fy := float32(x)+dx, float32(y)+dy
	ix, iy := floor(fx), floor(fy)
	kx, ky := fx-float32(ix), fy-float32(iy)
	x0, x1 := max(0, min(ix, p.w-1)), max(0, min(ix+1, p.w-1))
	y0, y1 := max(0, min(iy, p.h-1))*p.w, max(0, min(iy+1, p.h-1))*p.w
	a := float32(p.pix[y0+x0])*(1-kx) + float32(p.pix[y0+x1])*kx
	b := float32(p.pix[y1+x0])*(1-kx) + float32(p.pix[y1+x1])*kx
	to.pix[y*p.w+x] = int16(a + (b-a)*ky)
}

// drizzle draws drops of rain: streaks, in each picture elsewhere. An infrared lamp
// makes them shine.
//
//go:norace
func drizzle(p *plane, rnd *rand.Rand, drops int, night bool) {
	shine := int32(205 << bits)
	if night {
		shine = 250 << bits
	}
	for range drops {
		near := rnd.Float32()
		near *= near
		x, y := rnd.Float32()*float32(p.w), rnd.Float32()*float32(p.h)
		long := int((0.02 + 0.1*near) * float32(p.h))
		share := int32((0.1 + 0.2*rnd.Float32()) * 256)
		broad := 1 + int(near*float32(p.w)/300)
		for i := range long {
			py := int(y) + i
			for b := range broad {
				px := int(x-0.12*float32(i)) + b
				if px < 0 || py >= p.h || px >= p.w {
					continue
				}
				v := &p.pix[py*p.w+px]
				*v += int16((shine - int32(*v)) * share >> 8)
			}
		}
	}
}
