package motion

import (
	"math"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

const (
	rateBins  = 15              // that are looked at
	leastBin  = time.Second     // one is whole GOPs, of at least so much,
	mostBin   = 5 * time.Second // or this
	rateFlat  = 0.06            // deviation of the logarithm of a bin's bitrate: constant
	stepMoves = 0.25            // of the logarithm of the quantiser's step: one and a half of QP
)

// rate finds out whether the encoder holds its bitrate whatever the picture shows: then the
// bytes of each bin are the same though the quantiser moves.
type rate struct {
	begun    time.Duration // of the bin that is being added up
	bytes    float64
	steps    float64 // sum of bytes times the logarithm of the step
	past     []bin
	told     bool
	constant bool
}

// bin is the logarithms of a bitrate and of the quantiser's step.
type bin struct{ rate, step float64 }

// add takes the slices of the next frame.
func (r *rate) add(pts time.Duration, key bool, slices []bitstream.Slice) {
	if span := pts - r.begun; key && span >= leastBin || span >= mostBin || span < 0 {
		if r.bytes > 0 && span > 0 {
			r.past = append(r.past, bin{math.Log2(r.bytes / span.Seconds()), r.steps / r.bytes})
		}
		if n := len(r.past); n > rateBins {
			r.past = append(r.past[:0], r.past[n-rateBins:]...)
		}
		r.begun, r.bytes, r.steps = pts, 0, 0
		r.constant = len(r.past) == rateBins && r.held()
	}
	for i := range slices {
		s := &slices[i]
		r.bytes += float64(s.Bytes)
		r.steps += float64(s.Bytes) * float64(s.QP) / 6
	}
}

// last returns the bitrate of the latest bin, in bit/s; 0 if there is none.
func (r *rate) last() float64 {
	if len(r.past) == 0 {
		return 0
	}
	return 8 * math.Exp2(r.past[len(r.past)-1].rate)
}

// held reports whether the past took the same bytes with other quantisers.
func (r *rate) held() bool {
	var bytes, steps spread
	for _, p := range r.past {
		bytes.add(p.rate)
		steps.add(p.step)
	}
	return bytes.deviation() <= rateFlat && steps.most-steps.least >= stepMoves
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
