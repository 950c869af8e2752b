// Package corpus takes streams and files of many shapes on the way of footage, from
// a source through a camera into files and the archive, and compares the pictures
// that ffmpeg decodes at each end.
package corpus

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCorpus plays each shape once: the pictures and the sound in a Matroska file of
// what the camera yields, and in the archive's clip of what a producer uploads, are
// those of the input, and come at its times.
func TestCorpus(t *testing.T) {
	ffmpeg := testtools.Need(t, "ffmpeg")
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			in := s.make(t, ffmpeg)
			raw := strings.HasPrefix(filepath.Ext(in), ".h26") // without times of its own
			want := decode(t, ffmpeg, in)
			if s.warns == leftOut {
				want.sound = nil
			}
			if len(want.pictures) < 10 {
				t.Fatalf("%d pictures are too few to compare", len(want.pictures))
			}
			var outs map[string][]byte
			synctest.Test(t, func(t *testing.T) { outs = record(t, in, s) })
			for name, b := range outs {
				got := decode(t, ffmpeg, store(t, name, b))
				same(t, name, "pictures", got.pictures, want.pictures)
				heard(t, name, got.sound, want.sound)
				if !raw {
					inTime(t, name, got.times, want.times)
				}
			}
		})
	}
}

// decoded is what ffmpeg makes of a file.
type decoded struct {
	pictures []string // checksums, in the order of presentation
	times    []time.Duration
	sound    []string // checksums of the packets, which are not decoded
}

func decode(t *testing.T, ffmpeg, path string) (d decoded) {
	t.Helper()
	out := run(t, exec.Command(ffmpeg, "-v", "error", "-i", path, "-map", "0:v:0", "-map", "0:a:0?", "-c:a", "copy", "-fps_mode", "passthrough", "-f", "framemd5", "-"))
	var unit time.Duration
	for line := range strings.Lines(out) {
		var scale int64
		if n, _ := fmt.Sscanf(line, "#tb 0: 1/%d", &scale); n == 1 {
			unit = time.Second / time.Duration(scale)
		}
		fields := strings.Split(strings.TrimSpace(line), ",")
		if strings.HasPrefix(line, "#") || len(fields) < 6 {
			continue
		}
		if fields[0] != "0" {
			d.sound = append(d.sound, fields[5])
			continue
		}
		pts, err := strconv.ParseInt(strings.TrimSpace(fields[2]), 10, 64)
		if err != nil {
			t.Fatalf("ffmpeg says %q", line)
		}
		d.pictures, d.times = append(d.pictures, fields[5]), append(d.times, time.Duration(pts)*unit)
	}
	return d
}

// heard compares packets of sound. None is there of before the first picture, and
// record stops somewhere about where the input begins again.
func heard(t *testing.T, name string, got, want []string) {
	t.Helper()
	const few = 5 // packets
	if len(got) > 0 {
		want = want[max(slices.Index(want[:min(few, len(want))], got[0]), 0):]
	}
	if n := min(len(got), len(want)); max(len(got), len(want))-n < few {
		got, want = got[:n], want[:n]
	}
	same(t, name, "packets of sound", got, want)
}

// same compares checksums.
func same(t *testing.T, name, what string, got, want []string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s: %s: no. %d of %d is another one than the input's", name, what, i, len(want))
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s has %d %s, the input %d", name, len(got), what, len(want))
	}
}

// inTime compares the times of pictures, which may be rounded on their way.
func inTime(t *testing.T, name string, got, want []time.Duration) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if d := (got[i] - got[0]) - (want[i] - want[0]); d.Abs() > 2*time.Millisecond {
			t.Errorf("%s: picture %d is shown %v off", name, i, d)
			return
		}
	}
}

func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, &log)
	}
	return out.String()
}

func store(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// record plays a file once through a camera. It returns a Matroska file of what the
// camera yields and, unless a clip cannot have the shape, the clip of what a producer
// put into the archive.
func record(t *testing.T, path string, s shape) map[string][]byte {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	src, err := source.Open(ctx, path, logger)
	if err != nil {
		t.Fatal(err)
	}
	tracks := src.Tracks()
	cam, err := camera.New(camera.Config{Tracks: tracks, PreRoll: time.Hour, RingBytes: 64 << 20, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for f := range src.Frames(ctx) {
		if f.Track == tracks[0] {
			if first == nil {
				first = f.Data
			} else if bytes.Equal(f.Data, first) {
				break // the source begins again
			}
		}
		if err := cam.WriteFrame(f); err != nil {
			t.Fatalf("WriteFrame at %v: %v", f.PTS, err)
		}
	}
	if warned := log.String(); !strings.Contains(warned, s.warns) || s.warns == "" && warned != "" {
		t.Errorf("warned %q, want %q", warned, s.warns)
	}
	taken, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	frames := slices.Collect(cam.Frames(taken, time.Hour))
	var file bytes.Buffer
	if err := kvsmedia.WriteMKV(&file, slices.Values(frames), tracks...); err != nil {
		t.Fatalf("WriteMKV: %v", err)
	}
	outs := map[string][]byte{"file.mkv": file.Bytes()}
	if !s.noClip {
		outs["clip.mp4"] = archived(t, frames, tracks)
	}
	return outs
}

// archived uploads frames and returns the archive's clip of them.
func archived(t *testing.T, frames []kvsmedia.Frame, tracks []*kvsmedia.Track) []byte {
	srv := kvsmediatest.NewPipeServer(kvsmediatest.Config{Logger: slog.New(slog.DiscardHandler)})
	defer srv.Close()
	if _, err := srv.AddStream("door", kvsmediatest.StreamConfig{RetentionHours: 24}); err != nil {
		t.Fatal(err)
	}
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: srv.AWS(), Stream: "door", Tracks: tracks, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Upload(t.Context(), slices.Values(frames)); err != nil {
		t.Fatalf("Upload: %v", err)
	}
	archive, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: srv.AWS(), Stream: "door"})
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	<-time.After(5 * time.Second) // ListFragments and GetClip are eventually consistent
	whole := kvsmedia.Range{Start: frames[0].Time.Add(-time.Minute), End: frames[len(frames)-1].Time.Add(time.Minute)}
	body, err := archive.Clip(t.Context(), whole)
	if err != nil {
		t.Fatalf("Clip: %v", err)
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
