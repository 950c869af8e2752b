package motion_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Of several renditions the smallest is looked at, unless the track is given.
func TestRenditions(t *testing.T) {
	large, small := newStream(120, 68), newStream(40, 22)
	small.track = &kvsmedia.Track{Codec: kvsmedia.H264, Name: "sub"}
	large.still(sec(20))
	large.still(sec(25), 9000) // in the large one alone
	large.still(sec(45))
	small.still(sec(45))
	sound := &kvsmedia.Track{Codec: kvsmedia.Opus, Name: "sound"}
	both := func(yield func(kvsmedia.Frame) bool) {
		for i := range large.frames {
			for _, f := range []kvsmedia.Frame{large.frames[i], {Track: sound, PTS: large.frames[i].PTS, Key: true, Data: []byte{1}}, small.frames[i]} {
				f.Track = map[string]*kvsmedia.Track{"main": large.track, "sub": small.track, "sound": sound}[f.Track.Name]
				if !yield(f) {
					return
				}
			}
		}
	}
	for i := range small.frames {
		small.frames[i].Track = small.track
	}
	if list := watch(t, both, motion.Config{}); len(list) > 0 {
		t.Errorf("the small rendition shows nothing: %v", list)
	}
	if list := watch(t, both, motion.Config{Track: large.track}); len(list) == 0 {
		t.Error("the track that was named shows motion")
	}
}

// Of what is too much to parse the sizes are looked at: that is said once, and shows motion.
func TestTooMuch(t *testing.T) {
	for want, size := range map[string]struct{ columns, rows, bytes int }{"at most 131072": {40, 22, 140_000}, "larger than level 5.2": {257, 144, 60_000}} {
		s := newStream(size.columns, size.rows)
		s.still(sec(20), size.bytes)
		s.still(sec(25), 3*size.bytes)
		var log strings.Builder
		list := watch(t, s.film(), motion.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if len(list) == 0 || list[0].Kind != motion.Started {
			t.Errorf("%s: %v", want, list)
		}
		if strings.Count(log.String(), want) != 1 || strings.Count(log.String(), "not looked at") != 1 {
			t.Errorf("%q does not say %q", log.String(), want)
		}
	}
}

// A picture of another size, a leap of time and a pause let the detector learn anew.
func TestNewStream(t *testing.T) {
	a, b := newStream(40, 22), newStream(20, 11)
	a.still(sec(20))
	b.still(sec(20), 5000)
	for name, leap := range map[string]time.Duration{"another size": 0, "leap": time.Hour, "back": -15 * time.Second} {
		film := func(yield func(kvsmedia.Frame) bool) {
			for _, f := range a.frames {
				if !yield(f) {
					return
				}
			}
			next := b.frames
			if leap != 0 {
				next = newStill(6000).frames
			}
			for _, f := range next {
				f.Track, f.PTS = a.track, f.PTS+sec(20)+leap
				if !yield(f) {
					return
				}
			}
		}
		if list := watch(t, film, motion.Config{}); len(list) > 0 {
			t.Errorf("%s: %v", name, list)
		}
	}
}

// Media time may begin anywhere, and leap back while something moves: that has an end then.
func TestMediaTime(t *testing.T) {
	s := newStream(40, 22)
	s.still(sec(20))
	s.still(sec(26), 3000)
	n := len(s.frames)
	s.still(sec(60))
	for _, from := range []time.Duration{-sec(3600), sec(1e6)} {
		film := func(yield func(kvsmedia.Frame) bool) {
			for _, f := range s.frames {
				if f.PTS += from; !yield(f) {
					return
				}
			}
		}
		if d := cmp.Diff([]motion.Kind{motion.Started, motion.Ended}, kinds(watch(t, film, motion.Config{}))); d != "" {
			t.Errorf("from %v (-want +got)\n%s", from, d)
		}
	}
	back := func(yield func(kvsmedia.Frame) bool) {
		for i, f := range s.frames {
			if i > n {
				f.PTS -= sec(3600)
			}
			if !yield(f) {
				return
			}
		}
	}
	list := watch(t, back, motion.Config{})
	if d := cmp.Diff([]motion.Kind{motion.Started, motion.Ended}, kinds(list)); d != "" {
		t.Fatalf("back (-want +got)\n%s", d)
	}
	near(t, "the end told", list[len(list)-1].at, sec(26+5-3600), sec(1))
}

// A rendition that falls silent is looked at no more.
func TestSilentRendition(t *testing.T) {
	large, small := newStream(120, 68), newStream(40, 22)
	small.track = &kvsmedia.Track{Codec: kvsmedia.H264, Name: "sub"}
	small.still(sec(20))
	large.still(sec(60))
	large.still(sec(65), 9000)
	large.still(sec(80))
	film := func(yield func(kvsmedia.Frame) bool) {
		for i, f := range large.frames {
			if !yield(f) || i < len(small.frames) && !yield(small.frames[i]) {
				return
			}
		}
	}
	if d := cmp.Diff([]motion.Kind{motion.Started, motion.Ended}, kinds(watch(t, film, motion.Config{}))); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
