package motion_test

import (
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sec(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// near fails unless two times are at most so far apart.
func near(t *testing.T, what string, got, want, by time.Duration) {
	t.Helper()
	if (got - want).Abs() > by {
		t.Errorf("%s at %v, want %v", what, got, want)
	}
}

// What moves is told when it begins, while it goes on and when it has ended, with the times
// of the frames that show it.
func TestMotion(t *testing.T) {
	s := newStream(40, 22)
	s.still(sec(20))
	s.still(sec(26), 3000)
	s.still(sec(40))
	list := watch(t, s.film(), motion.Config{})
	if d := cmp.Diff([]motion.Kind{motion.Started, motion.Ended}, kinds(list)); d != "" {
		t.Fatalf("(-want +got)\n%s\n%v", d, list)
	}
	first, last := list[0], list[len(list)-1]
	near(t, "told", first.at, sec(20.4), sec(0.4))
	near(t, "started", first.PTS, sec(20), sec(0.3))
	near(t, "ended", last.PTS, sec(26), sec(0.5))
	near(t, "the end told", last.at, sec(31), sec(0.5))
	if len(first.ID) != 26 || first.Score < 0.5 || first.Time != start.Add(first.PTS) {
		t.Errorf("%+v", first)
	}
	going := 0
	for _, e := range list {
		if e.ID != first.ID || e.Region != 0 {
			t.Errorf("%+v", e)
		}
		if e.Kind == motion.Going {
			going++
		}
	}
	if going < 2 || going > 4 {
		t.Errorf("told %d times that it goes on in six seconds", going)
	}
}

// A cool-down parts events, and what is shorter than the shortest motion is none.
func TestSpans(t *testing.T) {
	s := newStream(40, 22)
	s.still(sec(20))
	s.still(sec(20.15), 5000) // two frames, as when the digits of a clock change
	s.still(sec(24))
	s.still(sec(26), 4000)
	s.still(sec(29))
	s.still(sec(31), 4000)
	s.still(sec(40))
	for _, c := range []struct {
		cfg  motion.Config
		want int
	}{
		{motion.Config{}, 1},
		{motion.Config{Cooldown: time.Second}, 2},
		{motion.Config{Shortest: 3 * time.Second}, 0},
	} {
		if got := len(kinds(watch(t, s.film(), c.cfg))); got != 2*c.want {
			t.Errorf("%+v: %d events, want %d", c.cfg, got/2, c.want)
		}
	}
}

// The more sensitive, the less it takes; the level and the sensitivity are on one scale.
func TestSensitivity(t *testing.T) {
	seen := func(more int, sensitivity float64) bool {
		s := newStream(40, 22)
		s.still(sec(20))
		s.still(sec(26), 1500+more)
		return len(watch(t, s.film(), motion.Config{Sensitivity: sensitivity})) > 0
	}
	for _, c := range []struct {
		more        int
		sensitivity float64
		want        bool
	}{{150, 0.5, false}, {150, 0.9, true}, {700, 0.5, true}, {700, 0.05, false}, {12000, 0.05, true}} {
		if got := seen(c.more, c.sensitivity); got != c.want {
			t.Errorf("%d bytes more at a sensitivity of %v: seen %v", c.more, c.sensitivity, got)
		}
	}
	s := newStream(40, 22)
	s.still(sec(20))
	s.still(sec(30), 1900)
	d, _ := motion.New(motion.Config{Sensitivity: 0.001, SizesAlone: true})
	for _, bad := range []float64{0, -1, 1.1} {
		if d.SetSensitivity(bad) == nil {
			t.Errorf("%v is no sensitivity", bad)
		}
	}
	level := 0.0
	film := func(yield func(kvsmedia.Frame) bool) {
		for f := range s.film() {
			if level == 0 && f.PTS >= sec(25) {
				level = d.Level()
				if err := d.SetSensitivity(1.001 - level); err != nil {
					t.Error(err)
				}
			}
			if !yield(f) {
				return
			}
		}
	}
	for e := range d.Events(film) {
		if e.Kind != motion.Started {
			continue
		}
		if level < 0.5 || level > 0.99 || e.PTS < sec(20) {
			t.Errorf("level %v, %+v", level, e)
		}
		return
	}
	t.Errorf("nothing moves at a level of %v", level)
}

// What the firmware asked for is ignored, and motion that goes on meanwhile has no end.
func TestIgnore(t *testing.T) {
	s := newStream(40, 22)
	s.still(sec(20))
	s.still(sec(22), 6000) // another bitrate
	s.still(sec(40))
	ignore := func(d *motion.Detector, at, span time.Duration) iter.Seq[kvsmedia.Frame] {
		return func(yield func(kvsmedia.Frame) bool) {
			for f := range s.film() {
				if f.PTS >= at && f.PTS < at+interval {
					d.Ignore(span / 2)
					d.Ignore(span)
				}
				if !yield(f) {
					return
				}
			}
		}
	}
	for _, asked := range []bool{false, true} {
		d, _ := motion.New(motion.Config{SizesAlone: true})
		at := time.Hour
		if asked {
			at = sec(20)
		}
		n := 0
		for range d.Events(ignore(d, at, sec(2))) {
			n++
		}
		if (n > 0) == asked {
			t.Errorf("asked for %v: %d events", asked, n)
		}
	}
	s = newStream(40, 22)
	s.still(sec(20))
	s.still(sec(40), 6000)
	s.still(sec(60))
	d, _ := motion.New(motion.Config{Cooldown: 2 * time.Second, SizesAlone: true})
	var list []reported
	for e := range d.Events(ignore(d, sec(25), sec(10))) {
		list = append(list, reported{Event: e})
	}
	if d := cmp.Diff([]motion.Kind{motion.Started, motion.Ended}, kinds(list)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Bands of the picture have motion of their own, if the encoder makes slices of rows.
func TestRegions(t *testing.T) {
	s := newStream(40, 24)
	s.still(sec(20), 500, 500, 500, 500)
	s.still(sec(24), 500, 500, 500, 1500)
	s.still(sec(32), 500, 500, 500, 500)
	s.still(sec(36), 1500, 500, 500, 500)
	s.still(sec(45), 500, 500, 500, 500)
	list := watch(t, s.film(), motion.Config{Regions: 2})
	var where []int
	for _, e := range list {
		if e.Kind == motion.Started {
			where = append(where, e.Region)
		}
	}
	if d := cmp.Diff([]int{1, 0}, where); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	var log strings.Builder
	s = newStream(40, 24)
	s.still(sec(20))
	watch(t, s.film(), motion.Config{Regions: 2, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if strings.Count(log.String(), "slices of rows") != 1 {
		t.Errorf("one slice: %q", log.String())
	}
}

// An encoder that holds its bitrate by its quantiser hides motion, and that is said once.
func TestBlind(t *testing.T) {
	s := newStream(40, 22)
	for n := range 15 * 90 {
		s.add(26+n/30%9, 1500)
	}
	list := watch(t, s.film(), motion.Config{})
	n := 0
	for _, e := range list {
		if e.Kind == motion.Blind {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d times blind: %v", n, list)
	}
	s = newStream(40, 22)
	s.still(sec(90))
	if list := watch(t, s.film(), motion.Config{}); len(list) > 0 {
		t.Errorf("a still picture at one quantiser: %v", list)
	}
}

// A change of the whole picture is told as such, once while it goes on.
func TestScene(t *testing.T) {
	s := newStream(40, 22)
	s.still(sec(20))
	for range 3 {
		s.add(26, 16000)
		s.still(time.Duration(s.n)*interval + sec(2))
	}
	s.still(sec(60))
	list := watch(t, s.film(), motion.Config{})
	if d := cmp.Diff([]motion.Kind{motion.Scene}, kinds(list)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// What moves on after the light has changed is told within three seconds; another light
// that stays is not.
func TestMotionAfterScene(t *testing.T) {
	for _, moves := range []bool{false, true} {
		s := newStream(40, 22)
		s.still(sec(20))
		s.add(26, 16000)
		for time.Duration(s.n)*interval < sec(40) {
			size := 4000
			if moves {
				size = 2500 + 4000*(s.n%5)/2
			}
			s.add(26, size)
		}
		list := watch(t, s.film(), motion.Config{})
		if got := kinds(list); len(got) == 0 || got[0] != motion.Scene || (len(got) > 1) != moves {
			t.Errorf("moves %v: %v", moves, list)
		} else if moves && (got[1] != motion.Started || list[1].at > sec(23.1)) {
			t.Errorf("%v told at %v", got[1], list[1].at)
		}
	}
}

// What lasts becomes usual, and what falls silent does so at once.
func TestUsual(t *testing.T) {
	s := newStream(40, 22)
	s.still(sec(60))
	s.still(sec(600), 3000) // it rains
	s.still(sec(660))
	s.still(sec(670), 3000)
	s.still(sec(680))
	list := watch(t, s.film(), motion.Config{})
	if d := cmp.Diff([]motion.Kind{motion.Started, motion.Ended, motion.Started, motion.Ended}, kinds(list)); d != "" {
		t.Fatalf("(-want +got)\n%s", d)
	}
	for _, e := range list {
		if e.Kind == motion.Ended {
			if e.PTS < sec(120) || e.PTS > sec(480) {
				t.Errorf("the rain was usual after %v", e.PTS-sec(60))
			}
			break
		}
	}
}

func TestNewRefuses(t *testing.T) {
	sound := &kvsmedia.Track{Codec: kvsmedia.AAC}
	for field, cfg := range map[string]motion.Config{
		"Track": {Track: sound}, "Sensitivity": {Sensitivity: 2}, "Cooldown": {Cooldown: -1},
		"Shortest": {Shortest: time.Minute}, "Regions": {Regions: 17},
	} {
		if _, err := motion.New(cfg); err == nil || !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// One loop runs at a time.
func TestOneLoop(t *testing.T) {
	d, _ := motion.New(motion.Config{SizesAlone: true})
	s := newStill(1500)
	for range d.Events(s.film()) {
		t.Error("nothing moves")
	}
	s.still(sec(30), 9000)
	for range d.Events(s.film()) { // again, after the first
		func() {
			defer func() {
				if fmt.Sprint(recover()) == "<nil>" {
					t.Error("a second loop beside the first")
				}
			}()
			for range d.Events(s.film()) {
				break
			}
		}()
		break
	}
}
