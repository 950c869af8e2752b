package scenes

import (
	"cmp"
	"iter"
	"math/rand/v2"
	"time"
)

// Family is a set of places and of clothes that no other family has.
type Family uint8

// The families of scenes.
const (
	Tune    Family = iota // gardens: parameters are chosen here
	Measure               // yards: figures come from here
	Porch                 // a front door, for the sample film
)

// Corner is where a clock is burnt in.
type Corner uint8

// The corners in which a clock may be.
const (
	NoClock Corner = iota
	TopLeft
	BottomRight
)

// Scene describes what a camera sees. Its zero fields are a still place by day, 320 x
// 180 pixels, 15 pictures a second for a minute, with no noise.
type Scene struct {
	Family        Family
	Seed          uint64 // chooses the place, and everything that is left to chance
	Width, Height int    // in pixels, multiples of 4
	Rate          int    // pictures a second
	Length        time.Duration

	// Noise is the standard deviation of luma in the picture, of 255; that of chroma is
	// half of it. Good light has 1, dusk 3, a night without lamps 6 to 10.
	Noise float64

	// Denoise is how much of its noise a picture has from the one before, 0 to 0.9,
	// as of image processors that average over time.
	Denoise float64

	// Night is what the camera's infrared mode is at first.
	Night bool

	Clock  Corner
	Clouds float64 // by which share slow clouds darken and lighten the picture: 0.05
	Wind   float64 // how far a tree sways, in picture widths: 0.004 is a breeze, 0.015 a storm
	Rain   float64 // drops in each picture, in thousands: 0.1 is a drizzle, 0.5 a downpour
	RainAt time.Duration

	Walkers []Walker
	Lights  []Light
	IRCuts  []IRCut
}

// Light is a change of the light that stays.
type Light struct {
	At   time.Duration
	By   float64       // share by which the picture becomes lighter; negative: darker
	Over time.Duration // how long it takes; 0: a switch, of which the exposure takes half back
	Lamp bool          // it is stronger about a lamp
}

// IRCut is a change between the camera's modes for day and night. The exposure
// overshoots for half a second, and the noise is three times as strong by night.
type IRCut struct {
	At    time.Duration
	Night bool
}

// Picture is a drawn picture.
type Picture struct {
	At    time.Duration
	Data  []byte  // planar YUV 4:2:0, valid until the next picture
	Share float64 // of the picture that walkers cover
}

// Visitor returns the scene of the sample film of camera/cameratest/clips: at first nothing
// happens but that a lamp is switched on, then somebody comes in from the
// street, stands at the door and leaves.
func Visitor() Scene {
	return Scene{
		Family: Porch, Seed: 1, Width: 640, Height: 360, Length: time.Minute, Clock: TopLeft,
		Lights: []Light{{At: 8 * time.Second, By: 0.35, Lamp: true}, {At: 56 * time.Second, By: -0.35, Lamp: true}},
		Walkers: []Walker{{Path: []Point{
			{16 * time.Second, 0.97, 0.385, 0.15}, {22 * time.Second, 0.495, 0.385, 0.15}, // the street
			{22500 * time.Millisecond, 0.495, 0.40, 0.157}, {31 * time.Second, 0.53, 0.98, 0.7}, // the path
			{38 * time.Second, 0.53, 0.98, 0.7}, // at the door
			{46500 * time.Millisecond, 0.495, 0.40, 0.157}, {47 * time.Second, 0.495, 0.385, 0.15}, {53 * time.Second, 0.97, 0.385, 0.15},
		}}},
	}
}

func (s Scene) defaults() Scene {
	s.Width, s.Height = cmp.Or(s.Width, 320), cmp.Or(s.Height, 180)
	s.Rate, s.Length = cmp.Or(s.Rate, 15), cmp.Or(s.Length, time.Minute)
	return s
}

// count is the number of pictures.
func (s Scene) count() int {
	return int((s.Length*time.Duration(s.Rate) + time.Second/2) / time.Second)
}

// at returns the time of picture i.
func (s Scene) at(i int) time.Duration { return time.Duration(i) * time.Second / time.Duration(s.Rate) }

// Film is raw pictures.
type Film struct {
	Width, Height int
	Rate          int // pictures a second

	// Pictures are in planar YUV 4:2:0, each valid until the next.
	Pictures iter.Seq[[]byte]
}

// Film returns the pictures of the scene.
func (s Scene) Film() Film {
	s = s.defaults()
	return Film{Width: s.Width, Height: s.Height, Rate: s.Rate, Pictures: func(yield func([]byte) bool) {
		for p := range s.Pictures() {
			if !yield(p.Data) {
				return
			}
		}
	}}
}

// Pictures draws the scene.
func (s Scene) Pictures() iter.Seq[Picture] {
	return func(yield func(Picture) bool) {
		c := newCanvas(s.defaults())
		for i := range c.scene.count() {
			if !yield(c.draw(c.scene.at(i))) {
				return
			}
		}
	}
}

// random returns the scene's source of chance for one purpose.
func (s Scene) random(purpose string) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, b := range []byte(purpose) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(s.Seed, h+uint64(s.Family)))
}

// night reports whether the camera is in its infrared mode, and since when it is in
// the mode that it is in, which is negative if it always was.
func (s Scene) night(at time.Duration) (night bool, since time.Duration) {
	night, since = s.Night, -1
	for _, c := range s.IRCuts {
		if c.At <= at && c.Night != night {
			night, since = c.Night, c.At
		}
	}
	return night, since
}
