package motion

import (
	"math"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	leastWindow = 3                       // frames that Config.Shortest covers at least
	tellEvery   = 2 * time.Second         // that motion goes on
	mostWindow  = 128                     // and at most
	settle      = 1500 * time.Millisecond // after a change of the whole picture nothing counts
	judge       = time.Second             // and then the picture is judged for so long
	restless    = 3                       // times the usual spread: that is motion, not another light
	fell        = 3 * time.Second         // below what is usual: that is the new usual
)

// strip looks for motion in one region of the picture.
type strip struct {
	lanes  lanes    // to compare frames of different ones
	usual  baseline // of what is smoothed
	window []frame  // the latest frames
	level  float64  // 0 to 1

	sampled time.Duration // when usual was last added to
	skipped int           // samples since the last one that counted, while something moves
	low     []float64     // what was far below the usual, without a break

	unsettled bool          // the whole picture changed
	until     time.Duration // nothing counts before; then it is judged
	after     []frame

	moving bool
	id     string // of what moves, if it does
	latest moment // when it was last seen
	score  float64
	told   time.Duration // when that was last told
}

// frame is a frame of the window.
type frame struct {
	moment
	says float64 // as if it were of the main lane
}

// moment is when a frame was.
type moment struct {
	pts  time.Duration
	wall time.Time
}

// add takes what the next frame says.
func (s *strip) add(e *eye, index int, f *kvsmedia.Frame, l lane, x float64) {
	fr := frame{moment{f.PTS, f.Time}, x - s.lanes.offset(l)}
	quiet := s.level < e.d.threshold()/2
	if quiet {
		s.lanes.add(f.PTS, l, x)
	}
	if s.unsettled && !s.settled(e, index, fr) {
		s.wait(e, index, f)
		return
	}
	s.window = append(s.window, fr)
	if n := len(s.window); n > mostWindow || n > leastWindow && s.window[1].pts <= f.PTS-e.d.cfg.Shortest {
		s.window = append(s.window[:0], s.window[1:]...)
	}
	smooth := s.smooth()
	s.level = s.usual.levelOf(smooth)
	s.judge(e, index, fr.moment)
	if f.PTS-s.sampled >= sampleEvery {
		s.sampled = f.PTS
		s.learn(smooth, quiet)
	}
}

// smooth returns the median of the window: one frame that stands out, as when a clock
// changes, does not count.
func (s *strip) smooth() float64 {
	var says [mostWindow]float64
	for i := range s.window {
		says[i] = s.window[i].says
	}
	return median(says[:len(s.window)])
}

// usualZ is the level of a half: so many times the usual spread.
const usualZ = 6

// levelOf returns how unusual a value is: 0 to 1, a half at usualZ spreads above the middle,
// and a factor of four more or less at the ends.
func (b *baseline) levelOf(v float64) float64 {
	if !b.known() {
		return 0
	}
	z := (v - b.middle) / max(b.spread, leastSpread)
	if z <= 0 {
		return 0
	}
	return min(max(0.5+math.Log2(z/usualZ)/4, 0), 1)
}

// judge begins motion, and tells that it goes on.
func (s *strip) judge(e *eye, index int, now moment) {
	over := e.d.threshold()
	switch {
	case s.level >= over && !s.moving && len(s.window) >= leastWindow:
		s.start(e, index, s.onset(over), now)
	case s.moving && s.level >= over*0.8:
		if s.latest, s.score = now, max(s.score, s.level); now.pts-s.told >= tellEvery {
			s.tell(e, index, Going, now)
		}
	}
	s.over(e, index, now.pts)
}

// start begins motion that began at from.
func (s *strip) start(e *eye, index int, from, now moment) {
	s.moving, s.score, s.latest = true, s.level, now
	s.id = e.d.ids.New(from.wall).String()
	s.tell(e, index, Started, from)
	s.told = now.pts
}

func (s *strip) tell(e *eye, index int, kind Kind, at moment) {
	s.told = at.pts
	e.tell(Event{Kind: kind, ID: s.id, PTS: at.pts, Time: at.wall, Score: s.score, Region: index})
}

// onset returns when what is seen now began: the first frame of the window that is as
// unusual.
func (s *strip) onset(over float64) moment {
	for _, f := range s.window {
		if s.usual.levelOf(f.says) >= over {
			return f.moment
		}
	}
	return s.window[len(s.window)-1].moment
}

// over ends motion when nothing has moved for long enough.
func (s *strip) over(e *eye, index int, now time.Duration) {
	if s.moving && now-s.latest.pts >= e.d.cfg.Cooldown {
		s.moving = false
		s.tell(e, index, Ended, s.latest)
	}
}

// wait lets time go on without what a frame says.
func (s *strip) wait(e *eye, index int, f *kvsmedia.Frame) {
	if s.moving && f.PTS < e.muted {
		s.latest.pts = max(s.latest.pts, f.PTS-e.d.cfg.Cooldown/2) // what is not looked at may go on
	}
	s.over(e, index, f.PTS)
}

// learn adds to what is usual: at once while nothing moves, slowly otherwise. What stays
// far below is the new usual after fell.
func (s *strip) learn(smooth float64, quiet bool) {
	if s.usual.known() && smooth < s.usual.middle-restless*max(s.usual.spread, leastSpread) {
		if s.low = append(s.low, smooth); len(s.low) >= int(fell/sampleEvery) {
			s.usual.reset(s.low...)
			s.low = s.low[:0]
		}
		return
	}
	s.low = s.low[:0]
	if s.skipped++; quiet || s.skipped >= slowly {
		s.skipped = 0
		s.usual.add(smooth)
	}
}

// unsettle says that the whole picture has changed.
func (s *strip) unsettle(until time.Duration) {
	s.unsettled, s.until = true, until
	s.after, s.window = s.after[:0], s.window[:0]
	s.level = 0
}

// settled looks at the picture after it has changed as a whole, and reports whether it is
// known what it is like now.
func (s *strip) settled(e *eye, index int, f frame) bool {
	if f.pts < s.until {
		return false
	}
	if s.after = append(s.after, f); f.pts < s.until+judge && len(s.after) < mostWindow {
		return false
	}
	s.unsettled = false
	values := make([]float64, len(s.after))
	for i := range s.after {
		values[i] = s.after[i].says
	}
	var now baseline
	now.reset(values...)
	switch {
	case s.usual.levelOf(now.middle) < e.d.threshold(): // as it was before
	case now.spread > restless*max(s.usual.spread, leastSpread):
		if s.level = s.usual.levelOf(now.middle); !s.moving {
			s.start(e, index, s.after[0].moment, f.moment)
		}
		s.latest = f.moment
	default:
		s.usual.reset(values...)
	}
	return true
}
