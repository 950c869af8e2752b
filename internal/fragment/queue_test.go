package fragment

import (
	"testing"
	"time"
)

// TestQueueBounds has frames wait for a track that does not come: their number and their
// bytes are bounded.
func TestQueueBounds(t *testing.T) {
	big := make([]byte, 1<<20)
	for name, c := range map[string]struct {
		data  []byte
		every time.Duration
	}{"many": {big[:1], 100 * time.Microsecond}, "large": {big, 40 * time.Millisecond}} {
		in := newIntake()
		most, bytes := 0, 0
		for n := range 5000 {
			at := time.Duration(n) * c.every
			f := Frame{Lane: video, PTS: at, Time: epoch2026.Add(at), Key: n%25 == 0, Data: c.data, Entry: in.entries[video]}
			if err := in.Add(f, Clock{Now: f.Time}); err != nil {
				t.Fatal(err)
			}
			most, bytes = max(most, in.queued), max(bytes, in.Queued())
		}
		if most > maxQueued || bytes > 8<<20 || most < 2 {
			t.Errorf("%s: up to %d frames of %d bytes waited", name, most, bytes)
		}
	}
}

// TestLargeFragments has more bytes come in a second than a fragment may have: a fragment
// that is too short is ended, so that it is not measured to the next one.
func TestLargeFragments(t *testing.T) {
	in := newIntake()
	data := make([]byte, 8<<20)
	for n := range 50 {
		at := time.Duration(n) * 40 * time.Millisecond
		f := Frame{Lane: video, PTS: at, Time: epoch2026.Add(at), Key: n%25 == 0, Data: data, Entry: in.entries[video]}
		if err := in.Add(f, Clock{Now: f.Time}); err != nil {
			t.Fatal(err)
		}
	}
	in.Pause()
	in.rules(t)
	if n := len(in.Window.Fragments); n < 8 {
		t.Errorf("%d fragments", n)
	}
	for i, f := range in.Window.Fragments {
		if f.Size > 50e6 {
			t.Errorf("fragment %d has %d bytes", i, f.Size)
		}
	}
}
