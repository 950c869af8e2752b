package kvsmedia_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// A Muxer of one document takes nothing of a key frame with other parameter sets, and another
// one begins with it.
func TestOneDocument(t *testing.T) {
	day, sub := clips.Day(), clips.Sub()
	track := day.Tracks[0]
	var b bytes.Buffer
	m := kvsmedia.NewMuxer(&b, track)
	m.Relative, m.OneDocument = true, true
	key, other := day.Frames[0], sub.Frames[0]
	other.Track, other.PTS = track, time.Second
	if err := m.WriteFrame(key); err != nil {
		t.Fatal(err)
	}
	before := b.Len()
	for range 2 {
		if err := m.WriteFrame(other); !errors.Is(err, kvsmedia.ErrNewMuxer) || b.Len() != before {
			t.Fatalf("%v, %d bytes more", err, b.Len()-before)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	next := kvsmedia.NewMuxer(&b, track)
	next.OneDocument = true
	if err := next.WriteFrame(other); err != nil {
		t.Error(err)
	}
	back := key
	back.PTS = time.Second / 2
	if err := next.WriteFrame(back); !errors.Is(err, kvsmedia.ErrNewMuxer) {
		t.Error(err)
	}
}

// Begin does not wait for a track of which no key frame came.
func TestMuxerBegin(t *testing.T) {
	day, sub := clips.Day(), clips.Sub()
	var b bytes.Buffer
	m := kvsmedia.NewMuxer(&b, day.Tracks[0], sub.Tracks[0])
	m.Relative = true
	if err := m.Begin(); err != nil || b.Len() > 0 {
		t.Error("before the first frame:", err, b.Len())
	}
	if err := m.WriteFrame(day.Frames[0]); err != nil || b.Len() > 0 {
		t.Fatal(err, b.Len())
	}
	if err := m.Begin(); err != nil || b.Len() == 0 {
		t.Fatal(err, b.Len())
	}
	if err := m.WriteFrame(sub.Frames[0]); err == nil {
		t.Error("a frame of the track that was left out is taken")
	}
	r := kvsmedia.NewReader(&b)
	if fs := slices.Collect(r.Frames()); len(fs) != 1 || r.Err() != nil {
		t.Error(len(fs), r.Err())
	}
}
