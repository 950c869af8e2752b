package roll

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// The anchor is the offset of the frames that come live, not of the pre-roll; it follows a
// clock that drifts.
func TestAnchor(t *testing.T) {
	each(t, func() *world {
		w := standard(0)
		w.cfg.Tracks, w.end = w.cfg.Tracks[:1], 3*time.Hour
		w.encode(picture, 0, w.end, 200*ms, -3*time.Hour, every(10))
		w.sorted()
		for i := range w.shots { // 100 ppm slow, so that 1.08 s are missing in the end
			w.shots[i].PTS -= w.shots[i].taken / 10_000
		}
		w.events = at(31*sec, 10_700*sec)
		return w
	}, func(s *story) {
		of := s.clips
		if s.w.cfg.Continuous {
			of = s.files
		}
		for i, c := range of {
			sh := s.w.shots[c.frames[0]]
			if err := c.offset + sh.PTS - sh.arrives; err.Abs() > 20*ms {
				s.errorf("the base of %d is off by %v", i, err)
			}
		}
		s.equal("24.00-41.80 1 event over", "10694.00-10709.80 1 event over")
	})
}

// Files that end while a long pre-roll is read have the offset of the frames that come live.
func TestAnchorOfALongPreRoll(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		n := byte(0)
		r := New(Config{
			Tracks: []*kvsmedia.Track{picture}, PreRoll: 10 * time.Minute, PostRoll: 10 * sec, Longest: 2 * time.Minute, FileTime: 2 * time.Minute,
			Continuous: continuous, NewID: func() ID { n++; return ID{n} },
		})
		const told = 3 * time.Hour
		r.Trigger(told, Event{At: told})
		r.Start(told)
		ends, anchors := 0, 0
		take := func(steps []Step) {
			for _, s := range steps {
				switch {
				case s.Kind == Cut, s.Kind == End && !continuous:
					if ends++; anchors > 0 && s.Reason == Longest {
						t.Errorf("continuous %v: end %d comes after an anchor", continuous, ends)
					}
				case s.Kind == Anchor:
					if anchors++; s.Offset != told-10*time.Minute {
						t.Errorf("continuous %v: the offset is %v too large", continuous, s.Offset-told+10*time.Minute)
					}
				}
			}
		}
		for pts := time.Duration(0); pts < 10*time.Minute+30*sec && r.Wanted(); pts += sec {
			take(r.Frame(max(told, told-10*time.Minute+pts), kvsmedia.Frame{Track: picture, PTS: pts, Key: true}))
		}
		take(r.Stop(told + time.Hour))
		if ends < 5 || anchors != 1 {
			t.Errorf("continuous %v: %d files, %d anchors", continuous, ends, anchors)
		}
	}
}
