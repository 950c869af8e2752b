package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The demo's page makes a clip by its chime, shows how the clip moves from the device to the
// stream, and plays it from the device, while it grows and afterwards. The visitor makes one
// by moving, which has a picture, in the list and in the cloud.
func TestDemoClips(t *testing.T) {
	job := demo(t)
	if dir := os.Getenv("SMARTCAM_SCREENSHOTS"); dir != "" {
		var err error
		if job.Screenshots, err = filepath.Abs(dir); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, "clips.mjs", nil, job)
	type played struct {
		Advanced, Duration float64
		Width              int
		Changed            bool
	}
	var one struct {
		States  []string // that the list has shown, in order
		Title   string
		Titles  []string // of all clips
		Seen    int      // width of the picture of the visitor's, in the list
		Latest  bool     // the picture of a clip is that of its last event
		Notes   string
		Growing played
		Whole   played
		Length  float64 // of the clip, in seconds
		Stopped bool    // playing it
		Past    bool    // what is not on the device is played from the stream
	}
	s.result(&one)
	if len(one.States) < 2 || one.States[0] != "recording" || one.States[len(one.States)-1] != "uploaded" || slices.Contains(one.States, "lost") || slices.Contains(one.States, "partial") {
		t.Errorf("the list shows %q", one.States)
	}
	if !strings.HasPrefix(one.Title, "Doorbell") {
		t.Errorf("the list has %q", one.Title)
	}
	if !slices.ContainsFunc(one.Titles, func(s string) bool { return strings.Contains(strings.ToLower(s), "motion") }) || !strings.Contains(one.Notes, "Something moves") {
		t.Errorf("the list has %q; the notes are\n%s", one.Titles, one.Notes)
	}
	if one.Seen != 320 {
		t.Errorf("the list shows a picture of %d pixels in width", one.Seen)
	}
	if !one.Latest {
		t.Error("the list does not show the picture of a clip's last event")
	}
	for name, p := range map[string]played{"while it grows": one.Growing, "as a whole": one.Whole} {
		if p.Advanced < 1 || p.Width == 0 || !p.Changed {
			t.Errorf("played %s: %+v", name, p)
		}
	}
	if one.Length < 10 || one.Whole.Duration < one.Length-1 || one.Whole.Duration > one.Length+1 {
		t.Errorf("a clip of %v s is played as %v s", one.Length, one.Whole.Duration)
	}
	if !one.Stopped || !one.Past {
		t.Errorf("playing ended %v, from the stream %v", one.Stopped, one.Past)
	}
}
