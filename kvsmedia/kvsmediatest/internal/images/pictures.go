package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// errNoFFmpeg tells what images need.
var errNoFFmpeg = errors.New("ffmpeg is not installed; it is needed to make images of what the source has no snapshots of")

// frameTimes returns the presentation times of a fragment's pictures since its
// beginning, ascending.
func frameTimes(f *store.Fragment) ([]time.Duration, error) {
	var begin time.Duration
	var times []time.Duration
	err := f.Elements(func(e mkv.Element) bool {
		switch e := e.(type) {
		case *mkv.Cluster:
			begin = e.Timestamp
		case *mkv.Block:
			if e.Track != nil && e.Track.Type == mkv.VideoTrack && e.Number == 1 {
				times = append(times, e.Time-begin)
			}
		}
		return true
	})
	slices.Sort(times)
	return times, err
}

// pictures returns the pictures of a fragment's frames that have the given indexes, each as
// a file: the source's snapshots, and for what there is none ffmpeg's. Without ffmpeg those
// are nil, unless all are.
func (m *Maker) pictures(ctx context.Context, stream string, f *store.Fragment, frames []time.Duration, indexes []int, form *Form) ([][]byte, error) {
	files := make([][]byte, len(indexes))
	var missing []int // indexes of frames
	for i, n := range indexes {
		jpeg := m.snapshots.at(stream, f.Producer.Add(frames[n]))
		if jpeg == nil {
			missing = append(missing, n)
			continue
		}
		var err error
		if files[i], err = form.apply(jpeg); err != nil {
			return nil, err
		}
	}
	if len(missing) == 0 {
		return files, nil
	}
	decoded, err := m.decode(ctx, f, missing, form)
	if errors.Is(err, errNoFFmpeg) && len(missing) < len(indexes) {
		return files, nil
	}
	if err != nil {
		return nil, err
	}
	for i, n := range indexes {
		if len(missing) > 0 && missing[0] == n {
			files[i], decoded, missing = decoded[0], decoded[1:], missing[1:]
		}
	}
	return files, nil
}

// decode has ffmpeg make the pictures of a fragment that have the given indexes.
func (m *Maker) decode(ctx context.Context, f *store.Fragment, indexes []int, form *Form) ([][]byte, error) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, errNoFFmpeg
	}
	select {
	case m.decoders <- struct{}{}:
		defer func() { <-m.decoders }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	file, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var chosen []string
	for _, i := range indexes {
		chosen = append(chosen, fmt.Sprintf("eq(n,%d)", i))
	}
	filter := "select='" + strings.Join(chosen, "+") + "'"
	if form.WidthPixels > 0 || form.HeightPixels > 0 {
		side := func(n int) int {
			if n == 0 {
				return -1 // as the other side demands
			}
			return n
		}
		filter += fmt.Sprintf(",scale=%d:%d", side(form.WidthPixels), side(form.HeightPixels))
	}
	var out, trouble bytes.Buffer
	cmd := exec.CommandContext(ctx, ffmpeg, "-v", "error", "-i", "pipe:0", "-map", "0:v:0", "-vf", filter,
		"-fps_mode", "passthrough", "-c:v", "png", "-f", "image2pipe", "pipe:1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = file, &out, &trouble
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %.300s", err, trouble.String())
	}
	var files [][]byte
	for range indexes {
		picture, err := png.Decode(&out)
		if err != nil {
			return nil, fmt.Errorf("ffmpeg decoded %d of %d pictures: %.300s", len(files), len(indexes), trouble.String())
		}
		file, err := form.encode(picture)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}
