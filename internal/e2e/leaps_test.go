package e2e

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
)

// leaping is an encoder's clock that every three seconds is set back to 0, leaps
// ahead by three hours, or is about to wrap as one of 32 bits at 90 kHz does.
func leaping(pts time.Duration) time.Duration {
	const spell, full = 3 * time.Second, 1 << 32 * time.Second / 90_000
	in := pts % spell
	switch pts / spell % 3 {
	case 0:
		return in
	case 1:
		return 3*time.Hour + in
	}
	return (full - spell/2 + in) % full
}

// Chromium goes on showing a camera whose time stamps leap.
func TestChromiumOverLeaps(t *testing.T) {
	c := startCloud(t)
	filmAt(t, camera.Config{Signaling: device(t, c, "leaps")}, leaping)
	job := jsSDK(t, c, c.ViewerAWS("leaps"))
	job.Channel, job.ClientID = "leaps", "page"
	const seconds = 14
	var got struct {
		Shown     int
		Longest   float64 // ms
		Played    float64 // s
		Concealed float64
	}
	start(t, "leaps.mjs", c.RootPEM(), struct {
		browserJob
		Enough  int `json:"enough"`
		Seconds int `json:"seconds"`
	}{job, enough, seconds}).result(&got)
	t.Logf("in %d s: %+v", seconds, got)
	if got.Shown < seconds*15*6/10 || got.Longest > 1500 {
		t.Errorf("%d pictures were shown in %d s, one of them for %.0f ms", got.Shown, seconds, got.Longest)
	}
	if got.Played < seconds*0.8 || got.Concealed > 0.2 {
		t.Errorf("%.1f s of sound were played in %d s, of which %.0f %% were made up", got.Played, seconds, 100*got.Concealed)
	}
}
