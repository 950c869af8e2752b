package kvsmedia

import (
	"slices"
	"testing"
	"time"
)

// Runs go on while media comes about as fast as it lasts, or faster, and forward alone.
func TestIngestion(t *testing.T) {
	type sent struct{ media, took time.Duration } // since the first
	const s, h = time.Second, time.Hour
	for name, c := range map[string]struct {
		list []sent
		want []string
	}{
		"live":          {[]sent{{0, 0}, {2 * s, 2 * s}, {4 * s, 5 * s}}, []string{"0", "0", "0"}},
		"backlog":       {[]sent{{0, 0}, {h, s}, {2 * h, 2 * s}}, []string{"0", "0", "0"}},
		"back":          {[]sent{{h, 0}, {0, s}, {2 * s, 2 * s}}, []string{"0", "1", "1"}},
		"again":         {[]sent{{h, 0}, {h, s}}, []string{"0", "1"}},
		"pause":         {[]sent{{0, 0}, {2 * s, 12 * s}, {4 * s, 25 * s}}, []string{"0", "0", "2"}},
		"overtaken ack": {[]sent{{0, 0}, {4 * s, 2 * s}, {2 * s, s}, {6 * s, 3 * s}}, []string{"0", "0", "0", "0"}},
	} {
		var in ingestion
		var got []string
		for i, f := range c.list {
			got = append(got, in.add(f.media.Milliseconds(), time.Unix(0, 0).Add(f.took), string(rune('0'+i))))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
