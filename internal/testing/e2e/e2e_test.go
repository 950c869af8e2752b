package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/netlab"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func TestMain(m *testing.M) {
	netlab.Main(map[string]netlab.Role{"cloud": cloudRole, "camera": cameraRole, "viewer": viewerRole})
	goleak.VerifyTestMain(m)
}

// limit bounds one test's session.
const limit = 90 * time.Second

// within bounds a test and what its cleanups end.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), limit)
	t.Cleanup(cancel)
	return ctx
}

// logger writes to the test's output, which is shown if it fails.
func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// whole ends a test that go test -short leaves out.
func whole(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("end-to-end tests are not short")
	}
}

func startCloud(t *testing.T) *cameratest.Cloud {
	t.Helper()
	whole(t)
	return cameratest.NewCloud(t)
}

// device returns the signaling configuration of a camera that is the thing and
// channel of that name.
func device(t *testing.T, c *cameratest.Cloud, name string) signaling.Config {
	t.Helper()
	return c.Device(name).Signaling()
}

// film runs a camera that shows the street until the test ends.
func film(t *testing.T, cfg camera.Config) *camera.Camera {
	t.Helper()
	return filmAt(t, cfg, func(pts time.Duration) time.Duration { return pts })
}

// filmAt does so with a PTS for each frame that is made of the clip's.
func filmAt(t *testing.T, cfg camera.Config, clock func(time.Duration) time.Duration) *camera.Camera {
	t.Helper()
	cam, ctx := newCamera(t, cfg)
	var work sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	work.Go(func() {
		if err := cam.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("the camera's Run: %v", err)
		}
	})
	work.Go(func() {
		for f := range clips.Play(ctx, clips.Day()) {
			f.PTS = clock(f.PTS)
			if err := cam.WriteFrame(f); err != nil {
				t.Errorf("WriteFrame: %v", err)
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
	return cam
}

// newCamera returns a camera that is not running, and a context for the test.
func newCamera(t *testing.T, cfg camera.Config) (*camera.Camera, context.Context) {
	t.Helper()
	cfg.Tracks = clips.Day().Tracks
	cfg.Logger = logger(t)
	cfg.Signaling.Logger = cfg.Logger
	cam, err := camera.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return cam, within(t)
}

// atOnce returns a t.Run that does not wait, six of which run at once, and what
// waits for them: they spend their time waiting.
func atOnce(t *testing.T) (run func(name string, f func(t *testing.T)), wait func()) {
	places := make(chan struct{}, 6)
	var work sync.WaitGroup
	return func(name string, f func(t *testing.T)) {
		places <- struct{}{}
		work.Go(func() {
			defer func() { <-places }()
			t.Run(name, f)
		})
	}, work.Wait
}

// await waits for an event of the type E that holds.
func await[E camera.Event](t *testing.T, ctx context.Context, events <-chan camera.Event, holds func(E) bool) E {
	t.Helper()
	for {
		select {
		case e := <-events:
			if e, ok := e.(E); ok && holds(e) {
				return e
			}
		case <-ctx.Done():
			var e E
			t.Fatalf("no such event %T: %v", e, ctx.Err())
		}
	}
}

// watch returns the camera's events until the test ends.
func watch(t *testing.T, cam *camera.Camera) <-chan camera.Event {
	ch := make(chan camera.Event, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	seq := cam.Events(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		for e := range seq {
			ch <- e
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
	return ch
}

// hear counts what is said into the camera until the test ends: each packet's
// frame comes on the channel while there is room.
func hear(t *testing.T, cam *camera.Camera) <-chan kvsmedia.Frame {
	ch := make(chan kvsmedia.Frame, 100)
	ctx, cancel := context.WithCancel(t.Context())
	seq := cam.Talkback(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		for f := range seq {
			select {
			case ch <- f:
			default:
			}
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
	return ch
}

// packages returns the directory of a package of npm.
func packages(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join("node", "node_modules", filepath.FromSlash(name))
	if _, err := os.Stat(filepath.Join(dir, "package.json")); err != nil {
		const what = "the npm package %s is not installed: run npm ci in internal/testing/e2e/node"
		if os.Getenv("SMARTCAM_REQUIRE_TOOLS") == "1" {
			t.Fatalf(what, name)
		}
		t.Skipf(what, name)
	}
	return dir
}

// script is a running script of the directory node.
type script struct {
	t     *testing.T
	name  string
	stdin io.WriteCloser
	out   *bufio.Reader
}

// start runs a script that trusts the authority given, in PEM, until the test
// ends. The job is what it gets on its input.
func start(t *testing.T, name string, authority []byte, job any) *script {
	t.Helper()
	return startBy(t, (*exec.Cmd).Start, name, authority, job)
}

// startBy runs a script as start does; launch starts its process.
func startBy(t *testing.T, launch func(*exec.Cmd) error, name string, authority []byte, job any) *script {
	t.Helper()
	node := testtools.Need(t, "node")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(within(t), node, name)
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+ca, "NODE_NO_WARNINGS=1")
	cmd.Stderr = t.Output()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // on which it ends its browser
	cmd.WaitDelay = 5 * time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := launch(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	if err := json.NewEncoder(stdin).Encode(job); err != nil {
		t.Fatal(err)
	}
	return &script{t, name, stdin, bufio.NewReader(stdout)}
}

// next lets the script go on after a result.
func (s *script) next() {
	s.t.Helper()
	if _, err := io.WriteString(s.stdin, "\n"); err != nil {
		s.t.Fatalf("%s: %v", s.name, err)
	}
}

// result waits for the script's next result and decodes it into v.
func (s *script) result(v any) {
	s.t.Helper()
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		s.t.Fatalf("%s ended without a result: %v", s.name, err)
	}
	var failed struct {
		Failure string `json:"failure"`
	}
	if err := json.Unmarshal(line, &failed); err != nil {
		s.t.Fatalf("%s: %v in %q", s.name, err, line)
	}
	if failed.Failure != "" {
		s.t.Fatalf("%s: %s", s.name, failed.Failure)
	}
	if err := json.Unmarshal(line, v); err != nil {
		s.t.Fatalf("%s: %v in %q", s.name, err, line)
	}
}

// added returns the ARN of a channel that was added to a double.
func added(t testing.TB) func(arn string, err error) string {
	return func(arn string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return arn
	}
}
