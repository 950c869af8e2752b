package motion

import (
	"math"
	"slices"
	"time"
)

const (
	leastWindow = 3   // frames that a span covers at least
	mostWindow  = 128 // and at most
	longSpan    = 2.5 // times Config.Shortest: what stands out little has to do so for longer
	smoothed    = 0.6 // how much less than frames the median of some is spread, about
	shortZ      = 8   // spreads above the usual are a level of a half in the short span
	longZ       = 4.6 // and in the long one
	hidden      = 0.9 // of the logarithm: twice as large
	restless    = 3   // spreads from the usual are not usual
	fell        = 3 * time.Second
)

// sensor tells how unusual what frames say is.
type sensor struct {
	lanes  lanes   // to compare frames of different ones
	phases phases  // and of different places in a GOP
	spans  [2]span // short and long
	window []frame // the latest frames, of the long span

	sampled time.Duration // when something was last learned
	skipped int           // samples since the last one that counted, while something moves
}

// span is the latest frames for some time.
type span struct {
	smooth float64  // what most of them say at least
	usual  baseline // of that
	low    []float64
}

// frame is a frame of the window.
type frame struct {
	moment
	says   float64 // as if it were of the main lane, and anywhere in a GOP
	spread float64 // of frames at its place in the GOP
}

// moment is when a frame was.
type moment struct {
	pts  time.Duration
	wall time.Time
}

// frame puts what a frame says into terms that all frames have in common. Only quiet ones
// are learned from. It reports false while it is not known what the encoder does at that
// place in a GOP.
func (s *sensor) frame(at moment, since int, unsteady bool, l lane, x float64, quiet bool) (frame, bool) {
	rest := x - s.lanes.offset(l)
	if quiet {
		s.lanes.add(at.pts, l, x)
	}
	s.phases.add(since, rest, quiet)
	says, spread := s.phases.level(since, rest)
	return frame{moment: at, says: says, spread: spread}, s.phases.known() || !unsteady
}

// add takes the next frame, and returns how unusual what is seen now is: 0 to 1.
func (s *sensor) add(f frame, shortest time.Duration) (level float64) {
	s.window = append(s.window, f)
	if n := len(s.window); n > mostWindow || n > leastWindow && s.window[1].pts <= f.pts-time.Duration(longSpan*float64(shortest)) {
		s.window = append(s.window[:0], s.window[1:]...)
	}
	var says, spreads [mostWindow]float64
	n := len(s.window)
	for i := range s.spans {
		from := n - min(n, leastWindow)
		for from > 0 && (i > 0 || s.window[from-1].pts > f.pts-shortest) {
			from--
		}
		for j := from; j < n; j++ {
			says[j-from], spreads[j-from] = s.window[j].says, s.window[j].spread
		}
		p := &s.spans[i]
		p.smooth = low(says[:n-from])
		level = max(level, p.usual.level(p.smooth, smoothed*median(spreads[:n-from]), [...]float64{shortZ, longZ}[i]))
	}
	return level
}

// low returns what five of six values are not below. Frames that stand out do not count:
// a clock that changes, or what an encoder adds to a still picture when it has bits left.
// What moves does so in each frame.
func low(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/6]
}

// learn takes what is seen now for usual, now and then: quiet says that nothing moves,
// otherwise that is done slowly. What stays far below the usual is the new usual.
func (s *sensor) learn(now time.Duration, quiet bool) {
	if !due(&s.sampled, now) {
		return
	}
	if s.skipped++; quiet || s.skipped >= slowly {
		s.skipped, quiet = 0, true
	}
	for i := range s.spans {
		s.spans[i].learn(quiet)
	}
}

func (p *span) learn(quiet bool) {
	if u := &p.usual; u.known && p.smooth < u.middle-restless*max(u.spread, leastSpread) {
		if p.low = append(p.low, p.smooth); len(p.low) >= int(fell/sampleEvery) {
			u.reset(p.low...)
			p.low = p.low[:0]
		}
		return
	}
	if p.low = p.low[:0]; quiet {
		p.usual.add(p.smooth)
	}
}

// reset takes what frames say for usual.
func (s *sensor) reset(says []float64) {
	for i := range s.spans {
		s.spans[i].usual.reset(says...)
	}
}

// vague reports whether only what makes frames twice as large stands out.
func (s *sensor) vague() bool { return longZ*s.spans[1].usual.spread > hidden }

// fades reports whether what is seen is already less than half of what it was: a lamp was
// switched on, and the exposure follows. What moves stays.
func (s *sensor) fades() bool {
	most := math.Inf(-1)
	for i := range s.window {
		most = max(most, s.window[i].says)
	}
	return s.window[len(s.window)-1].says < most-1
}

// full reports whether there are enough frames to judge by.
func (s *sensor) full() bool { return len(s.window) >= leastWindow }

// onset returns the first of the frames without a break up to now that were as unusual.
func (s *sensor) onset(level float64) moment {
	i := len(s.window) - 1
	for i > 0 && s.spans[0].usual.level(s.window[i-1].says, s.window[i-1].spread, longZ) >= level {
		i--
	}
	return s.window[i].moment
}

// level returns how unusual a value is: a half at so many spreads above the
// middle, and 0 and 1 a factor of four below and above that.
func (b *baseline) level(v, spread, half float64) float64 {
	if !b.known || v <= b.middle {
		return 0
	}
	z := (v - b.middle) / max(b.spread, spread, leastSpread)
	return min(max(0.5+math.Log2(z/half)/4, 0), 1)
}
