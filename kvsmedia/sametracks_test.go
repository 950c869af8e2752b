package kvsmedia_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// The microphone pauses in the midst of a recording. No session plays the run, whose error
// says what to do; SameTracks cuts it into three, each of which is clipped and played.
func TestSameTracks(t *testing.T) {
	inLibrary(t, kvsmediatest.Config{}, func(t *testing.T, l *library) {
		sound := clips.Day().Tracks[2]
		begin := time.Now()
		l.produce(kvsmedia.ProducerConfig{Block: true, Tracks: []*kvsmedia.Track{clips.Day().Tracks[0], sound}})
		err := l.Upload(t.Context(), func(yield func(kvsmedia.Frame) bool) {
			for f := range clips.Play(t.Context(), clips.Day()) {
				at := time.Since(begin)
				if at > 75*time.Second {
					return
				}
				if paused := at > 20*time.Second && at < 50*time.Second; !(f.Track == sound && paused) && !yield(f) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		var runs, parts []kvsmedia.Run
		for run, err := range l.archive.Runs(t.Context(), kvsmedia.Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			runs = append(runs, run)
		}
		if len(runs) != 1 {
			t.Fatalf("%d runs, want one", len(runs))
		}
		var api smithy.APIError
		_, err = l.archive.Clip(t.Context(), runs[0].Range)
		if !errors.As(err, &api) || !strings.Contains(err.Error(), "Archive.SameTracks cuts a Run") {
			t.Errorf("a clip of changing tracks: %v", err)
		}
		fragments := 0
		for part, err := range l.archive.SameTracks(t.Context(), runs[0]) {
			if err != nil {
				t.Fatal(err)
			}
			fragments += len(part.Fragments)
			parts = append(parts, part)
		}
		if len(parts) != 3 || fragments != len(runs[0].Fragments) {
			t.Fatalf("%d parts with %d of %d fragments, want 3 with all", len(parts), fragments, len(runs[0].Fragments))
		}
		for _, part := range parts {
			clip, err := l.archive.Clip(t.Context(), part.Range)
			if err != nil {
				t.Errorf("a part from %v to %v: %v", part.Start.Sub(begin), part.End.Sub(begin), err)
				continue
			}
			if b, err := io.ReadAll(clip); err != nil || len(b) == 0 {
				t.Errorf("%d bytes, %v", len(b), err)
			}
			clip.Close()
			if _, err := l.archive.HLSURL(t.Context(), kvsmedia.Playback{Range: part.Range}); err != nil {
				t.Error(err)
			}
		}
		gone := runs[0]
		gone.Fragments = append(gone.Fragments[:1:1], kvsmedia.FragmentInfo{Number: "17", ProducerTime: gone.End})
		for _, err = range l.archive.SameTracks(t.Context(), gone) {
		}
		var stream *kvsmedia.StreamError
		if !errors.As(err, &stream) {
			t.Errorf("with a fragment that is gone: %v", err)
		}
	})
}
