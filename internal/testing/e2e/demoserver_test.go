package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// demoServer is a running demo.
type demoServer struct {
	urls []string // where its page is, as it prints them
	log  text     // its standard error

	cmd *exec.Cmd
	end func(t *testing.T, how os.Signal) // ends it; a second time does nothing
}

// text is a buffer that is read while it is written.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds to the text.
func (b *text) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns what was written.
func (b *text) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// startDemo builds the demo and runs it until the test ends, on a free port unless
// the flags have an address.
func startDemo(t *testing.T, flags ...string) *demoServer {
	t.Helper()
	return startDemoBy(t, (*exec.Cmd).Start, append([]string{"-addr", "127.0.0.1:0"}, flags...)...)
}

// startDemoBy runs the demo as startDemo does; launch starts its process.
func startDemoBy(t *testing.T, launch func(*exec.Cmd) error, flags ...string) *demoServer {
	t.Helper()
	whole(t)
	dir := t.TempDir()
	binary := filepath.Join(dir, "demo")
	build := exec.CommandContext(within(t), testtools.Need(t, "go"), "build", "-C", "../../../examples", "-o", binary, "./demo")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, out)
	}
	d := &demoServer{cmd: exec.Command(binary, flags...)}
	d.cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	d.cmd.Stderr = io.MultiWriter(t.Output(), &d.log)
	d.cmd.WaitDelay = 10 * time.Second
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := launch(d.cmd); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	d.end = func(t *testing.T, how os.Signal) {
		once.Do(func() {
			hung := time.AfterFunc(20*time.Second, func() { _ = d.cmd.Process.Kill() })
			defer hung.Stop()
			if err := d.cmd.Process.Signal(how); err != nil {
				t.Errorf("the demo: %v", err)
			}
			if err := d.cmd.Wait(); err != nil && how != os.Kill {
				t.Errorf("the demo: %v", err)
			}
		})
	}
	t.Cleanup(func() { d.end(t, os.Interrupt) })
	printed := make([]byte, 4096) // one write
	n, err := out.Read(printed)
	d.urls = regexp.MustCompile(`http://\S+`).FindAllString(string(printed[:n]), -1)
	if err != nil || len(d.urls) == 0 {
		t.Fatalf("the demo prints no URL: %q, %v", printed[:n], err)
	}
	return d
}
