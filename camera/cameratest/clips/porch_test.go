package clips

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/scenes"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// What is said of the film is what was drawn.
func TestPorchTruth(t *testing.T) {
	scene, f := scenes.Visitor(), Porch()
	truth := scene.Truth()
	if len(truth.Visits) != 1 || len(truth.Steps) != 2 || len(truth.Visits[0].Stands) != 1 {
		t.Fatalf("%+v", truth)
	}
	v := truth.Visits[0]
	if got := (Span{v.From, v.To}); got != f.Visitor {
		t.Errorf("a visitor in %v, want %v", f.Visitor, got)
	}
	if got := (Span{v.Stands[0][0], v.Stands[0][1]}); got != f.AtDoor {
		t.Errorf("at the door in %v, want %v", f.AtDoor, got)
	}
	if got := (Span{truth.Steps[0].From, truth.Steps[1].From}); got != f.Lamp {
		t.Errorf("a lamp in %v, want %v", f.Lamp, got)
	}
	for at, want := range map[time.Duration]bool{
		0: false, f.Visitor.From - 1: false, f.Visitor.From: true, f.Visitor.To - 1: true, f.Visitor.To: false, f.Length + f.AtDoor.From: true,
	} {
		if f.Visited(at) != want {
			t.Errorf("visited at %v: %v", at, !want)
		}
	}
}

// Each second's JPEG is the film's picture of that second, and it shows the visitor when
// the film says so, and only then.
func TestSnapshots(t *testing.T) {
	t.Run("day", func(t *testing.T) { testSnapshots(t, Porch(), 100) })
	t.Run("night", func(t *testing.T) { testSnapshots(t, PorchNight(), 60) })
}

// testSnapshots checks snapshots of a film; a visitor who is near is so many pixels at least.
func testSnapshots(t *testing.T, f *Film, near int) {
	seconds := int(f.Length / time.Second)
	if len(f.snapshots) != seconds {
		t.Fatalf("%d snapshots", len(f.snapshots))
	}
	film := pictures(t, f)
	var empty image.Image
	for n := range seconds {
		at := time.Duration(n) * time.Second
		if !bytes.Equal(f.Snapshot(at), f.Snapshot(at+f.Length+time.Second-1)) {
			t.Fatalf("the snapshot of %v is not that of its second a round later", at)
		}
		m, err := jpeg.Decode(bytes.NewReader(f.Snapshot(at)))
		if err != nil || m.Bounds() != image.Rect(0, 0, 320, 180) {
			t.Fatalf("%v: %v", at, err)
		}
		if d := differences(m, film[n], 40, image.Rect(0, 0, 320, 180)); d > 600 {
			t.Errorf("%v: the snapshot differs from the film's picture in %d pixels", at, d)
		}
		if n == 14 {
			empty = m
		}
		if at < f.Lamp.From+2*time.Second || at >= f.Lamp.To || empty == nil {
			continue
		}
		d := differences(m, empty, 40, image.Rect(0, 20, 320, 180)) // below the clock
		close := at >= f.Visitor.From+6*time.Second && at < f.Visitor.To-6*time.Second
		switch {
		case !f.Visited(at) && d > 0, f.Visited(at) && d == 0, close && d < near:
			t.Errorf("%v: visited: %v, but %d pixels differ from the empty porch", at, f.Visited(at), d)
		}
	}
}

// pictures decodes the film's pictures of whole seconds in half their size.
func pictures(t *testing.T, f *Film) (out []image.Image) {
	var b []byte
	for _, fr := range video(f.Clip) {
		b = append(b, fr.Data...)
	}
	cmd := exec.CommandContext(t.Context(), testtools.Need(t, "ffmpeg"), "-v", "error", "-framerate", "15", "-f", "h264", "-i", "pipe:0",
		"-vf", `select=not(mod(n\,15)),scale=320:180:flags=area`, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1")
	cmd.Stdin = bytes.NewReader(b)
	raw, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for p := range slices.Chunk(raw, 320*180) {
		out = append(out, &image.Gray{Pix: p, Stride: 320, Rect: image.Rect(0, 0, 320, 180)})
	}
	return out
}

// differences counts pixels whose brightness differs by more than a number of levels.
func differences(a, b image.Image, levels int, within image.Rectangle) (n int) {
	for y := within.Min.Y; y < within.Max.Y; y++ {
		for x := within.Min.X; x < within.Max.X; x++ {
			p, q := color.GrayModel.Convert(a.At(x, y)).(color.Gray), color.GrayModel.Convert(b.At(x, y)).(color.Gray)
			if d := int(p.Y) - int(q.Y); d > levels || d < -levels {
				n++
			}
		}
	}
	return n
}
