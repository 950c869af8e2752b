package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
	"github.com/smartcam-sdk/smartcam/examples/program"
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
