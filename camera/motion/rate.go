package motion

import (
	"math"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

const (
	rateSpan  = 30   // seconds that are looked at
	rateFlat  = 0.10 // of the logarithm of a second's bytes: constant
	stepMoves = 0.5  // of the logarithm of the quantiser's step: three steps of QP
)

// rate finds out whether the encoder holds its bitrate whatever the picture shows: then the
// bytes of each second are the same though the quantiser moves.
type rate struct {
	second time.Duration // that is being added up
	bytes  float64
	steps  float64 // sum of bytes times the logarithm of the step
	past   []past
	told   bool
	now    bool
}

type past struct{ bytes, step float64 }

// add takes the slices of the next frame.
func (r *rate) add(pts time.Duration, slices []bitstream.Slice) {
	if pts-r.second >= time.Second || pts < r.second {
		if r.bytes > 0 {
			r.past = append(r.past, past{math.Log2(r.bytes), r.steps / r.bytes})
		}
		if n := len(r.past); n > rateSpan {
			r.past = append(r.past[:0], r.past[n-rateSpan:]...)
		}
		r.second, r.bytes, r.steps = pts, 0, 0
		r.now = len(r.past) == rateSpan && r.constant()
	}
	for i := range slices {
		s := &slices[i]
		r.bytes += float64(s.Bytes)
		r.steps += float64(s.Bytes) * float64(s.QP) / 6
	}
}

// constant reports whether the past seconds took the same bytes with other quantisers.
func (r *rate) constant() bool {
	var bytes, steps spread
	for _, p := range r.past {
		bytes.add(p.bytes)
		steps.add(p.step)
	}
	return bytes.deviation() <= rateFlat && steps.most-steps.least >= stepMoves
}

// blind reports, once, that the bitrate is constant.
func (r *rate) blind() bool {
	if !r.now || r.told {
		return false
	}
	r.told = true
	return true
}

// spread is how far values lie apart.
type spread struct {
	n, sum, squares float64
	least, most     float64
}

func (s *spread) add(v float64) {
	if s.n == 0 {
		s.least, s.most = v, v
	}
	s.n, s.sum, s.squares = s.n+1, s.sum+v, s.squares+v*v
	s.least, s.most = min(s.least, v), max(s.most, v)
}

func (s *spread) deviation() float64 {
	mean := s.sum / s.n
	return math.Sqrt(max(s.squares/s.n-mean*mean, 0))
}
