package kvsmedia_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// TestUploadsOfOneClock calls Upload again with frames on the same clock: of what was
// recorded before the first ones, of what the first upload has, and of what it had to
// give up. All that came is in the archive then.
func TestUploadsOfOneClock(t *testing.T) {
	const minute = time.Minute
	type part struct{ from, to time.Duration }
	for name, c := range map[string]struct {
		parts  []part
		outage part
		known  bool // the last part is stored already
	}{
		"the same":               {[]part{{0, minute}, {0, minute}}, part{}, true},
		"later":                  {[]part{{0, minute}, {2 * minute, 3 * minute}}, part{}, false},
		"overlapping":            {[]part{{0, 2 * minute}, {minute, 3 * minute}}, part{}, false},
		"earlier":                {[]part{{2 * minute, 3 * minute}, {0, minute}}, part{}, false},
		"earlier, and the same":  {[]part{{2 * minute, 3 * minute}, {0, 4 * minute}}, part{}, false},
		"after what was missing": {[]part{{0, 4 * minute}, {3*minute + 30*time.Second, 4 * minute}}, part{minute, 3 * minute}, true},
		"what was missing":       {[]part{{0, 4 * minute}, {0, 4 * minute}}, part{minute, 3 * minute}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wheels := pictureAndSound(nil, nil)
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: tracksOf(wheels), BufferTime: 30 * time.Second})
				defer s.srv.Close()
				start := time.Now()
				all := shoot(start, 4*minute, wheels)
				before := 0
				for i, p := range c.parts {
					before = s.Stats().Stored.Frames
					shots := slices.DeleteFunc(slices.Clone(all), func(s shot) bool { return s.taken < p.from || s.taken >= p.to })
					outages := []*time.Timer{}
					if i == 0 && c.outage.to > 0 {
						outages = append(outages, time.AfterFunc(c.outage.from, func() { s.srv.SetOutage(true) }), time.AfterFunc(c.outage.to, func() { s.srv.SetOutage(false) }))
					}
					var missing *kvsmedia.MissingError
					err := s.Upload(t.Context(), deliver(time.Now().Add(-p.from), shots))
					if i == 0 && c.outage.to > 0 && !errors.As(err, &missing) || (i > 0 || c.outage.to == 0) && err != nil {
						t.Fatalf("upload %d: %v", i, err)
					}
					for _, o := range outages {
						o.Stop()
					}
				}
				if c.known {
					if n := s.Stats().Stored.Frames; n != before {
						t.Errorf("%d frames are stored once more", n-before)
					}
					return
				}
				stored := map[string]bool{}
				for _, f := range s.fragments() {
					for _, f := range f.Frames {
						stored[f.Track.Name+string(f.Data)] = true
					}
				}
				lost := 0
				for _, shot := range all {
					if slices.ContainsFunc(c.parts, func(p part) bool { return shot.taken >= p.from && shot.taken < p.to }) && !stored[shot.Track.Name+string(shot.Data)] {
						if lost++; lost == 1 {
							t.Errorf("the first lost frame is of %v", shot.taken)
						}
					}
				}
				if lost > 0 {
					t.Errorf("%d frames are in no fragment: %+v", lost, s.Stats())
				}
			})
		})
	}
}
