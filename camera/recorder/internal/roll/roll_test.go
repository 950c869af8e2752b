package roll

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const sec = time.Second

// standard is a camera with a GOP of 2 s and sound, whose PTS has a zero of its own.
func standard(end time.Duration) *world {
	w := &world{
		cfg:   Config{Tracks: []*kvsmedia.Track{picture, sound}, PreRoll: 5 * sec, PostRoll: 10 * sec, Longest: 60 * sec},
		reach: 15 * sec, end: end + sec,
	}
	w.encode(picture, 0, end, 40*ms, -3*time.Hour, every(50))
	w.encode(other, 0, end, 200*ms, -3*time.Hour, every(10))
	w.encode(sound, 0, end, 64*ms, -3*time.Hour, every(1))
	w.sorted()
	return w
}

func at(times ...time.Duration) (events []happening) {
	for _, t := range times {
		events = append(events, happening{t, t})
	}
	return events
}

// tell says when the clips' first and last frames of the leading track were taken, in
// seconds, of how many events they are and why they ended.
func (s *story) tell() (clips []string) {
	for i, c := range s.clips {
		words := []string{"none"}
		var lead []time.Duration
		for _, n := range c.frames {
			if s.w.shots[n].Track == s.w.lead() {
				lead = append(lead, s.w.shots[n].taken)
			}
		}
		if len(lead) > 0 {
			words[0] = fmt.Sprintf("%.2f-%.2f", slices.Min(lead).Seconds(), slices.Max(lead).Seconds())
		}
		words = append(words, fmt.Sprint(c.count), c.reason.String())
		if c.follows != (ID{}) {
			if c.follows != s.clips[i-1].id {
				s.errorf("clip %d follows %v", i, c.follows)
			}
			words = append(words, "follows")
		}
		clips = append(clips, strings.Join(words, " "))
	}
	return clips
}

func (s *story) equal(want ...string) {
	s.t.Helper()
	if got := s.tell(); !slices.Equal(got, want) {
		s.errorf("clips are\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestClips(t *testing.T) {
	storm := func(from, until, step time.Duration) (events []happening) {
		for at := from; at < until; at += step {
			events = append(events, happening{at, at})
		}
		return events
	}
	for name, c := range map[string]struct {
		change     func(w *world)
		want       []string
		continuous []string // if it differs
	}{
		"no event": {func(w *world) {}, nil, nil},
		"one event": {
			func(w *world) { w.events = at(31 * sec) }, // the newest frame is of 30.92
			[]string{"24.00-41.96 1 event over"}, []string{"24.00-41.96 1 event over"},
		},
		"before the ring is full": {
			func(w *world) { w.events = at(3 * sec) }, []string{"0.00-13.96 1 event over"}, nil,
		},
		"before the first frame": {
			func(w *world) { w.events = at(10 * ms) }, []string{"0.00-9.96 1 event over"}, nil,
		},
		"extended": {
			func(w *world) { w.events = at(31*sec, 38*sec, 44*sec) }, []string{"24.00-53.96 3 event over"}, nil,
		},
		"an event some seconds ago": {
			func(w *world) { w.events = []happening{{31 * sec, 27 * sec}} }, []string{"20.00-37.96 1 event over"}, nil,
		},
		"an event of the future": {
			func(w *world) { w.events = []happening{{31 * sec, 9000 * sec}} }, []string{"24.00-41.96 1 event over"}, nil,
		},
		"events in any order": { // the post-roll counts from the last one
			func(w *world) { w.events = []happening{{31 * sec, 31 * sec}, {32 * sec, 30 * sec}} }, []string{"24.00-41.96 2 event over"}, nil,
		},
		"older than its post-roll": { // ends as soon as frames are live
			func(w *world) { w.events, w.reach = []happening{{31 * sec, 20 * sec}}, 30*sec }, []string{"14.00-31.96 1 event over"}, nil,
		},
		"older than the source reaches": {
			func(w *world) { w.events = []happening{{51 * sec, 19 * sec}} }, []string{"36.00-51.96 1 event over"}, []string{"12.00-51.96 1 event over"},
		},
		"two": {
			func(w *world) { w.events = at(31*sec, 60*sec) },
			[]string{"24.00-41.96 1 event over", "54.00-69.96 1 event over"}, nil,
		},
		"the pre-roll reaches into the clip before": {
			func(w *world) { w.events = at(31*sec, 44*sec) },
			[]string{"24.00-41.96 1 event over", "42.00-53.96 1 event over"}, nil,
		},
		"in the last GOP": { // which belongs to the clip until it is complete
			func(w *world) { w.events = at(31*sec, 41500*ms) }, []string{"24.00-51.96 2 event over"}, nil,
		},
		"just after the end": { // the key frame at 42 ends the clip when it arrives
			func(w *world) { w.events = at(31*sec, 42050*ms) },
			[]string{"24.00-41.96 1 event over", "42.00-53.96 1 event over"}, nil,
		},
		"the longest clip": {
			func(w *world) { w.events = storm(31*sec, 100*sec, 5*sec) },
			[]string{"24.00-83.96 11 longest clip", "84.00-105.96 3 event over follows"}, nil,
		},
		"an event a second for a minute": {
			func(w *world) { w.events = storm(31*sec, 91*sec, sec); w.cfg.Longest = 2 * time.Minute },
			[]string{"24.00-99.96 60 event over"}, nil,
		},
		"a thousand at once": {
			func(w *world) { w.events = slices.Repeat(at(31*sec), 1000) }, []string{"24.00-41.96 1000 event over"}, nil,
		},
		"an event as a clip follows": { // at 84.04 the key frame arrives
			func(w *world) { w.events = append(storm(31*sec, 81*sec, 5*sec), at(84030*ms, 84041*ms, 84050*ms)...) },
			[]string{"24.00-83.96 11 longest clip", "84.00-95.96 2 event over follows"}, nil,
		},
		"longest is shorter than the pre-roll": {
			func(w *world) { w.events = at(31 * sec); w.cfg.Longest = 4 * sec },
			[]string{"24.00-27.96 1 longest clip", "28.00-31.96 0 longest clip follows", "32.00-35.96 0 longest clip follows", "36.00-39.96 0 longest clip follows", "40.00-41.96 0 event over follows"},
			[]string{"24.00-31.96 1 longest clip", "32.00-35.96 0 longest clip follows", "36.00-39.96 0 longest clip follows", "40.00-41.96 0 event over follows"},
		},
		"longest is shorter than a GOP": {
			func(w *world) { w.events = at(31 * sec); w.cfg.Longest, w.cfg.PostRoll = sec, 2*sec },
			[]string{"24.00-25.96 1 longest clip", "26.00-27.96 0 longest clip follows", "28.00-29.96 0 longest clip follows", "30.00-31.96 0 longest clip follows", "32.00-33.96 0 event over follows"},
			[]string{"24.00-31.96 1 longest clip", "32.00-33.96 0 event over follows"},
		},
		"the source ends": {
			func(w *world) { w.events = at(115 * sec) }, []string{"108.00-119.96 1 recorder stopped"}, nil,
		},
		"no frames": {
			func(w *world) { w.events = at(31*sec, 35*sec, 45*sec); w.shots = nil },
			[]string{"none 2 no more frames", "none 1 no more frames follows"}, nil,
		},
	} {
		for _, continuous := range []bool{false, true} {
			w := standard(120 * sec)
			w.cfg.Continuous = continuous
			c.change(w)
			want := c.want
			if continuous && c.continuous != nil {
				want = c.continuous
			}
			s := w.live(t, fmt.Sprintf("%s (continuous: %v)", name, continuous))
			s.rules()
			s.equal(want...)
		}
	}
}

// What was forgotten is in no clip of later: neither in a pre-roll nor in the GOP that the
// source begins with.
func TestForget(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		r := New(Config{Tracks: []*kvsmedia.Track{picture}, PreRoll: 10 * sec, PostRoll: 10 * sec, Longest: 60 * sec, Continuous: continuous,
			NewID: func() ID { return ID{1} }})
		play := func(now, from time.Duration) (first time.Duration) {
			if pre, _ := r.Start(now); now-pre < from {
				t.Errorf("continuous %v: from %v on is asked for, of before %v", continuous, now-pre, from)
			}
			first = never
			for pts := from - 1500*ms; pts < now+20*sec; pts += 500 * ms { // a GOP of 2 s
				for _, s := range r.Frame(max(now, pts), kvsmedia.Frame{Track: picture, PTS: pts, Key: pts%(2*sec) == 500*ms}) {
					if s.Kind == Frame && first == never {
						first = s.Frame.PTS
					}
				}
			}
			return first
		}
		r.Trigger(100*sec, Event{At: 100 * sec})
		play(100*sec, 90*sec)
		r.Delete(121*sec, true)
		r.Trigger(123*sec, Event{At: 20 * sec})
		if first := play(123*sec, 121*sec); first < 121*sec || first > 125*sec {
			t.Errorf("continuous %v: the clip begins at %v", continuous, first)
		}
		r.Stop(150 * sec)
		r.Trigger(200*sec, Event{At: 200 * sec})
		if continuous { // it goes on where it was stopped
			continue
		}
		if first := play(200*sec, 190*sec); first > 191*sec {
			t.Errorf("a clip of long after begins at %v", first)
		}
	}
}

// TestLate: a clip that begins after its event says so, unless another one has that time.
func TestLate(t *testing.T) {
	for _, c := range []struct {
		events []happening
		want   []time.Duration
	}{
		{at(31 * sec), []time.Duration{0}},
		{[]happening{{51 * sec, 19 * sec}}, []time.Duration{17 * sec}},                                 // the source reaches to 36
		{[]happening{{31 * sec, 31 * sec}, {44 * sec, 40 * sec}}, []time.Duration{0, 0}},               // the clip before has 40
		{[]happening{{31 * sec, 31 * sec}, {72 * sec, 40 * sec}}, []time.Duration{0, 58*sec - 42*sec}}, // it has only that
	} {
		w := standard(120 * sec)
		w.events = c.events
		s := w.live(t, fmt.Sprint(c.events))
		s.rules()
		var got []time.Duration
		for _, m := range s.clips {
			got = append(got, m.late.Round(100*ms))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("events %v: late by %v, want %v", c.events, got, c.want)
		}
	}
}

// TestHeld: what an event brings is passed on once, also if it comes after its event, and not
// kept here.
func TestHeld(t *testing.T) {
	r := New(Config{Tracks: []*kvsmedia.Track{picture}, PreRoll: 10 * sec, PostRoll: 10 * sec, Longest: 60 * sec, NewID: func() ID { return ID{1} }})
	var held []Kind
	pass := func(_ ID, steps []Step) {
		for _, s := range steps {
			if s.Event != nil && s.Event.Held != nil {
				held = append(held, s.Kind)
			}
		}
	}
	pass(r.Trigger(100*sec, Event{ID: ID{2}, At: 80 * sec, Held: []byte("a")}))
	if r.clip.first.Held != nil {
		t.Error("the roll keeps what the clip's event brings")
	}
	pass(r.Trigger(100*sec, Event{ID: ID{2}, At: 80 * sec, Held: []byte("a")}))
	pass(r.Trigger(100*sec, Event{ID: ID{3}, At: 100 * sec}))
	pass(r.Trigger(100*sec, Event{ID: ID{3}, At: 100 * sec, Held: []byte("b")}))
	pass(r.Trigger(100*sec, Event{ID: ID{3}, At: 100 * sec, Held: []byte("b"), Score: 1}))
	if want := []Kind{Begin, Join}; !slices.Equal(held, want) {
		t.Errorf("passed on with %v, want %v", held, want)
	}
}
