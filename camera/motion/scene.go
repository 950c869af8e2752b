package motion

import (
	"slices"
	"time"
)

const (
	stepShare  = 2.2              // a frame says at least 2^-2.2 of what a key frame says,
	stepTop    = 0.5              // more than nearly all in the last minute,
	stepUp     = 2                // and 2^2 times what is usual, and what the frames before it say,
	stepKeyed  = 1.2              // or 2^1.2 times, if a key frame hides the change itself:
	afterStep  = 2                // in the frames behind it;
	stepWhole  = 1.5              // or 2^-1.5 of a key frame, whatever was before
	recent     = 3                // frames before it
	stepAgain  = 5 * time.Second  // one step that soon after another goes on with it
	stepLess   = 0.3              // and says as much, but for this
	stepsLast  = 10 * time.Second // for which a flickering picture is passed over
	stepsQuiet = time.Minute      // without a step after which one is told again
)

// scene looks for changes of the whole picture at once.
type scene struct {
	lanes lanes
	key   float64 // what the last key frame says
	keyed int     // frames since
	inter bool    // there are frames that are predicted from others
	past  [recent]float64
	light [recent]bool // the whole picture became lighter or darker
	n     int          // frames

	stepped bool
	first   time.Duration // of the steps that go on
	last    time.Duration // the latest step
	size    float64       // what its frame says
}

// step is what a frame shows of the whole picture.
type step uint8

const (
	noStep    step = iota
	stepBegan      // it changed
	stepOn         // it changed, as it has before
)

// add takes the next frame.
func (s *scene) add(pts time.Duration, l lane, x float64, key, weighted, refined bool) step {
	s.keyed++
	if key {
		s.key, s.keyed = x, 0
		return noStep
	}
	s.inter = true
	before := slices.Max(s.past[:])
	again := weighted && slices.Contains(s.light[:], true)
	s.past[s.n%recent], s.light[s.n%recent] = x, weighted
	s.n++
	u := s.lanes.of[l]
	if u != nil && u.known && s.sudden(u, x, before) && !refined || again {
		return s.step(pts, x)
	}
	s.lanes.add(pts, l, x)
	return noStep
}

// sudden reports whether a frame says so much, and those before it so little, that the whole
// picture must have changed.
func (s *scene) sudden(u *laneUsual, x, before float64) bool {
	switch {
	case s.key == 0 || x < u.middle+stepUp || x < u.top+stepTop || x < s.key-stepShare:
		return false
	case x >= s.key-stepWhole:
		return true
	case s.keyed <= afterStep:
		return x >= before+stepKeyed
	}
	return x >= before+stepUp
}

func (s *scene) step(pts time.Duration, x float64) step {
	if s.stepped && pts-s.last < stepAgain && x < s.size-stepLess {
		return noStep // something moves since
	}
	before := s.last
	s.size = x
	told := s.stepped && pts-before < stepsQuiet
	if !s.stepped || pts-before >= stepAgain {
		s.first = pts
	}
	s.stepped, s.last = true, pts
	switch {
	case !told:
		return stepBegan
	case pts-s.first >= stepsLast:
		return noStep
	}
	return stepOn
}
