package roll

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// without leaves out the frames taken in a time.
func (w *world) without(from, until time.Duration, tracks ...*kvsmedia.Track) {
	w.shots = slices.DeleteFunc(w.shots, func(s shot) bool {
		return s.taken >= from && s.taken < until && (len(tracks) == 0 || slices.Contains(tracks, s.Track))
	})
	w.sorted()
}

func (w *world) shift(from, by time.Duration) {
	for i := range w.shots {
		if w.shots[i].taken >= from {
			w.shots[i].PTS += by
		}
	}
}

// each runs a world for each way to record.
func each(t *testing.T, make func() *world, check func(s *story)) {
	t.Helper()
	for _, continuous := range []bool{false, true} {
		w := make()
		w.cfg.Continuous = continuous
		s := w.live(t, fmt.Sprintf("continuous: %v", continuous))
		s.rules()
		check(s)
	}
}

// Where media time jumps the clip ends, and the event goes on in the next clip.
func TestJumps(t *testing.T) {
	for name, by := range map[string]time.Duration{"back": -time.Hour, "a little back": -3 * sec, "ahead": 11 * sec} {
		each(t, func() *world {
			w := standard(120 * sec)
			w.events = at(31*sec, 60*sec)
			w.shift(36*sec, by)
			return w
		}, func(s *story) {
			s.name += ", " + name
			s.equal("24.00-35.96 1 media time jumped", "36.00-41.96 0 event over follows", "54.00-69.96 1 event over")
		})
	}
	// In the midst of a GOP: what follows cannot be decoded before the next key frame, which
	// counts it.
	each(t, func() *world {
		w := standard(60 * sec)
		w.events = at(31 * sec)
		w.shift(37*sec, -time.Hour)
		return w
	}, func(s *story) {
		s.equal("24.00-36.96 1 media time jumped", "38.00-41.96 0 event over follows")
		to := s.clips[1]
		if s.w.cfg.Continuous {
			to = s.files[1]
		}
		if n := to.skipped[to.frames[0]]; n != 25+15 { // a second of picture and sound
			s.errorf("the next clip's first frame counts %d", n)
		}
	})
	// An event while the next clip waits for its key frame belongs to that.
	each(t, func() *world {
		w := standard(60 * sec)
		w.events = at(31*sec, 37500*ms)
		w.shift(37*sec, -time.Hour)
		return w
	}, func(s *story) {
		s.equal("24.00-36.96 1 media time jumped", "38.00-47.96 1 event over follows")
	})
	// A pause is no jump, as the time of arrival explains it.
	each(t, func() *world {
		w := standard(60 * sec)
		w.events = at(31*sec, 40*sec)
		w.without(33*sec, 42*sec)
		return w
	}, func(s *story) { s.equal("24.00-49.96 2 event over") })
}

// Frames that stop end the clip after 10 s, and the event if its post-roll is over by then.
func TestStops(t *testing.T) {
	each(t, func() *world {
		w := standard(60 * sec)
		w.events = at(31 * sec)
		w.without(33*sec, 50*sec)
		return w
	}, func(s *story) { s.equal("24.00-32.96 1 no more frames") })
	each(t, func() *world {
		w := standard(60 * sec)
		w.events = at(31 * sec)
		w.cfg.PostRoll = 20 * sec
		w.without(33*sec, 45*sec)
		return w
	}, func(s *story) { s.equal("24.00-32.96 1 no more frames", "46.00-51.96 0 event over follows") })
	// Sound alone does not begin a clip, nor keep one for ever.
	each(t, func() *world {
		w := standard(120 * sec)
		w.events = at(31*sec, 80*sec)
		w.without(33*sec, 200*sec, picture)
		return w
	}, func(s *story) {
		s.equal("24.00-32.96 1 event over", "none 1 no key frame")
		if s.warnings[MissingKey] != 2-map[bool]int{true: 1}[s.w.cfg.Continuous] { // one for each loop
			s.errorf("%d warnings", s.warnings[MissingKey])
		}
	})
}

// An encoder that makes no key frames is warned about; a clip that has begun goes on for a
// while, and then there is none until a key frame comes.
func TestNoKeyFrames(t *testing.T) {
	each(t, func() *world {
		w := standard(200 * sec)
		for i := range w.shots {
			if s := &w.shots[i]; s.Track == picture && s.taken > 33*sec && s.taken < 150*sec {
				s.Key = false
			}
		}
		w.events = at(31*sec, 35*sec, 90*sec, 140*sec)
		return w
	}, func(s *story) {
		// In event mode the ring still has the key frame of 32, but all until 75 is in the first clip.
		s.equal("24.00-74.92 2 event over", "none 1 no key frame", "150.00-151.96 1 event over")
		if s.warnings[MissingKey] == 0 {
			s.errorf("no warning")
		}
	})
}

// Nor does an event that goes on keep a clip without key frames for ever.
func TestNoKeyFramesForLong(t *testing.T) {
	each(t, func() *world {
		w := standard(160 * sec)
		for i := range w.shots {
			if s := &w.shots[i]; s.Track == picture && s.taken > 33*sec && s.taken < 150*sec {
				s.Key = false
			}
		}
		for told := 31 * sec; told < 155*sec; told += 5 * sec {
			w.events = append(w.events, at(told)...)
		}
		return w
	}, func(s *story) {
		s.equal("24.00-114.00 17 longest clip", "none 7 no key frame follows", "150.00-159.96 1 recorder stopped follows")
	})
}

func TestSoundOnly(t *testing.T) {
	each(t, func() *world {
		w := &world{cfg: Config{Tracks: []*kvsmedia.Track{sound}, PreRoll: 5 * sec, PostRoll: 10 * sec, Longest: 60 * sec}, reach: 15 * sec, end: 120 * sec}
		w.encode(sound, 0, 120*sec, 50*ms, 0, every(1))
		w.sorted()
		w.events = at(31300*ms, 42*sec) // the first clip ends between two key frames that are remembered
		return w
	}, func(s *story) {
		c := s.clips
		if len(c) != 2 {
			s.errorf("clips are %v", s.tell())
			return
		}
		a, b := c[0].frames, c[1].frames
		if first, last := s.w.shots[a[0]].taken, s.w.shots[a[len(a)-1]].taken; first > 26300*ms || first < 25200*ms || last < 41150*ms || last > 41300*ms {
			s.errorf("the first clip is from %v to %v", first, last)
		}
		if b[0] != a[len(a)-1]+1 {
			s.errorf("the second clip begins with frame %d, the first one ends with %d", b[0], a[len(a)-1])
		}
		if len(s.warnings) > 0 {
			s.errorf("warnings: %v", s.warnings)
		}
	})
}

// Continuous cuts files at key frames, after a time or so many bytes, and loses nothing.
func TestFiles(t *testing.T) {
	for name, c := range map[string]struct {
		time  time.Duration
		bytes int64
		files int
	}{"time": {61 * sec, 0, 10}, "bytes": {0, 8 * (25*62 + 15*62), 10}, "default": {0, 0, 3}} {
		w := standard(605 * sec)
		w.cfg.Continuous = true
		w.cfg.FileTime, w.cfg.FileBytes = c.time, c.bytes
		w.events = at(61 * sec)
		s := w.live(t, name)
		s.rules()
		s.equal("54.00-71.96 1 event over")
		if len(s.files) != c.files {
			s.errorf("%d files, want %d", len(s.files), c.files)
		}
		var all []int
		for _, f := range s.files {
			if !w.shots[f.frames[0]].Key || w.shots[f.frames[0]].Track != picture {
				s.errorf("a file begins without a key frame")
			}
			all = append(all, f.frames...)
		}
		want := 0
		for _, sh := range w.shots {
			if sh.Track != other {
				want++
			}
		}
		if len(all) != want || !slices.IsSorted(all) {
			s.errorf("%d frames of %d are recorded", len(all), want)
		}
	}
}

// What the ring lost is passed on with the frame that comes after it, also if the frame
// that counts it is of no interest.
func TestSkipped(t *testing.T) {
	each(t, func() *world {
		w := standard(60 * sec)
		w.events = at(31 * sec)
		w.hold = map[int]int{}
		n := 0
		for i, s := range w.shots {
			if s.taken > 33*sec && s.Track == other && n < 3 {
				w.hold[i] = 100
				n++
			}
		}
		return w
	}, func(s *story) {
		sum := 0
		for _, c := range append(s.clips, s.files...) {
			for _, n := range c.skipped {
				sum += n
			}
		}
		if sum != 300 {
			s.errorf("%d frames are skipped, want 300", sum)
		}
	})
}

func TestWarnings(t *testing.T) {
	run := func(change func(w *world)) map[Warning]int {
		w := standard(200 * sec)
		w.events = at(31*sec, 70*sec, 120*sec)
		change(w)
		s := w.live(t, "warnings")
		s.rules()
		return s.warnings
	}
	if got := run(func(w *world) {}); len(got) > 0 {
		t.Errorf("warnings: %v", got)
	}
	if got := run(func(w *world) { w.reach = 3 * sec }); got[ShortReach] != 1 || len(got) != 1 {
		t.Errorf("a ring of 3 s: %v", got)
	}
	if got := run(func(w *world) { w.events = at(2 * sec) }); len(got) > 0 {
		t.Errorf("before the ring is full: %v", got)
	}
	if got := run(func(w *world) { w.events = at(31*sec, 44*sec) }); len(got) > 0 {
		t.Errorf("a clip after another: %v", got)
	}
	if got := run(func(w *world) { w.without(33*sec, 39*sec) }); len(got) > 0 {
		t.Errorf("a pause: %v", got)
	}
	if got := run(func(w *world) { w.cfg.PreRoll = 1900 * ms }); got[LongGOP] != 1 || len(got) != 1 {
		t.Errorf("a pre-roll shorter than a GOP: %v", got)
	}
}

// An event may happen while the owner leaves the loop that has just ended a clip: it has
// another loop, and the key frame that ended the clip is not lost.
func TestEventBetweenLoops(t *testing.T) {
	n := byte(0)
	r := New(Config{Tracks: []*kvsmedia.Track{picture}, PreRoll: 5 * sec, PostRoll: 2 * sec, Longest: time.Minute, NewID: func() ID { n++; return ID{n} }})
	frame := func(now time.Duration) []Step {
		return r.Frame(now, kvsmedia.Frame{Track: picture, PTS: now, Key: now%sec == 0})
	}
	r.Trigger(0, Event{})
	r.Start(0)
	var last []Step
	now := time.Duration(0)
	for ; r.Wanted(); now += 500 * ms {
		last = frame(now)
	}
	if now -= 500 * ms; now != 2*sec || len(last) != 1 || last[0].Kind != End {
		t.Fatalf("at %v: %+v", now, last)
	}
	if id, _ := r.Trigger(now, Event{At: now}); id != (ID{2}) || r.Wanted() {
		t.Errorf("an event after the end has clip %v; the old loop is wanted: %v", id, r.Wanted())
	}
	if steps := frame(now + 1); len(steps) > 0 {
		t.Errorf("a frame of the old loop: %+v", steps)
	}
	if steps := r.SourceEnded(now + 2); len(steps) > 0 {
		t.Errorf("the old loop ends: %+v", steps)
	}
	if preRoll, wanted := r.Start(now + 3); !wanted || preRoll != 5*sec+3 {
		t.Errorf("the next loop: %v, %v", preRoll, wanted)
	}
	for _, pts := range []time.Duration{0, sec} {
		if steps := r.Frame(now+4, kvsmedia.Frame{Track: picture, PTS: pts, Key: true}); len(steps) > 0 {
			t.Errorf("a frame of the clip before: %+v", steps)
		}
	}
	if steps := r.Frame(now+4, kvsmedia.Frame{Track: picture, PTS: 2 * sec, Key: true}); len(steps) != 1 || steps[0].Clip != (ID{2}) {
		t.Errorf("the key frame that ended the clip: %+v", steps)
	}
	// A source that begins anew is not taken for the clip before for long.
	r.SourceEnded(3 * sec)
	r.Trigger(4*sec, Event{At: 4 * sec})
	r.Start(4 * sec)
	if steps := r.Frame(4*sec, kvsmedia.Frame{Track: picture, PTS: 0, Key: true}); len(steps) > 0 {
		t.Errorf("%+v", steps)
	}
	if steps := r.Frame(6*sec+1, kvsmedia.Frame{Track: picture, PTS: sec, Key: true}); len(steps) == 0 || steps[0].Kind != Frame {
		t.Errorf("%+v", steps)
	}
}

// No event asks for more than an hour before it.
func TestOldest(t *testing.T) {
	r := New(Config{Tracks: []*kvsmedia.Track{picture}, PreRoll: 5 * sec, NewID: func() ID { return ID{1} }})
	r.Trigger(2*time.Hour, Event{At: -1 << 63})
	if preRoll, _ := r.Start(2 * time.Hour); preRoll != time.Hour+5*sec {
		t.Errorf("a pre-roll of %v", preRoll)
	}
}

// The events of a clip that are passed on are bounded, those that are remembered too.
func TestStorm(t *testing.T) {
	each(t, func() *world {
		w := standard(60 * sec)
		w.events = slices.Repeat(at(31*sec), 1000)
		return w
	}, func(s *story) {
		if n := len(s.clips[0].events); n != maxEvents {
			s.errorf("%d events are passed on", n)
		}
	})
}

func TestAllocations(t *testing.T) {
	r := New(Config{Tracks: []*kvsmedia.Track{picture}, Continuous: true, Longest: time.Minute, NewID: func() ID { return ID{1} }})
	r.Start(0)
	now := time.Duration(0)
	if n := testing.AllocsPerRun(10_000, func() {
		now += 40 * ms
		r.Frame(now, kvsmedia.Frame{Track: picture, PTS: now, Key: now%(400*ms) == 0})
	}); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
	if len(r.keys) > maxKeys || cap(r.keys) > 2*maxKeys {
		t.Errorf("%d key frames are remembered", cap(r.keys))
	}
}
