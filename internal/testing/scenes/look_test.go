package scenes_test

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/scenes"
)

// TestLook writes pictures to be looked at, if SMARTCAM_SCREENSHOTS names a directory.
func TestLook(t *testing.T) {
	dir := os.Getenv("SMARTCAM_SCREENSHOTS")
	if dir == "" {
		t.Skip("SMARTCAM_SCREENSHOTS names no directory")
	}
	for seed := range uint64(4) {
		for _, f := range families {
			look(t, dir, fmt.Sprintf("scene-%d-%d", f, seed), scenes.Scene{Family: f, Seed: seed, Width: 640, Height: 360, Length: 14 * time.Second,
				Noise: 2, Clock: scenes.Corner(1 + seed%2), Wind: 0.01, Rain: 0.1 * float64(seed%3), Clouds: 0.05,
				Walkers: []scenes.Walker{{Share: [3]float64{0.01, 0.02, 0.05}[seed%3], Stands: 2 * time.Second}},
				IRCuts:  []scenes.IRCut{{At: 6 * time.Second, Night: true}}}, 2*time.Second)
		}
	}
	look(t, dir, "visitor", scenes.Visitor(), 3*time.Second)
}

func look(t *testing.T, dir, name string, s scenes.Scene, every time.Duration) {
	for p := range s.Pictures() {
		if p.At%every != 0 {
			continue
		}
		n := s.Width * s.Height
		m := &image.YCbCr{Y: p.Data[:n], Cb: p.Data[n : n*5/4], Cr: p.Data[n*5/4:], YStride: s.Width, CStride: s.Width / 2,
			SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, s.Width, s.Height)}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%02.0f.png", name, p.At.Seconds())))
		if err == nil {
			err = png.Encode(f, m)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
