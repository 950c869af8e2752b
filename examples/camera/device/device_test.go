package device_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nalus are the NAL units of a frame without parameter sets, which a camera may
// repeat; an audio packet is itself.
func nalus(t *testing.T, f kvsmedia.Frame) [][]byte {
	if !f.Track.Codec.Video() {
		return [][]byte{f.Data}
	}
	var units [][]byte
	var err error
	if units = bitstream.Split(nil, f.Data); len(f.Track.Private) > 0 {
		units, err = bitstream.SplitPrefixed(nil, f.Data, 4)
	}
	if err != nil {
		t.Fatal(err)
	}
	codec := bitstream.H264
	if f.Track.Codec == kvsmedia.H265 {
		codec = bitstream.H265
	}
	var out [][]byte
	for _, u := range units {
		if !codec.IsParameterSet(u) {
			out = append(out, u)
		}
	}
	return out
}

// footage returns a file to film: the one that SMARTCAM_FOOTAGE names, or one
// made of the SDK's own clip. ffmpeg copies its pictures, and its AAC sound if the
// format has any, into a format.
func footage(t *testing.T, ffmpeg, format string) string {
	t.Helper()
	in := os.Getenv("SMARTCAM_FOOTAGE")
	dir := t.TempDir()
	if in == "" {
		in = filepath.Join(dir, "clip.mkv")
		f, err := os.Create(in)
		if err != nil {
			t.Fatal(err)
		}
		clip := clips.Day()
		if err := errors.Join(kvsmedia.WriteMKV(f, slices.Values(clip.Frames), clip.Tracks[0], clip.Tracks[2]), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "footage"+format)
	args := []string{"-loglevel", "error", "-i", in, "-map", "0:v"}
	if format != ".h264" {
		args = append(args, "-map", "0:a?")
	}
	if b, err := exec.Command(ffmpeg, append(args, "-c", "copy", out)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, b)
	}
	return out
}

// TestWhatIsFilmedIsSeen compares what a viewer receives with what the source
// gives, byte by byte and in order.
func TestWhatIsFilmedIsSeen(t *testing.T) {
	specs := map[string]func(t *testing.T) string{
		"clip": func(*testing.T) string { return "clip" },
		"mp4":  func(t *testing.T) string { return footage(t, testtools.Need(t, "ffmpeg"), ".mp4") },
		"mkv":  func(t *testing.T) string { return footage(t, testtools.Need(t, "ffmpeg"), ".mkv") },
		"h264": func(t *testing.T) string { return footage(t, testtools.Need(t, "ffmpeg"), ".h264") + "?fps=15" },
		"exec": func(t *testing.T) string {
			ffmpeg := testtools.Need(t, "ffmpeg")
			return "exec:" + ffmpeg + " -loglevel error -re -i " + footage(t, ffmpeg, ".mp4") + " -c copy -bsf:v h264_mp4toannexb -f h264 -"
		},
		"rtsp": serveClip,
	}
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			filmAndWatch(t, spec(t))
		})
	}
}

func filmAndWatch(t *testing.T, spec string) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	srv := signalingtest.NewServer(signalingtest.Config{TURN: func(string, time.Time) []signalingtest.ICEServer { return nil }})
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	in, err := source.Open(ctx, spec, log)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	filmed := map[bool][][]byte{} // NAL units of the picture, packets of the sound
	tap := tapped{in, func(f kvsmedia.Frame) {
		mu.Lock()
		defer mu.Unlock()
		video := f.Track.Codec.Video()
		if video || f.Track.Codec == kvsmedia.Opus {
			for _, u := range nalus(t, f) {
				filmed[video] = append(filmed[video], bytes.Clone(u))
			}
		}
	}}
	dev, err := device.New(device.Config{Source: tap, Signaling: srv.Config("door"), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- dev.Run(run) }()
	defer func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	}()
	v, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("door"), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if status, err := viewer.Call[device.Status](ctx, v, "status", nil); err != nil || status.Viewers != 1 {
		t.Errorf("status: %+v, %v", status, err)
	}
	seen := map[bool][][]byte{}
	pictures := 0
	for f := range v.Frames(ctx) {
		if f.Skipped > 0 {
			t.Errorf("%d frames were lost", f.Skipped)
		}
		video := f.Track.Codec.Video()
		seen[video] = append(seen[video], nalus(t, f)...)
		if video {
			if pictures++; pictures == 60 {
				break
			}
		}
	}
	if pictures < 60 {
		t.Fatalf("%d pictures came: %v", pictures, v.Err())
	}
	mu.Lock()
	defer mu.Unlock()
	for video, units := range seen {
		if at := find(filmed[video], units); at < 0 {
			t.Errorf("video %v: %d units were received, which are not a part of the %d that were filmed", video, len(units), len(filmed[video]))
		}
	}
	if spec == "clip" && len(seen[false]) < 50 {
		t.Errorf("%d packets of sound", len(seen[false]))
	}
}

// find returns where part stands in whole, unit by unit; -1 if it does not.
func find(whole, part [][]byte) int {
	for at := 0; at+len(part) <= len(whole); at++ {
		same := true
		for i := range part {
			if !bytes.Equal(whole[at+i], part[i]) {
				same = false
				break
			}
		}
		if same {
			return at
		}
	}
	return -1
}

// tapped is a source whose frames are noted.
type tapped struct {
	*source.Source
	note func(kvsmedia.Frame)
}

func (s tapped) Frames(ctx context.Context) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		for f := range s.Source.Frames(ctx) {
			s.note(f)
			if !yield(f) {
				return
			}
		}
	}
}
