package e2e

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testtools"
)

// The demo, as someone finds it who runs it and opens its page.
func TestDemo(t *testing.T) {
	job := struct {
		Chromium    string `json:"chromium"`
		Page        string `json:"page"`
		Screenshots string `json:"screenshots,omitempty"`
	}{testtools.Need(t, "chromium"), "", os.Getenv("SMARTCAM_SCREENSHOTS")}
	packages(t, "playwright-core")
	if job.Screenshots != "" {
		dir, err := filepath.Abs(job.Screenshots)
		if err != nil {
			t.Fatal(err)
		}
		job.Screenshots = dir
	}
	job.Page = startDemo(t)
	s := start(t, "demo.mjs", nil, job)

	var one struct {
		Frames            int
		Unknown, TalkedAs string
		Night, Day, OnAir bool
	}
	s.result(&one)
	if one.Frames <= 50 || !one.Night || !one.Day || !one.OnAir || one.TalkedAs == "" || !strings.Contains(one.Unknown, "fly") {
		t.Errorf("one page: %+v", one)
	}

	var ten struct {
		Counts  []int
		Viewers int
		States  []string
		Refused struct{ State, Code, Message, Text string }
	}
	s.next()
	s.result(&ten)
	if len(ten.Counts) != 10 || slices.Min(ten.Counts) <= 50 || ten.Viewers != 10 {
		t.Errorf("ten pages: %+v", ten)
	}
	for i, state := range ten.States {
		if state != "live" {
			t.Errorf("page %d of ten is %s", i, state)
		}
	}
	t.Logf("an eleventh page: %+v", ten.Refused)
	if ten.Refused.Message == "" || ten.Refused.Text == "" {
		t.Errorf("an eleventh page is not told why it is refused: %+v", ten.Refused)
	}
}

// startDemo builds the demo, runs it until the test ends, and returns its URL.
func startDemo(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "demo")
	build := exec.CommandContext(within(t), filepath.Join(runtime.GOROOT(), "bin", "go"), "build", "-o", binary, "../../examples/demo")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "-addr", "127.0.0.1:0")
	cmd.Stderr = t.Output()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := cmd.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the demo: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	url := regexp.MustCompile(`http://\S+`).FindString(line)
	if err != nil || url == "" {
		t.Fatalf("the demo prints no URL: %q, %v", line, err)
	}
	return url
}
