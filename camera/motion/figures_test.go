package motion_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/internal/testing/scenes"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// reported is an event and when it was told.
type reported struct {
	motion.Event
	at time.Duration
}

// watch returns what a detector tells of frames.
func watch(t testing.TB, frames func(func(kvsmedia.Frame) bool), cfg motion.Config) (list []reported) {
	d, err := motion.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var now time.Duration
	for e := range d.Events(func(yield func(kvsmedia.Frame) bool) {
		for f := range frames {
			now = f.PTS
			if !yield(f) {
				return
			}
		}
	}) {
		list = append(list, reported{e, now})
	}
	return list
}

// verdict is how well a detector saw what a scene shows.
type verdict struct {
	visits, seen int           // walkers, and those who were told of within a second
	late         time.Duration // the longest that it took
	alarms       int           // that there was nothing to
	scenes       int
	blind        bool
}

func (v verdict) String() string {
	return fmt.Sprintf("seen %d of %d, latest %.1fs, false %d, scene %d, blind %v", v.seen, v.visits, v.late.Seconds(), v.alarms, v.scenes, v.blind)
}

// judge holds what was told against the truth.
func judge(list []reported, truth scenes.Truth) (v verdict) {
	v.visits = len(truth.Visits)
	for _, visit := range truth.Visits {
		for _, e := range list {
			if e.Kind == motion.Started && e.at >= visit.From-time.Second && e.at < visit.To {
				late := max(e.at-visit.Full, 0)
				v.late = max(v.late, late)
				if late <= time.Second {
					v.seen++
				}
				break
			}
		}
	}
	for _, e := range list {
		switch e.Kind {
		case motion.Started:
			if !truth.Shown(e.at, 500*time.Millisecond) {
				v.alarms++
			}
		case motion.Scene:
			v.scenes++
		case motion.Blind:
			v.blind = true
		}
	}
	return v
}
