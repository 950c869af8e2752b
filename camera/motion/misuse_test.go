package motion_test

import (
	"iter"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// A slider that is pushed to its end makes no motion of a still picture for ever, and none
// before it is known what is usual.
func TestMostSensitive(t *testing.T) {
	s := newStream(40, 22)
	s.still(sec(30))
	s.still(sec(33), 3000)
	s.still(sec(60))
	list := watch(t, s.film(), motion.Config{Sensitivity: 1})
	moved := time.Duration(0)
	for i, e := range list {
		if e.Kind == motion.Started && e.at < sec(10) {
			t.Errorf("told at %v", e.at)
		}
		if e.Kind == motion.Ended {
			moved += e.PTS - list[i-1].PTS
		}
	}
	if len(list) == 0 || list[len(list)-1].Kind != motion.Ended || moved > sec(30) {
		t.Errorf("motion of %v in a minute in which three seconds have some: %v", moved, list)
	}
}

// Where nothing can be looked at, that is said once, with what to do.
func TestNothingToLookAt(t *testing.T) {
	s := newStream(40, 22)
	s.still(sec(60))
	edited := func(edit func(*kvsmedia.Frame)) iter.Seq[kvsmedia.Frame] {
		return func(yield func(kvsmedia.Frame) bool) {
			for f := range s.film() {
				if edit(&f); !yield(f) {
					return
				}
			}
		}
	}
	other := *s.track
	for what, c := range map[string]struct {
		cfg  motion.Config
		edit func(*kvsmedia.Frame)
		want string
	}{
		"another pointer":  {motion.Config{Track: &other}, func(*kvsmedia.Frame) {}, "Config.Track"},
		"no track":         {motion.Config{}, func(f *kvsmedia.Frame) { f.Track = nil }, "no Track"},
		"ever new tracks":  {motion.Config{}, func(f *kvsmedia.Frame) { copied := other; f.Track = &copied; f.Key = false }, "point to one"},
		"no picture":       {motion.Config{}, func(f *kvsmedia.Frame) { f.Data = []byte{0, 0, 1, 0x65, 1, 2, 3} }, "Track.Codec"},
		"all as it should": {motion.Config{Track: s.track}, func(*kvsmedia.Frame) {}, ""},
	} {
		var log strings.Builder
		c.cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		watch(t, edited(c.edit), c.cfg)
		if lines := strings.Count(log.String(), "\n"); c.want == "" && lines > 0 || c.want != "" && (lines != 1 || !strings.Contains(log.String(), c.want)) {
			t.Errorf("%s: %q, want one line with %q", what, log.String(), c.want)
		}
	}
}

// A stream of key frames alone shows little, and that is said once.
func TestKeyFramesAlone(t *testing.T) {
	s := newStream(40, 22)
	s.gop = 1
	s.still(sec(20))
	if d := cmp.Diff([]motion.Kind{motion.Blind}, kinds(watch(t, s.film(), motion.Config{}))); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Regions of a picture that is one slice change nothing.
func TestRegionsOfOneSlice(t *testing.T) {
	s := newStream(40, 22)
	s.still(sec(20))
	s.still(sec(26), 1900)
	s.still(sec(40))
	told := func(regions int) (list []motion.Event) {
		for _, e := range watch(t, s.film(), motion.Config{Regions: regions}) {
			e.ID = ""
			list = append(list, e.Event)
		}
		return list
	}
	if d := cmp.Diff(told(1), told(8)); d != "" {
		t.Errorf("(-one +eight)\n%s", d)
	}
}
