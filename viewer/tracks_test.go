package viewer_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// TestTracks has the viewer tell the camera's tracks by their names as soon as Dial has
// returned, and records them: the muxer has to know them before the first frame.
func TestTracks(t *testing.T) {
	srv := service(t)
	clip := clips.Day()
	names := map[kvsmedia.Codec]string{kvsmedia.H264: "front, größer", kvsmedia.Opus: "yard"}
	live := &clips.Clip{Length: clip.Length}
	renamed := map[*kvsmedia.Track]*kvsmedia.Track{}
	for _, track := range clip.Tracks {
		if name, ok := names[track.Codec]; ok && !slices.ContainsFunc(live.Tracks, func(o *kvsmedia.Track) bool { return o.Codec == track.Codec }) {
			own := *track
			own.Name = name
			renamed[track] = &own
			live.Tracks = append(live.Tracks, &own)
		}
	}
	for _, f := range clip.Frames {
		if f.Track = renamed[f.Track]; f.Track != nil {
			live.Frames = append(live.Frames, f)
		}
	}
	defer film(t, srv, live)()
	v, err := dial(t, viewer.Config{Signaling: srv.Config("door")}, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	tracks := v.Tracks()
	if len(tracks) != 2 || tracks[0].Codec != kvsmedia.H264 || tracks[0].Name != names[kvsmedia.H264] ||
		tracks[1].Codec != kvsmedia.Opus || tracks[1].Name != names[kvsmedia.Opus] || tracks[1].SampleRate != 48000 {
		t.Fatalf("tracks %+v", tracks)
	}
	if s := v.Status(); !slices.Equal(s.Tracks, tracks) {
		t.Errorf("the status has the tracks %+v", s.Tracks)
	}
	var file bytes.Buffer
	m := kvsmedia.NewMuxer(&file, tracks...)
	came := map[*kvsmedia.Track]int{}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for f := range v.Frames(ctx) {
		if came[f.Track]++; !slices.Contains(tracks, f.Track) {
			t.Fatalf("a frame of another track: %+v", f.Track)
		}
		if err := m.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
		if came[tracks[0]] > 10 && came[tracks[1]] > 10 {
			break
		}
	}
	if len(came) != 2 {
		t.Fatalf("frames of %d tracks came: %v", len(came), v.Err())
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	recorded, err := kvsmedia.NewReader(&file).Tracks()
	if err != nil || len(recorded) != 2 {
		t.Fatalf("the recording has %d tracks: %v", len(recorded), err)
	}
	for _, track := range recorded {
		if track.Name != names[track.Codec] {
			t.Errorf("the recording has track %q of %v", track.Name, track.Codec)
		}
	}
}
