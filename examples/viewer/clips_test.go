package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// What is wrong with a call of clips is said before anybody is asked.
func TestClipsUsage(t *testing.T) {
	cloud(t)
	const id = "01JDYX3N4V5W6X7Y8Z9A0B1C2D"
	for args, want := range map[string]string{
		"":                                "-channel: name the camera's channel, or give its URL with -camera",
		"-camera front-door":              "-camera",
		"-camera http://door:1/?a=b":      "want a URL",
		"-camera http://door:1 -stream a": "-stream has no effect with -camera",
		"-camera http://door:1 -clip ../../status":                        "want the ID of a clip",
		"-camera http://door:1 -clip 01JDYX3N4V5W6X7Y8Z9A0B1C2U":          "want the ID of a clip",
		"-camera http://door:1 -o visit.mp4":                              "-o has no effect without -clip",
		"-camera http://door:1 -from 1h -clip " + id:                      "-from has no effect with -clip",
		"-camera http://door:1 -o visit.mkv -clip " + id:                  "ending in .mp4",
		"-camera http://door:1 -from 1h -to 2h":                           "is not before -to",
		"-camera http://door:1 -o /nowhere/at/all/visit.mp4 -clip  " + id: "no such file or directory",
	} {
		_, _, err := call(t, append([]string{"clips"}, strings.Fields(args)...)...)
		var usage *program.UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("clips %s: %v, want %s", args, err, want)
		}
	}
}

// keeping runs a camera that keeps clips and uploads them until the test ends.
func keeping(t *testing.T, c *cameratest.Cloud) *device.Device {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	in, err := source.Open(t.Context(), "clip", log)
	if err != nil {
		t.Fatal(err)
	}
	door, err := c.AddDevice("door")
	if err != nil {
		t.Fatal(err)
	}
	dev, err := device.New(device.Config{
		Source: in, Signaling: door.Signaling(), Logger: log, Recording: &kvsmedia.ProducerConfig{AWS: door.AWS, Stream: "door"},
		Clips: &recorder.Config{Dir: filepath.Join(t.TempDir(), "clips"), OnRoot: true, PreRoll: time.Second, PostRoll: time.Second, MaxBytes: 64 << 20},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { _ = dev.Run(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	return dev
}

// Clips are listed, told and saved, on the camera's channel with its stream, and at its
// address; both give the same pictures.
func TestClips(t *testing.T) {
	c := cloud(t)
	dev := keeping(t, c)
	routes := httptest.NewServer(clipapi.NewRoutes(dev.Recorder(), slog.New(slog.DiscardHandler)))
	defer routes.Close()
	changes := dev.Recorder().Changes(within(t))
	id, err := dev.Recorder().Trigger(recorder.Event{Type: "motion"})
	if err != nil {
		t.Fatal(err)
	}
	for c := range changes {
		if c.Kind == recorder.ClipStored {
			break
		}
	}
	ways := map[string][]string{"camera": {"clips", "-camera", routes.URL}, "channel": {"clips", "-channel", "door"}}
	frames := map[string]string{}
	for name, args := range ways {
		out, told, err := call(t, args...)
		if err != nil || !strings.Contains(out, string(id)) || !strings.Contains(out, "uploaded") || !strings.Contains(out, "motion") || strings.Count(out, "\n") != 2 {
			t.Errorf("%s: %v, %s\n%s", name, err, told, out)
		}
		if out, told, err := call(t, append(args, "-from", "2h", "-to", "1h")...); err != nil || out != "" || !strings.Contains(told, "no clips from") {
			t.Errorf("%s without clips: %q %q %v", name, out, told, err)
		}
		args = append(args, "-clip", string(id))
		if out, _, err = call(t, args...); err != nil || !strings.Contains(out, "uploaded, ended: event over") || !strings.Contains(out, "\n  in the stream: ") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		file := filepath.Join(t.TempDir(), "visit.mp4")
		if name == "channel" {
			args = append(args, "-stream", "door")
		}
		if _, told, err := call(t, append(args, "-o", file)...); err != nil || !strings.Contains(told, "motion") {
			t.Errorf("%s: %v, %s", name, err, told)
		}
		md5, err := exec.Command(testtools.Need(t, "ffmpeg"), "-loglevel", "error", "-i", file, "-map", "0:v", "-c", "copy", "-bsf:v", "h264_mp4toannexb", "-f", "framehash", "-hash", "md5", "-").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v %s", name, err, md5)
		}
		for line := range strings.Lines(string(md5)) {
			if at := strings.LastIndex(line, ","); at > 0 && !strings.HasPrefix(line, "#") {
				frames[name] += line[at:]
			}
		}
		if out, _, err := call(t, append(args, "-o", "-")...); err != nil || !strings.Contains(out[:min(len(out), 32)], "ftyp") {
			t.Errorf("%s to a player: %v, %.20q", name, err, out)
		}
		none := append(args[:3:3], "-clip", "01JDYX3N4V5W6X7Y8Z9A0B1C2D")
		if _, _, err := call(t, none...); err == nil || !strings.Contains(err.Error(), "no such clip") {
			t.Errorf("%s, a clip that is not there: %v", name, err)
		}
	}
	if n := strings.Count(frames["camera"], "\n"); n < 20 || frames["camera"] != frames["channel"] {
		t.Errorf("%d pictures from the camera, %d from the stream, the same: %v", n, strings.Count(frames["channel"], "\n"), frames["camera"] == frames["channel"])
	}
	if _, _, err := call(t, "clips", "-channel", "door", "-clip", string(id), "-o", "-"); err == nil || !strings.Contains(err.Error(), "name the stream") {
		t.Errorf("without -stream: %v", err)
	}
	if _, _, err := call(t, "clips", "-camera", routes.URL+"/elsewhere"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("at another URL: %v", err)
	}
}

// A clip is told with all that became of it, in words.
func TestTellClip(t *testing.T) {
	at := time.Date(2026, 5, 14, 18, 30, 0, 0, time.Local)
	clip := recorder.Clip{
		ID: "01JDYX3N4V5W6X7Y8Z9A0B1C2D", State: recorder.Partial, Start: at, End: at.Add(20 * time.Second), Length: 20 * time.Second, Bytes: 2_500_000,
		Events: []recorder.Event{{Type: "motion"}, {Type: "doorbell"}, {Type: "motion"}}, MoreEvents: 1, Reason: recorder.EndOfEvent,
		Sent: 0.5, Protected: true, Runs: []recorder.Run{{First: "11", Last: "15", Start: at, End: at.Add(10 * time.Second), Fragments: 5}},
		Missing: []recorder.Missing{{Start: at.Add(10 * time.Second), Length: 10 * time.Second, Frames: 250, Reason: "the stream refused it"}},
	}
	var out strings.Builder
	err := (terminal{program.Console{Out: &out}}).tellClip(clipapi.Receipt{Clip: clip, Fragments: []recorder.Fragment{{Stored: true}, {Error: "refused"}}})
	const want = `01JDYX3N4V5W6X7Y8Z9A0B1C2D: motion, doorbell (4), 2026-05-14 18:30:00, 20.0 s, 2.5 MB
  partial 50 %, not on the device, protected, ended: event over
  stored: 1 of 2 fragments
  in the stream: 2026-05-14 18:30:00 to 18:30:10, 5 fragments from 11 to 15
  missing: the stream refused it, from 2026-05-14 18:30:10, 10.0 s, 250 frames
`
	if err != nil || out.String() != want {
		t.Errorf("%v\n%s", err, &out)
	}
	clip.Estimated = true
	if got := startOf(clip); got != "before 2026-05-14 18:30:00" {
		t.Error(got)
	}
	if got := startOf(recorder.Clip{}); got != "time not known" {
		t.Error(got)
	}
	if got := stateOf(recorder.Clip{State: recorder.Kept, OnDevice: true}) + eventsOf(recorder.Clip{Events: clip.Events[:1]}); got != "keptmotion" {
		t.Error(got)
	}
}
