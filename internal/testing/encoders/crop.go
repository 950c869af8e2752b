package encoders

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/testing/scenes"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// The crops of a real film.
const (
	Crops      = 9 // of a picture of 768 x 576 pixels, row by row
	cropWidth  = 256
	cropHeight = 192
	cropRate   = 10
)

// Footage is a piece of a real film.
type Footage struct {
	scenes.Film

	// Changed is, for each picture, the share of its pixels that differ from the picture
	// before by more than 20 of 255. More than 0.004 is motion, less than 0.0004 none.
	Changed []float64
}

// Crop returns piece n of the real film that SMARTCAM_FOOTAGE names, 10 pictures a
// second. Without a film the test is skipped.
func Crop(t testing.TB, n int) Footage {
	t.Helper()
	path := os.Getenv("SMARTCAM_FOOTAGE")
	if path == "" {
		t.Skip("SMARTCAM_FOOTAGE names no film")
	}
	filter := fmt.Sprintf("fps=%d,scale=%d:%d,crop=%d:%d:%d:%d", cropRate, 3*cropWidth, 3*cropHeight,
		cropWidth, cropHeight, n%3*cropWidth, n/3*cropHeight)
	cmd := exec.CommandContext(t.Context(), testtools.Need(t, "ffmpeg"), "-nostdin", "-v", "error", "-i", path, "-an", "-vf", filter,
		"-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	pictures, readErr := readPictures(bufio.NewReader(out))
	if err := errors.Join(readErr, cmd.Wait()); err != nil || len(pictures) == 0 {
		t.Fatalf("%d pictures of %s: %v\n%s", len(pictures), path, err, stderr.Bytes())
	}
	f := Footage{Film: scenes.Film{Width: cropWidth, Height: cropHeight, Rate: cropRate, Pictures: func(yield func([]byte) bool) {
		for _, p := range pictures {
			if !yield(p) {
				return
			}
		}
	}}, Changed: make([]float64, len(pictures))}
	for i := 1; i < len(pictures); i++ {
		f.Changed[i] = changed(pictures[i-1], pictures[i])
	}
	return f
}

func readPictures(r io.Reader) (pictures [][]byte, err error) {
	for {
		p := make([]byte, cropWidth*cropHeight*3/2)
		if _, err := io.ReadFull(r, p); errors.Is(err, io.EOF) {
			return pictures, nil
		} else if err != nil {
			return nil, err
		}
		pictures = append(pictures, p)
	}
}

//go:norace
func changed(a, b []byte) float64 {
	n := 0
	for i, v := range a[:cropWidth*cropHeight] {
		if d := int(v) - int(b[i]); d > 20 || d < -20 {
			n++
		}
	}
	return float64(n) / (cropWidth * cropHeight)
}
