package scenes

import (
	"cmp"
	"slices"
	"time"
)

// Truth says what happens in a scene.
type Truth struct {
	Visits []Visit // in the order of their beginning
	Steps  []Step  // changes of the whole picture, likewise
}

// Visit is the time in which a walker is in the picture.
type Visit struct {
	From   time.Duration // the first picture that shows something of the walker
	Full   time.Duration // the first in which the walker covers four fifths of Share
	To     time.Duration // behind the last picture that shows something
	Share  float64       // of the picture; nine tenths of the pictures show less of the walker
	Stands [][2]time.Duration
}

// Step is a change of the whole picture: of the light, or of the camera's mode.
type Step struct{ From, To time.Duration }

// Truth draws the walkers alone to find out when they are seen.
func (s Scene) Truth() (t Truth) {
	s = s.defaults()
	p := newPlace(s)
	for i, w := range s.Walkers {
		walk := newWalk(s, p, i, w)
		if v, ok := walk.visit(); ok {
			t.Visits = append(t.Visits, v)
		}
	}
	for _, l := range s.Lights {
		t.Steps = append(t.Steps, Step{l.At, l.At + max(l.Over, 4*settling)})
	}
	for _, c := range s.IRCuts {
		t.Steps = append(t.Steps, Step{c.At, c.At + 4*settling})
	}
	slices.SortFunc(t.Visits, func(a, b Visit) int { return cmp.Compare(a.From, b.From) })
	slices.SortFunc(t.Steps, func(a, b Step) int { return cmp.Compare(a.From, b.From) })
	return t
}

// Shown reports whether a walker is in the picture at a time, or was or will be within
// the margin.
func (t Truth) Shown(at, margin time.Duration) bool {
	return slices.ContainsFunc(t.Visits, func(v Visit) bool { return at >= v.From-margin && at < v.To+margin })
}

// Stepped reports whether the whole picture changes at a time, or did or will do so within
// the margin.
func (t Truth) Stepped(at, margin time.Duration) bool {
	return slices.ContainsFunc(t.Steps, func(v Step) bool { return at >= v.From-margin && at < v.To+margin })
}

// visit returns when the walker is seen; ok is false if never.
func (w *walk) visit() (v Visit, ok bool) {
	s := w.scene
	var shares []float64
	first := -1
	for i := range s.count() {
		at := s.at(i)
		if at < w.path[0].At || at > w.path[len(w.path)-1].At {
			continue
		}
		share := float64(w.draw(nil, at, false, 1)) / float64(s.Width*s.Height)
		if share > 0 {
			if first < 0 {
				first = i
			}
			shares = append(shares, share)
			v.To = s.at(i + 1)
		}
	}
	if first < 0 {
		return v, false
	}
	sorted := slices.Sorted(slices.Values(shares))
	v.From, v.Share = s.at(first), sorted[len(sorted)*9/10]
	full := slices.IndexFunc(shares, func(x float64) bool { return x >= 0.8*v.Share })
	v.Full = s.at(first + full)
	for i := 1; i < len(w.path); i++ {
		if a, b := w.path[i-1], w.path[i]; a.X == b.X && a.Y == b.Y {
			v.Stands = append(v.Stands, [2]time.Duration{a.At, b.At})
		}
	}
	return v, true
}
