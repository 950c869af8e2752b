package e2e

import (
	"strings"
	"testing"
)

// TestDemoPrivacy has the demo's pages show that the camera is private, without the picture
// of before and without taking it for a lost connection, and be live again afterwards.
func TestDemoPrivacy(t *testing.T) {
	type shown struct {
		State, Pill, Text, Video, Events string
		Frames                           int
		Mute                             bool
	}
	var got struct{ Before, After, Live []shown }
	start(t, "privacy.mjs", nil, demo(t)).result(&got)
	for i := range got.Before {
		for _, s := range []shown{got.Before[i], got.After[i]} {
			if s.State != "private" || s.Pill != "Private" || !strings.HasPrefix(s.Text, "Privacy is on") || s.Video != "hidden" || !s.Mute || strings.Contains(s.Events, "Repairing") {
				t.Errorf("page %d while privacy is on: %+v", i, s)
			}
		}
		if got.Before[i].Frames != got.After[i].Frames || i == 1 && got.After[i].Frames > 0 {
			t.Errorf("page %d decoded %d pictures, then %d, while privacy was on", i, got.Before[i].Frames, got.After[i].Frames)
		}
		if s := got.Live[i]; s.Pill != "Live" || s.Video != "visible" || s.Mute || s.Frames <= got.After[i].Frames || !strings.Contains(s.Events, "Privacy off") ||
			strings.Contains(s.Events, "Repairing") {
			t.Errorf("page %d afterwards: %+v", i, s)
		}
	}
}
