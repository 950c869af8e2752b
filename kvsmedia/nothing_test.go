package kvsmedia_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// TestNothingStored has frames come of which none can be stored.
func TestNothingStored(t *testing.T) {
	adts := func(f *kvsmedia.Frame) {
		f.Data = append([]byte{0xff, 0xf1, 0x4c, 0x80, byte((len(f.Data) + 7) >> 3), byte(len(f.Data)+7)<<5 | 0x1f, 0xfc}, f.Data...)
	}
	copied := *find(clips.Day(), "main")
	other := slowGOP(2, time.Second).Frames[1] // no key frame
	for name, c := range map[string]struct {
		tracks  []*kvsmedia.Track
		edit    func(*kvsmedia.Frame)
		foreign bool
		says    string
	}{
		"other pointers":      {[]*kvsmedia.Track{&copied}, func(*kvsmedia.Frame) {}, true, "the very Tracks that the frames point to"},
		"ADTS":                {[]*kvsmedia.Track{find(clips.Day(), "aac")}, adts, false, "ADTS"},
		"Opus of 2,000 bytes": {[]*kvsmedia.Track{find(clips.Day(), "opus")}, func(f *kvsmedia.Frame) { f.Data = make([]byte, 2000) }, false, "Opus"},
		"H.265 as H.264":      {video(), func(f *kvsmedia.Frame) { f.Data = clips.HEVC().Frames[0].Data }, false, "H265"},
		"two pictures":        {video(), func(f *kvsmedia.Frame) { f.Data = append(bytes.Clone(f.Data), f.Data...) }, false, "more than one picture"},
		"no key frame":        {video(), func(f *kvsmedia.Frame) { f.Data, f.Key = other.Data, false }, false, "no key frame"},
		"PTS of 200 years":    {video(), func(f *kvsmedia.Frame) { f.PTS += 200 * 365 * 24 * time.Hour }, false, "out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: c.tracks})
				defer s.srv.Close()
				count := 0
				err := s.Upload(t.Context(), camera(clips.Day(), 5*time.Second, func(f *kvsmedia.Frame, _ int) bool {
					if c.foreign || f.Track == c.tracks[0] {
						count++
						c.edit(f)
						return true
					}
					return false
				}))
				var nothing *kvsmedia.NothingStoredError
				if !errors.As(err, &nothing) || nothing.Frames != count || (nothing.Foreign == count) != c.foreign ||
					!strings.Contains(err.Error(), c.says) {
					t.Errorf("after %d frames: %v", count, err)
				}
				if err := s.Upload(t.Context(), func(func(kvsmedia.Frame) bool) {}); err != nil {
					t.Errorf("without frames: %v", err)
				}
			})
		})
	}
}

// TestNothingNew uploads the same frames again: all are in the stream.
func TestNothingNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		if err := s.Upload(t.Context(), s.note(play(clips.Day(), 5*time.Second))); err != nil {
			t.Fatal(err)
		}
		if err := s.Upload(t.Context(), slices.Values(s.given)); err != nil {
			t.Error(err)
		}
		s.all(nil)
	})
}
