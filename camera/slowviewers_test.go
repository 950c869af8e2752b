package camera

import (
	"testing"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestBitrateRange(t *testing.T) {
	for _, c := range []struct{ in, want BitrateRange }{
		{BitrateRange{}, BitrateRange{DefaultMinBitrate, DefaultMaxBitrate}},
		{BitrateRange{Max: 100_000}, BitrateRange{100_000, 100_000}},
		{BitrateRange{Max: 900_000}, BitrateRange{DefaultMinBitrate, 900_000}},
		{BitrateRange{Min: 8_000_000}, BitrateRange{8_000_000, 8_000_000}},
		{BitrateRange{1, 2}, BitrateRange{1, 2}},
	} {
		if got := c.in.withDefaults(); got != c.want {
			t.Errorf("%v becomes %v, want %v", c.in, got, c.want)
		}
	}
	video, sound := &kvsmedia.Track{Codec: kvsmedia.H264}, &kvsmedia.Track{Codec: kvsmedia.Opus, Name: "sound"}
	for _, bad := range []map[*kvsmedia.Track]BitrateRange{
		{sound: {}}, {nil: {}}, {{Codec: kvsmedia.H264}: {}}, {video: {Min: -1}}, {video: {Min: 2, Max: 1}},
	} {
		if _, err := New(Config{Tracks: []*kvsmedia.Track{video, sound}, Bitrates: bad}); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	if _, err := New(Config{Tracks: []*kvsmedia.Track{video}, SlowViewers: 7}); err == nil {
		t.Error("an unknown policy was taken")
	}
}
