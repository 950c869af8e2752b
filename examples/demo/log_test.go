package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Each viewer who comes, leaves or is turned away is a line, and nothing else is.
func TestVisitors(t *testing.T) {
	var out bytes.Buffer
	v := &visitors{log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))}
	relay := signaling.CandidatePair{Local: signaling.Candidate{Type: "relay"}}
	for _, e := range []camera.Event{
		camera.Online{},
		camera.Joined{Peer: signaling.Peer{ID: "a"}},
		camera.Joined{Peer: signaling.Peer{ID: "b"}, Report: signaling.ConnectReport{Selected: &relay}},
		camera.Talking{Peer: signaling.Peer{ID: "a"}},
		camera.Left{Peer: signaling.Peer{ID: "a"}, Err: errors.New("gone")},
		camera.Left{Peer: signaling.Peer{ID: "c"}, Err: errors.New("no path")},
		camera.Refused{Peer: signaling.Peer{ID: "d"}, Err: errors.New("full")},
		camera.Offline{Err: errors.New("ended")},
	} {
		v.tell(e)
	}
	want := `level=INFO msg="a viewer joined" viewer=a path=direct
level=INFO msg="a viewer joined" viewer=b path=relayed
level=INFO msg="a viewer left" viewer=a why=gone
level=INFO msg="a viewer did not get through" viewer=c why="no path"
level=INFO msg="a viewer was turned away" viewer=d why=full
`
	if out.String() != want {
		t.Errorf("logged is\n%swant\n%s", &out, want)
	}
}

// The SDK logs trouble alone, such as a recording that is refused; with -v all.
func TestQuiet(t *testing.T) {
	for level, want := range map[slog.Level]string{slog.LevelInfo: "warn error ", slog.LevelDebug: "debug info warn error "} {
		var out bytes.Buffer
		log := slog.New(quiet{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.MessageKey {
				_, _ = out.WriteString(a.Value.String() + " ")
			}
			return slog.Attr{}
		}})}).With("of", "a part").WithGroup("part")
		log.Debug("debug")
		log.Info("info")
		log.Warn("warn")
		log.Error("error")
		if got := strings.ReplaceAll(out.String(), "\n", ""); got != want {
			t.Errorf("from %v on: %q, want %q", level, got, want)
		}
	}
}
