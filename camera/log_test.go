package camera_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// TestPeersDoNotSpoilTheLog has a peer send texts that are long and break lines.
func TestPeersDoNotSpoilTheLog(t *testing.T) {
	var log logBuffer
	r := startAt(t, quotaless(t), func(c *camera.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	c := r.rogue(t, "mallory")
	send(t, c, signaling.Offer, []byte(`{"type":"offer","sdp":"v=0\r\nm=`+strings.Repeat("spam ", 1500)+`\r\n"}`))
	send(t, c, signaling.Offer, []byte(`{"type":"`+strings.Repeat("spam", 1500)+`"}`))
	s, _ := r.offer(t, "mallet", rtctest.Hooks{})
	defer s.Close()
	send(t, r.rogue(t, "mallet"), signaling.ICECandidate, []byte(`{"candidate":"candidate:1 1 udp 1 `+strings.Repeat("spam", 1500)+` 1 typ host"}`))
	for _, what := range []string{"an offer cannot be read", "a candidate was not taken"} {
		until(t, 10*time.Second, what, func() bool { return strings.Contains(log.String(), what) })
	}
	for line := range strings.Lines(log.String()) {
		if len(line) > 2000 || !strings.HasPrefix(line, "time=") {
			t.Errorf("logged %.300q of %d bytes", line, len(line))
		}
	}
}

// TestLogTellsWhetherAViewerWasThere has one viewer leave and another never connect.
func TestLogTellsWhetherAViewerWasThere(t *testing.T) {
	var log logBuffer
	r := startAt(t, quotaless(t), func(c *camera.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	events := r.events(t)
	r.mustDial(t, func(c *viewer.Config) { c.ClientID = "ann" }).Close()
	event[camera.Left](t, events)
	s, _ := r.offer(t, "bob", rtctest.Hooks{}) // without candidates
	defer s.Close()
	if err := r.end(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	text := log.String()
	for _, want := range []string{`msg="viewer left" peer=ann`, `msg="viewer did not connect" peer=bob`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s:\n%s", want, text)
		}
	}
}
