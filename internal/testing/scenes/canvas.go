package scenes

import (
	"math/rand/v2"
	"time"
)

// Values of pixels on their way have six bits more than in the picture, so that slow
// changes of light do not come in steps.
const (
	bits  = 6
	black = 16 << bits
	grey  = 128 << bits
)

// plane is one component of a picture.
type plane struct {
	w, h int
	pix  []int16
}

func newPlane(w, h int) plane { return plane{w, h, make([]int16, w*h)} }

// image is a picture on its way: luma and two chroma planes of half its size.
type image [3]plane

func newImage(w, h int) image {
	return image{newPlane(w, h), newPlane(w/2, h/2), newPlane(w/2, h/2)}
}

func (m *image) copy(from *image) {
	for i := range m {
		copy(m[i].pix, from[i].pix)
	}
}

// canvas draws the pictures of a scene, one after the other.
type canvas struct {
	scene Scene
	place *place
	light light
	lit   [2]image // the place by day and by night in the light of the newest picture
	work  image
	noise noise
	tree  tree
	rain  *rand.Rand
	out   []byte
	walk  []walk
}

func newCanvas(s Scene) *canvas {
	c := &canvas{scene: s, place: newPlace(s), work: newImage(s.Width, s.Height), rain: s.random("rain"),
		out: make([]byte, s.Width*s.Height*3/2)}
	c.light = newLight(s, c.place)
	c.noise = newNoise(s)
	c.tree = newTree(s, c.place)
	for i, w := range s.Walkers {
		c.walk = append(c.walk, newWalk(s, c.place, i, w))
	}
	for i := range c.lit {
		c.lit[i] = newImage(s.Width, s.Height)
	}
	return c
}

func (c *canvas) draw(at time.Duration) Picture {
	night, since := c.scene.night(at)
	mode, sigma := 0, c.scene.Noise
	if night {
		mode, sigma = 1, 3*sigma
	}
	gain := c.light.set(at, since, mode, &c.place.look[mode], &c.lit[mode])
	c.work.copy(&c.lit[mode])
	if c.scene.Wind > 0 {
		c.tree.draw(&c.work, &c.lit[mode], at)
	}
	covered := 0
	for i := range c.walk {
		covered += c.walk[i].draw(&c.work, at, night, gain)
	}
	if c.scene.Rain > 0 && at >= c.scene.RainAt {
		drizzle(&c.work[0], c.rain, int(1000*c.scene.Rain), night)
	}
	c.noise.develop(c.out, &c.work, sigma)
	if c.scene.Clock != NoClock {
		clock(c.out, c.scene, at)
	}
	return Picture{At: at, Data: c.out, Share: float64(covered) / float64(c.scene.Width*c.scene.Height)}
}
