package viewer_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestReasons has Dial fail: the error says each package's name once and what to do,
// and the log does not repeat what Dial returns more than once.
func TestReasons(t *testing.T) {
	for name, c := range map[string]struct {
		srv  signalingtest.Config
		live bool // there is a camera
		cfg  func(*signaling.Config)
		want string
	}{
		"another region":  {cfg: func(c *signaling.Config) { c.AWS.Region = "us-east-1" }, want: "AWS.Region is us-east-1, and the endpoint is of another region"},
		"no such channel": {cfg: func(c *signaling.Config) { c.Channel = "attic" }, want: "there is no channel attic in us-west-2; if it is in another region, AWS.Region must name that"},
		"no camera":       {want: "the camera did not answer: it is offline or its channel is another one"},
		"a full camera": {
			live: true, srv: signalingtest.Config{Limits: signalingtest.Limits{Viewers: 20}},
			want: "camera refused the viewer (viewer limit): all places for viewers are taken (1)",
		},
		"a full channel": {
			live: true, srv: signalingtest.Config{Limits: signalingtest.Limits{Viewers: 1}},
			want: "the channel's places for viewers are taken",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.srv.TURN = func(string, time.Time) []signalingtest.ICEServer { return nil }
			srv := signalingtest.NewServer(c.srv)
			defer srv.Close()
			if c.live {
				defer filmFor(t, srv, clips.Day(), 1)()
				if _, err := dial(t, viewer.Config{Signaling: srv.Config("door")}, 20*time.Second); err != nil {
					t.Fatal(err)
				}
			} else {
				if _, err := srv.AddChannel("door"); err != nil {
					t.Fatal(err)
				}
			}
			cfg := srv.Config("door")
			if c.cfg != nil {
				c.cfg(&cfg)
			}
			var log logBuffer
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			v, err := viewer.Dial(ctx, viewer.Config{Signaling: cfg, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err == nil {
				v.Close()
				t.Fatal("it connected")
			}
			text := err.Error()
			for _, pkg := range []string{"camera", "viewer", "signaling", "webrtc", "awsapi"} {
				if n := strings.Count(text, pkg+":"); n > 1 {
					t.Errorf("it says %q %d times: %s", pkg, n, text)
				}
			}
			if !strings.HasPrefix(text, "viewer: ") || !strings.Contains(text, c.want) || strings.Contains(text, "policy") {
				t.Errorf("it says %q, want %q", text, c.want)
			}
			if n := strings.Count(log.String(), "level=WARN") + strings.Count(log.String(), "level=ERROR"); n > 1 {
				t.Errorf("%d lines of trouble:\n%s", n, log.String())
			}
		})
	}
}

// TestAnEndIsLoggedOnce ends a viewer's signaling for good while its session goes on.
func TestAnEndIsLoggedOnce(t *testing.T) {
	srv := service(t)
	defer film(t, srv, clips.Day())()
	var log logBuffer
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	v, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("door"), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	denied := signalingtest.Error{Status: 403, Name: "AccessDeniedException"}
	srv.Refuse("ConnectAsViewer", -1, denied)
	for _, c := range srv.Viewers("door") {
		c.Drop()
	}
	for !strings.Contains(log.String(), "level=ERROR") {
		select {
		case <-ctx.Done():
			t.Fatalf("no end was logged:\n%s", log.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	v.Close()
	if n := strings.Count(log.String(), "AccessDenied"); n != 1 {
		t.Errorf("the reason is logged %d times:\n%s", n, log.String())
	}
}
