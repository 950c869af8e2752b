package e2e

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// demoJob is the job of the scripts that open the demo's page.
type demoJob struct {
	Chromium    string `json:"chromium"`
	Page        string `json:"page"`
	Screenshots string `json:"screenshots,omitempty"`
}

// demo runs the demo with the flags given.
func demo(t *testing.T, flags ...string) demoJob {
	t.Helper()
	chromium := testtools.Need(t, "chromium")
	packages(t, "playwright-core")
	return demoJob{Chromium: chromium, Page: startDemo(t, flags...)}
}

// The demo, as someone finds it who runs it and opens its page.
func TestDemo(t *testing.T) {
	job := demo(t)
	if dir := os.Getenv("SMARTCAM_SCREENSHOTS"); dir != "" {
		var err error
		if job.Screenshots, err = filepath.Abs(dir); err != nil {
			t.Fatal(err)
		}
	}
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

// The page of a viewer too many says why there is no picture, and shows it once
// there is room.
func TestDemoRefusesAViewer(t *testing.T) {
	s := start(t, "refusal.mjs", nil, demo(t, "-viewers", "1"))
	var second struct{ State, Code, Message, Text string }
	s.result(&second)
	if second.State != "waiting" || second.Code != "viewer limit" || !strings.Contains(second.Text, "as many viewers as it takes") ||
		!strings.Contains(second.Text, "all places for viewers are taken (1)") {
		t.Errorf("the second page: %+v", second)
	}
	s.next()
	var later struct{ Frames int }
	if s.result(&later); later.Frames == 0 {
		t.Error("the second page has no picture after the first has left")
	}
}

// startDemo builds the demo, runs it until the test ends, and returns its URL.
func startDemo(t *testing.T, flags ...string) string {
	t.Helper()
	return startDemoBy(t, (*exec.Cmd).Start, append(flags, "-addr", "127.0.0.1:0")...)
}

// startDemoBy runs the demo as startDemo does; launch starts its process.
func startDemoBy(t *testing.T, launch func(*exec.Cmd) error, flags ...string) string {
	t.Helper()
	whole(t)
	binary := filepath.Join(t.TempDir(), "demo")
	build := exec.CommandContext(within(t), testtools.Need(t, "go"), "build", "-C", "../../../examples", "-o", binary, "./demo")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, out)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, binary, flags...)
	cmd.Stderr = t.Output()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := launch(cmd); err != nil {
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
