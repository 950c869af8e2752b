package kvsmedia_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// Tracks that no player of the service takes are uploaded, with one warning for all
// uploads that says which ones to leave out.
func TestUnplayableTracks(t *testing.T) {
	codecs := map[string]kvsmedia.Codec{"H264": kvsmedia.H264, "H265": kvsmedia.H265, "AAC": kvsmedia.AAC, "PCMA": kvsmedia.PCMA, "PCMU": kvsmedia.PCMU, "Opus": kvsmedia.Opus}
	for names, want := range map[string]string{
		"H264": "", "H265 AAC": "", "AAC": "", "H264 PCMA": "", "H264 PCMU": "",
		"H264 Opus AAC":  "leave out Opus",
		"H264 Opus":      "leave out Opus",
		"H264 H264 AAC":  "leave out H264 \"1\"",
		"H264 PCMA AAC":  "leave out PCMA",
		"H264 AAC PCMA":  "leave out PCMA",
		"H264 H265 Opus": "leave out H265 \"1\", Opus",
		"AAC H264":       "take video as the first track",
		"Opus":           "no player of the service takes Opus",
	} {
		var tracks []*kvsmedia.Track
		for i, name := range strings.Fields(names) {
			tracks = append(tracks, &kvsmedia.Track{Codec: codecs[name], Name: string(rune('0' + i)), SampleRate: 48000, Channels: 1})
		}
		srv := kvsmediatest.NewServer(kvsmediatest.Config{})
		var log strings.Builder
		cfg := srv.Config("door")
		cfg.Tracks, cfg.Logger = tracks, slog.New(slog.NewTextHandler(&log, nil))
		p, err := kvsmedia.NewProducer(cfg)
		if err != nil {
			t.Fatalf("%s: %v", names, err)
		}
		for range 2 {
			if err := p.Upload(t.Context(), slices.Values([]kvsmedia.Frame(nil))); err != nil {
				t.Errorf("%s: %v", names, err)
			}
		}
		srv.Close()
		n := strings.Count(log.String(), "level=WARN")
		if got := strings.ReplaceAll(log.String(), `\"`, `"`); !strings.Contains(got, want) || (n == 1) != (want != "") || n > 1 {
			t.Errorf("%s: want %q, got\n%s", names, want, got)
		}
	}
}
