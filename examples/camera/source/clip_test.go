package source

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// clipFrames returns the frames of a clip that have the given codec.
func clipFrames(c *clips.Clip, codec kvsmedia.Codec) []kvsmedia.Frame { return of(c.Frames, codec) }

func TestClipChangesAtKeyFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		day, night := clipFrames(clips.Porch().Clip, kvsmedia.H264), clipFrames(clips.PorchNight().Clip, kvsmedia.H264)
		dark, changes, n := false, 0, 0
		for f := range s.Frames(t.Context()) {
			if f.Track != s.Tracks()[0] {
				continue
			}
			i := n % len(day)
			n++
			if f.Key != day[i].Key {
				t.Fatalf("picture %d: key %v", i, f.Key)
			}
			isDay, isNight := bytes.Equal(f.Data, day[i].Data), bytes.Equal(f.Data, night[i].Data) // both where nothing moves
			if !isDay && !isNight {
				t.Fatalf("picture %d is neither of day nor of night", i)
			}
			if isDay != isNight && isNight != dark {
				if !f.Key {
					t.Fatal("the picture changes between key frames")
				}
				dark = isNight
				changes++
			}
			film := clips.Porch()
			if dark {
				film = clips.PorchNight()
			}
			if !bytes.Equal(s.Snapshot(), film.Snapshot(f.PTS)) {
				t.Fatalf("picture %d: the snapshot is of another one", n)
			}
			switch n {
			case 40, 400:
				err = s.SetNight(true)
			case 100:
				err = s.SetNight(false)
			}
			if err != nil {
				t.Fatal(err)
			}
			if n == 2*len(day) {
				break
			}
		}
		if changes != 3 || s.Err() != nil {
			t.Errorf("%d changes, %v", changes, s.Err())
		}
	})
}

// A source that has made no picture yet, or makes no JPEGs, has no snapshot.
func TestNoSnapshot(t *testing.T) {
	for _, spec := range []string{"clip", "exec:true"} {
		s, err := Open(t.Context(), spec, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.Snapshot() != nil {
			t.Errorf("%s has a snapshot", spec)
		}
	}
}

func TestClipChimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), "clip", nil)
		if err != nil {
			t.Fatal(err)
		}
		street, chime := clipFrames(clips.Porch().Clip, kvsmedia.Opus), clipFrames(clips.Chime(), kvsmedia.Opus)
		n := 0
		for f := range s.Frames(t.Context()) {
			if f.Track.Codec != kvsmedia.Opus {
				continue
			}
			want := street[n]
			if at := n - 20; at >= 0 && at < len(chime) {
				want = chime[at]
			}
			if !bytes.Equal(f.Data, want.Data) || f.PTS != time.Duration(n)*20*time.Millisecond {
				t.Fatalf("packet %d at %v is not the one expected", n, f.PTS)
			}
			if n++; n == 20 {
				if err := s.Chime(); err != nil {
					t.Fatal(err)
				}
			}
			if n == 30+len(chime) {
				break
			}
		}
	})
}
