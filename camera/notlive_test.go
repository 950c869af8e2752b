package camera

import (
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Sound that WebRTC does not have, or has at another clock, is recorded and not sent.
func TestSoundNotLive(t *testing.T) {
	for _, c := range []struct {
		track kvsmedia.Track
		want  string // "" if it is sent
	}{
		{kvsmedia.Track{Codec: kvsmedia.Opus}, ""},
		{kvsmedia.Track{Codec: kvsmedia.PCMU}, ""},
		{kvsmedia.Track{Codec: kvsmedia.PCMA, SampleRate: 8000}, ""},
		{kvsmedia.Track{Codec: kvsmedia.PCMU, SampleRate: 16000}, "16000 Hz"},
		{kvsmedia.Track{Codec: kvsmedia.PCMA, SampleRate: 48000}, "48000 Hz"},
		{kvsmedia.Track{Codec: kvsmedia.AAC, SampleRate: 48000}, "Opus, PCMU and PCMA alone"},
	} {
		cam, err := New(Config{Tracks: []*kvsmedia.Track{&c.track}})
		if err != nil {
			t.Fatal(err)
		}
		why, barred := cam.Status().Tracks[0].NotLive, cam.barredOf(0)
		if (why == nil) != (c.want == "") || why != nil && !strings.Contains(why.Error(), c.want) || barred != why {
			t.Errorf("%v at %d Hz: %v, %v", c.track.Codec, c.track.SampleRate, why, barred)
		}
	}
}
