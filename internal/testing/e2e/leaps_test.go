package e2e

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
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

// Viewers go on showing a camera whose time stamps leap.
func TestLeaps(t *testing.T) {
	run, wait := atOnce(t)
	defer wait()
	run("Chromium", chromiumOverLeaps)
	run("our viewer", viewerOverLeaps)
}

func chromiumOverLeaps(t *testing.T) {
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

// viewerOverLeaps wants PTS to go on as the time does.
func viewerOverLeaps(t *testing.T) {
	c := startCloud(t)
	filmAt(t, camera.Config{Signaling: device(t, c, "leaps")}, leaping)
	cfg := viewer.Config{Signaling: signaling.Config{AWS: c.ViewerAWS("leaps"), Channel: "leaps"}, Logger: logger(t)}
	v, err := viewer.Dial(within(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var begun kvsmedia.Frame
	last, frames := map[bool]time.Duration{}, map[bool]int{}
	for f := range v.Frames(within(t)) {
		video := f.Track.Codec.Video()
		if begun.Track == nil {
			begun = f
		}
		if frames[video]++; frames[video] > 1 && f.PTS <= last[video] {
			t.Fatalf("PTS goes from %v to %v, video %v", last[video], f.PTS, video)
		}
		last[video] = f.PTS
		media, passed := f.PTS-begun.PTS, f.Time.Sub(begun.Time)
		if off := media - passed; off.Abs() > 2*time.Second {
			t.Fatalf("after %v PTS is %v off, video %v", passed, off, video)
		}
		if passed > 12*time.Second {
			break
		}
	}
	if frames[true] < 12*15*6/10 || frames[false] < 12*50*6/10 || (last[true]-last[false]).Abs() > time.Second {
		t.Errorf("%d pictures up to %v and %d packets of sound up to %v came in 12 s", frames[true], last[true], frames[false], last[false])
	}
}
