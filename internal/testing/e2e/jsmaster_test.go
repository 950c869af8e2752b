package e2e

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// Our viewer watches the AWS JavaScript SDK in Chromium, a master that films in
// H.264, and talks to it.
func TestJavaScriptMaster(t *testing.T) {
	t.Run("H264 alone", func(t *testing.T) { javaScriptMaster(t, false) })
	t.Run("with RTX", func(t *testing.T) { javaScriptMaster(t, true) })
}

func javaScriptMaster(t *testing.T, repair bool) {
	c := startCloud(t)
	added(t)(c.Signaling().AddChannel("door"))
	job := jsSDK(t, c, c.OwnerAWS())
	job.Repair = repair
	s := start(t, "master.mjs", c.RootPEM(), job)
	s.result(&struct{}{}) // it is online
	s.next()

	ctx := within(t)
	v, err := viewer.Dial(ctx, viewer.Config{
		Signaling: signaling.Config{AWS: c.ViewerAWS("door"), Channel: "door"},
		Talk:      opus(), Logger: logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	talk(t, v)

	var file []byte
	pictures, sounds, units := 0, 0, [][]byte(nil)
	for f := range v.Frames(ctx) {
		switch {
		case f.Track.Codec == kvsmedia.Opus:
			if sounds++; len(f.Data) == 0 {
				t.Error("an empty packet of sound")
			}
		case f.Track.Codec != kvsmedia.H264 || f.Skipped > 0:
			t.Errorf("a frame of %v, %d skipped", f.Track.Codec, f.Skipped)
		default:
			if pictures == 0 && !f.Key {
				t.Error("the first picture is not a key frame")
			}
			pictures++
			file, units = append(file, f.Data...), append(units, f.Data)
		}
		if pictures > 30 && sounds > 50 {
			break
		}
	}
	if pictures <= 30 || sounds <= 50 {
		t.Errorf("got %d pictures and %d packets of sound: %v", pictures, sounds, v.Err())
	}
	sameUnits(t, file, units)
	decodes(t, file, pictures)

	var heard struct{ Audio int }
	if s.result(&heard); heard.Audio <= 50 {
		t.Errorf("the master heard %d packets", heard.Audio)
	}
}

func opus() *kvsmedia.Track { return clips.Day().Tracks[1] }

// talk says the sound of the street into a viewer until the test ends.
func talk(t *testing.T, v *viewer.Viewer) {
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		for f := range clips.Play(ctx, clips.Day()) {
			if f.Track != opus() {
				continue
			}
			if err := v.WriteFrame(f); err != nil && v.Err() == nil {
				t.Errorf("talk: %v", err)
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
}

// sameUnits checks that the stream consists of just these access units, as
// someone finds who sees the stream alone.
func sameUnits(t *testing.T, stream []byte, units [][]byte) {
	t.Helper()
	cut := bitstream.NewAccessUnits(bytes.NewReader(stream), bitstream.H264)
	for i, want := range units {
		got, err := cut.Next()
		if err != nil {
			t.Fatalf("access unit %d of %d: %v", i, len(units), err)
		}
		if g, w := bitstream.Split(nil, got), bitstream.Split(nil, want); !bytes.Equal(bitstream.AppendAnnexB(nil, g), bitstream.AppendAnnexB(nil, w)) {
			t.Fatalf("access unit %d has %d NAL units, %d bytes, in the stream, and came with %d, %d bytes", i, len(g), len(got), len(w), len(want))
		}
	}
}

// decodes checks that FFmpeg finds that many pictures in an H.264 stream, and
// no fault.
func decodes(t *testing.T, stream []byte, pictures int) {
	t.Helper()
	cmd := exec.CommandContext(within(t), testtools.Need(t, "ffmpeg"), "-v", "warning", "-xerror",
		"-f", "h264", "-i", "pipe:0", "-fps_mode", "passthrough", "-f", "framecrc", "pipe:1")
	cmd.Stdin = bytes.NewReader(stream)
	var faults strings.Builder
	cmd.Stderr = &faults
	out, err := cmd.Output()
	n := 0
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	if err != nil || faults.Len() > 0 || n != pictures {
		t.Errorf("FFmpeg decodes %d pictures of %d: %v %s", n, pictures, err, faults.String())
	}
}
