package motion

import (
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	tellEvery = 2 * time.Second         // that motion goes on
	settle    = 1500 * time.Millisecond // after a change of the whole picture nothing counts
	judge     = time.Second             // and then the picture is judged for so long
	calm      = 0.3                     // spread of what frames say of a still picture, at most
	still     = 0.8                     // of the threshold: below it nothing moves any more
)

// strip looks for motion in one region of the picture.
type strip struct {
	index  int
	sensor sensor
	level  float64 // 0 to 1

	unsettled bool          // the whole picture changed
	until     time.Duration // nothing counts before; then it is judged
	after     []frame

	moving bool
	id     string // of what moves, if it does
	latest moment // when it was last seen
	score  float64
	told   time.Duration // when that was last told
}

// add takes what the next frame says.
func (s *strip) add(e *eye, f *kvsmedia.Frame, l lane, x float64) {
	over := e.d.threshold()
	fr, ok := s.sensor.frame(moment{f.PTS, f.Time}, e.since, e.unsteady(), l, x, s.level < over && !s.unsettled)
	if !ok || s.unsettled && !s.settled(e, fr) {
		s.wait(e, f)
		return
	}
	s.level = s.sensor.add(fr, e.d.cfg.Shortest)
	switch {
	case s.level >= over && !s.moving && s.sensor.full() && !s.sensor.fades():
		s.start(e, s.sensor.onset(over), fr.moment)
	case s.moving && s.level >= over*still:
		if s.latest, s.score = fr.moment, max(s.score, s.level); f.PTS-s.told >= tellEvery {
			s.tell(e, Going, fr.moment)
		}
	}
	s.over(e, f.PTS)
	s.sensor.learn(f.PTS, s.level < over/2)
}

// start begins motion that began at from.
func (s *strip) start(e *eye, from, now moment) {
	s.moving, s.score, s.latest = true, s.level, now
	s.id = e.d.ids.New(from.wall).String()
	s.tell(e, Started, from)
	s.told = now.pts
}

func (s *strip) tell(e *eye, kind Kind, at moment) {
	s.told = at.pts
	e.tell(Event{Kind: kind, ID: s.id, PTS: at.pts, Time: at.wall, Score: s.score, Region: s.index})
}

// over ends motion when nothing has moved for long enough.
func (s *strip) over(e *eye, now time.Duration) {
	if s.moving && now-s.latest.pts >= e.d.cfg.Cooldown {
		s.moving = false
		s.tell(e, Ended, s.latest)
	}
}

// leap lets what moves have been seen last at the time that media time has leapt to.
func (s *strip) leap(to time.Duration) {
	s.latest.pts, s.told = min(s.latest.pts, to), min(s.told, to)
}

// wait lets time go on without what a frame says.
func (s *strip) wait(e *eye, f *kvsmedia.Frame) {
	if s.moving && f.PTS < e.muted {
		s.latest.pts = max(s.latest.pts, f.PTS-e.d.cfg.Cooldown/2) // what is not looked at may go on
	}
	s.over(e, f.PTS)
}

// unsettle says that the whole picture has changed.
func (s *strip) unsettle(until time.Duration) {
	s.unsettled, s.until, s.level = true, until, 0
	s.after, s.sensor.window = s.after[:0], s.sensor.window[:0]
}

// settled looks at the picture after it has changed as a whole, and reports whether it is
// known what it is like now: as before, restless, because something moves in it, or another.
func (s *strip) settled(e *eye, f frame) bool {
	if f.pts < s.until {
		return false
	}
	if s.after = append(s.after, f); f.pts < s.until+judge && len(s.after) < mostWindow {
		return false
	}
	s.unsettled = false
	says := make([]float64, len(s.after))
	for i := range s.after {
		says[i] = s.after[i].says
	}
	var now baseline
	now.reset(says...)
	before := &s.sensor.spans[0].usual
	s.level = before.level(now.middle, f.spread, longZ)
	switch {
	case s.level < e.d.threshold():
	case now.spread <= max(restless*before.spread, calm):
		s.sensor.reset(says)
	case s.moving:
		s.latest = f.moment
	default:
		s.start(e, s.after[0].moment, f.moment)
	}
	return true
}
