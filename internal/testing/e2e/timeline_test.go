package e2e

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// timelineJob is the job of timeline.mjs.
type timelineJob struct {
	demoJob
	Recorded int `json:"recorded"` // milliseconds to wait for
}

// seen is what a page's picture of the past does.
type seen struct {
	Advanced   float64 // seconds
	Brightness float64 // 0 to 255, at first
	Changed    bool
}

func (s seen) moves() bool { return s.Advanced > 1.5 && s.Brightness > 20 && s.Changed }

// The demo's page plays what its camera has recorded, beside the live picture.
func TestTimeline(t *testing.T) {
	job := timelineJob{demo(t), 15000}
	if dir := os.Getenv("SMARTCAM_SCREENSHOTS"); dir != "" {
		var err error
		if job.Screenshots, err = filepath.Abs(dir); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, "timeline.mjs", nil, job)
	var one struct {
		Recorded []struct{ Start, End float64 }
		Now      float64
		Shown    []float64 // widths of the bar's parts
		Ends     []float64 // of a bar, in percent: 4 s and 12 s after a fragment's end
		Bar      float64
		Clicked  struct {
			seen
			At, Now float64
		}
		Live   struct{ Advanced, Width float64 }
		Keyed  seen
		Spoken string
		Again  seen
		Back   struct {
			Mode            string
			Hidden, Pressed bool
		}
	}
	s.result(&one)
	if len(one.Recorded) != 1 || len(one.Shown) != 1 || one.Shown[0] < one.Bar*15/60 || one.Shown[0] > one.Bar {
		t.Errorf("recorded is %v, of which a bar of %.0f pixels shows %v", one.Recorded, one.Bar, one.Shown)
	}
	if len(one.Ends) != 2 || math.Round(one.Ends[0]) != 100 || math.Round(one.Ends[1]) != 80 {
		t.Errorf("the bar ends at %v %%, want 100 while a fragment is on its way and 80 while nothing comes", one.Ends)
	}
	if ago := (one.Clicked.Now - one.Clicked.At) / 1000; !one.Clicked.moves() || ago < 5 || ago > 60 {
		t.Errorf("a click on ten seconds ago plays %+v, %.1f s ago", one.Clicked.seen, ago)
	}
	if one.Live.Advanced <= 0 || one.Live.Width < 50 || one.Live.Width > 300 {
		t.Errorf("the live picture beside the past: %+v", one.Live)
	}
	if !one.Keyed.moves() || !strings.Contains(one.Spoken, " ago") {
		t.Errorf("an arrow key plays %+v, spoken as %q", one.Keyed, one.Spoken)
	}
	if one.Back.Mode != "live" || !one.Back.Hidden || !one.Back.Pressed {
		t.Errorf("back at live the page has %+v", one.Back)
	}
	if !one.Again.moves() {
		t.Errorf("ten seconds back from live the page plays %+v", one.Again)
	}
	var phone struct {
		Tapped   seen
		Overflow float64
	}
	s.next()
	s.result(&phone)
	if !phone.Tapped.moves() || phone.Overflow > 0 {
		t.Errorf("on a phone: %+v", phone)
	}
}
