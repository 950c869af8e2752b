package e2e

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// backfill sends the day to the stream of the thing "door" as captured from a time on.
func backfill(t *testing.T, ctx context.Context, c *cameratest.Cloud, at time.Time) {
	t.Helper()
	day := clips.Day()
	tracks := []*kvsmedia.Track{day.Tracks[0], day.Tracks[2]}
	err := upload(t, ctx, c, func(yield func(kvsmedia.Frame) bool) {
		for _, f := range day.Frames {
			f.Time = at.Add(f.PTS)
			if !yield(f) {
				return
			}
		}
	}, tracks...)
	if err != nil {
		t.Fatal(err)
	}
}

// The demo's page plays what was recorded with a gap that was filled later, whole and
// in order, though the service plays a session for each run.
func TestGapFilledLater(t *testing.T) {
	c := startCloud(t)
	chromium := testtools.Need(t, "chromium")
	packages(t, "playwright-core")
	length := clips.Day().Length
	at := time.Now().Truncate(time.Second).Add(-2 * time.Minute)
	for _, part := range []time.Duration{0, 2, 1} {
		backfill(t, within(t), c, at.Add(part*length))
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, c.RootPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	owner := credentialsOf(t, c.OwnerAWS())
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": owner.AccessKeyID, "AWS_SECRET_ACCESS_KEY": owner.SecretAccessKey, "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "SMARTCAM_DEVICE": "",
	} {
		t.Setenv(name, value)
	}
	page := startDemo(t, "-aws", "-endpoint", c.URL(), "-ca", ca, "-region", c.OwnerAWS().Region, "-channel", "door", "-stream", "door").urls[0]
	job := map[string]any{
		"chromium": chromium, "trust": []string{keyHash(t, c)}, "page": page,
		"seek": at.Add(length - 4*time.Second).UnixMilli(), "until": at.Add(2*length + 4*time.Second).UnixMilli(), "end": at.Add(3 * length).UnixMilli(),
	}
	if dir := os.Getenv("SMARTCAM_SCREENSHOTS"); dir != "" {
		var err error
		if job["screenshots"], err = filepath.Abs(dir); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, "gap.mjs", c.RootPEM(), job)
	var got struct {
		Steps []struct {
			On         bool
			At, Bright float64
		}
		Recorded []struct{ Start, End float64 }
	}
	s.result(&got)
	if n := len(got.Steps); n < 20 || got.Steps[n-1].At < float64(at.Add(2*length).UnixMilli()) {
		t.Fatalf("the page ends at %+v of %d steps; recorded is %v", got.Steps[n-1], n, got.Recorded)
	}
	for i, step := range got.Steps {
		if i > 0 && (step.At < got.Steps[i-1].At-1 || step.At > got.Steps[i-1].At+3000) || !step.On || step.Bright < 20 {
			t.Errorf("after %+v the page shows %+v", got.Steps[max(i-1, 0)], step)
		}
	}
	if len(got.Recorded) < 1 || got.Recorded[0].End-got.Recorded[0].Start < 3*float64(length.Milliseconds())-100 {
		t.Errorf("recorded is %v", got.Recorded)
	}
}
