package scenes

import (
	"math"
	"time"
)

// Walker is a person who comes, walks through the picture, and leaves it. How fast and
// in which direction is the seed's choice, unless there is a Path.
type Walker struct {
	At     time.Duration // when the walker enters the picture
	Share  float64       // of the picture that the walker covers: 0.02
	Stands time.Duration // how long the walker stands in the middle

	// Path is where the walker goes instead, if given.
	Path []Point
}

// Point is where a walker is at some time, in shares of the picture's width and height.
// Between two points a walker goes straight on through space. Two points at one place
// are a stop.
type Point struct {
	At     time.Duration
	X, Y   float64 // of the feet
	Height float64
}

// stature is the area of a walker from the side in squares of the height; see
// TestWalkers.
const stature = 0.165

// pace is how many times their own height people walk in a second.
const pace = 0.8

// path returns the way of the walker number n.
func (w Walker) path(s Scene, n int) []Point {
	if len(w.Path) > 0 {
		return w.Path
	}
	rnd := s.random("walker" + string(rune('a'+n)))
	aspect := float64(s.Width) / float64(s.Height)
	high := math.Sqrt(w.Share * aspect / stature)
	half := 0.3 * high / aspect // a stride, half
	ground := min(max(0.5+0.55*high+0.08*rnd.Float64(), high+0.03), 0.98)
	speed := pace * (0.85 + 0.3*rnd.Float64()) * high / aspect // picture widths a second
	from, to := -half, 1+half
	if rnd.IntN(2) == 0 {
		from, to = to, from
	}
	span := time.Duration((1 + 2*half) / speed * float64(time.Second))
	at := w.At
	points := []Point{{at, from, ground, high}}
	if w.Stands > 0 {
		mid := 0.35 + 0.3*rnd.Float64()
		part := time.Duration(math.Abs(mid-from) / (1 + 2*half) * float64(span))
		points = append(points, Point{at + part, mid, ground, high}, Point{at + part + w.Stands, mid, ground, high})
		at += w.Stands
	}
	return append(points, Point{at + span, to, ground, high})
}

// pose is a walker at one moment.
type pose struct {
	x, y, height float64 // of the feet and above, in pixels
	heading      float64 // 0: to the right; π/2: towards the camera
	phase        float64 // of the gait, a turn is two steps
	swing        float64 // how far legs and arms swing: 1 on the way, 0 when standing
	stood        float64 // for how many seconds the walker has stood
}

// find returns the walker's pose at a time; ok is false outside the path.
func find(path []Point, s Scene, at time.Duration) (p pose, ok bool) {
	far := 0.0
	for i := 1; i < len(path); i++ {
		a, b := path[i-1], path[i]
		along, towards := way(a, b, s)
		long := math.Hypot(along, towards)
		if at >= b.At {
			if far += long; long > 0 {
				p.heading = math.Atan2(towards, along)
			}
			continue
		}
		if at < a.At {
			return p, false
		}
		u := float64(at-a.At) / float64(b.At-a.At)
		inverse := (1-u)/a.Height + u/b.Height // straight on through space is not straight on in the picture
		p.height = 1 / inverse * float64(s.Height)
		p.x = ((1-u)*a.X/a.Height + u*b.X/b.Height) / inverse * float64(s.Width)
		p.y = ((1-u)*a.Y/a.Height + u*b.Y/b.Height) / inverse * float64(s.Height)
		if long == 0 {
			p.stood = (at - a.At).Seconds()
		} else {
			p.heading = math.Atan2(towards, along)
			begun, left := (at - a.At).Seconds(), (b.At - at).Seconds()
			p.swing = min(1, 0.2+2*begun, 0.2+2*left)
		}
		p.phase = 2 * math.Pi * (far + u*long) / (0.84)
		return p, true
	}
	return p, false
}

// way returns how far it is from a to b, in heights of the walker, across the picture
// and towards the camera, which sees 53 degrees.
func way(a, b Point, s Scene) (along, towards float64) {
	aspect := float64(s.Width) / float64(s.Height)
	towards = aspect/a.Height - aspect/b.Height
	along = ((b.X-0.5)/b.Height - (a.X-0.5)/a.Height) * aspect
	return along, towards
}
