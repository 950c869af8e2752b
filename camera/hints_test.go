package camera

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// studio is a hinter with two tracks, whose hints are read at once, and a clock.
type studio struct {
	hinter
	a, b *kvsmedia.Track
	now  time.Time
}

func newStudio() *studio {
	a, b := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "a"}, &kvsmedia.Track{Codec: kvsmedia.H264, Name: "b"}
	return &studio{newHinter([]*kvsmedia.Track{a, b}), a, b, time.Unix(1e9, 0)}
}

// granted counts the key frames that the encoders are asked for when a viewer needs
// one of a track now.
func (s *studio) granted(a *asker, t *kvsmedia.Track) int {
	a.keyframe(t, s.now)
	n := 0
	for len(s.ch) > 0 {
		if h := <-s.ch; h.Track == t && h.Keyframe {
			n++
		}
	}
	return n
}

func TestHintsAreMerged(t *testing.T) {
	s := newStudio()
	v := s.asker()
	v.keyframe(s.a, s.now)
	s.bitrate(s.b, 3)
	s.bitrate(s.a, 1)
	s.bitrate(s.a, 2)
	v.keyframe(s.b, s.now)
	if got := <-s.ch; got != (EncoderHint{s.a, true, 2}) {
		t.Errorf("got %+v", got)
	}
	if got := <-s.ch; got != (EncoderHint{s.b, true, 3}) {
		t.Errorf("got %+v", got)
	}
	select {
	case got := <-s.ch:
		t.Errorf("and %+v", got)
	default:
	}
}

// One key frame of a track serves all viewers for half a second.
func TestKeyframesAreCoalesced(t *testing.T) {
	s := newStudio()
	v, w := s.asker(), s.asker()
	for _, step := range []struct {
		after  time.Duration
		viewer *asker
		track  *kvsmedia.Track
		want   int
	}{
		{0, v, s.a, 1},
		{0, w, s.a, 0},
		{0, v, s.b, 1},
		{keyframeGap - 1, w, s.a, 0},
		{0, v, s.a, 0},
		{1, w, s.a, 1},
		{keyframeGap, v, s.a, 1},
	} {
		s.now = s.now.Add(step.after)
		if got := s.granted(step.viewer, step.track); got != step.want {
			t.Errorf("%v after the beginning %d key frames of %s are asked for, want %d", s.now.Sub(time.Unix(1e9, 0)), got, step.track.Name, step.want)
		}
	}
}

// A viewer that asks without end gets a burst and then a key frame now and then;
// one that has kept quiet gets a burst again, and others get theirs at once.
func TestKeyframesOfOneViewerAreBounded(t *testing.T) {
	s := newStudio()
	storm, other := s.asker(), s.asker()
	ask := func(d, every time.Duration) (n int) {
		for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(every) {
			n += s.granted(storm, s.a)
		}
		return n
	}
	if n := ask(keyframeBurst*keyframeGap, keyframeGap); n != keyframeBurst {
		t.Errorf("%d key frames for %d losses in a row", n, keyframeBurst)
	}
	if n := ask(time.Minute, 10*time.Millisecond); n != int(time.Minute/keyframeEvery) {
		t.Errorf("%d key frames in a minute of requests", n)
	}
	s.now = s.now.Add(keyframeGap)
	if n := s.granted(storm, s.b); n != 1 {
		t.Error("a storm of requests for one track delays the viewer's change to another")
	}
	if n := s.granted(other, s.a); n != 1 {
		t.Error("a storm of requests of one viewer delays the key frame of another")
	}
	s.now = s.now.Add(keyframeBurst * keyframeEvery)
	if n := ask(10*keyframeGap, keyframeGap); n != keyframeBurst+1 {
		t.Errorf("%d key frames for ten losses in 5 s after a quiet time", n)
	}
}
