package motion

import (
	"math"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

const (
	history     = 240                    // values of a baseline
	sampleEvery = 250 * time.Millisecond // so that it holds a minute
	slowly      = 8                      // while something moves one of so many values counts
	enough      = 40                     // values to judge by: ten seconds
	leastSpread = 0.03                   // of the logarithm: 2 %
)

// baseline knows what is usual: the median of values, what few are above, and how far they usually lie from it
// (the median of the distances, in standard deviations of a normal distribution). The zero
// baseline is empty.
type baseline struct {
	values []float64
	next   int // to be replaced, when there are enough
	sorted []float64

	known          bool // there were enough to judge by
	middle, spread float64
	top            float64
}

// add takes a value.
func (b *baseline) add(v float64) { b.keep(history, v) }

// keep takes a value, and keeps so many.
func (b *baseline) keep(most int, v float64) {
	if len(b.values) < most {
		b.values = append(b.values, v)
	} else {
		b.values[b.next] = v
		b.next = (b.next + 1) % most
	}
	b.sorted = append(b.sorted[:0], b.values...)
	b.middle = median(b.sorted)
	b.top = b.sorted[len(b.sorted)*19/20]
	for i, v := range b.sorted {
		b.sorted[i] = math.Abs(v - b.middle)
	}
	b.spread = 1.4826 * median(b.sorted)
	b.known = b.known || len(b.values) >= enough
}

// reset begins anew with values.
func (b *baseline) reset(values ...float64) {
	b.values, b.next = b.values[:0], 0
	for _, v := range values {
		b.add(v)
	}
}

// due reports whether the next sample is to be taken, and notes when that was. Media time may
// begin anywhere.
func due(last *time.Duration, now time.Duration) bool {
	if ahead := now - *last; ahead >= 0 && ahead < sampleEvery {
		return false
	}
	*last = now
	return true
}

// lanes knows how much more the frames of one lane say than those of another. The zero
// lanes is ready to use.
type lanes struct {
	of   map[lane]*laneUsual
	main *laneUsual // that of the first frame
}

type laneUsual struct {
	baseline
	sampled time.Duration
}

// lane tells frames apart that are coded in different ways.
type lane struct {
	kind  bitstream.SliceKind
	layer uint8
}

// add takes what a frame of a lane says, now and then.
func (s *lanes) add(pts time.Duration, l lane, x float64) {
	u := s.of[l]
	if u == nil {
		u = &laneUsual{}
		if s.of == nil {
			s.of, s.main = map[lane]*laneUsual{}, u
		}
		s.of[l] = u
	}
	if due(&u.sampled, pts) || len(u.values) == 0 {
		u.baseline.add(x)
	}
}

// offset returns what the frames of a lane usually say more than those of the main one.
func (s *lanes) offset(l lane) float64 {
	if u := s.of[l]; u != nil {
		return u.middle - s.main.middle
	}
	return 0
}

// median sorts values, and returns the middle one; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}
