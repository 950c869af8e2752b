//go:build unix

package source

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCommandIsByteIdenticalAndRestarts(t *testing.T) {
	aus := pictures(25)
	path := write(t, "in.h264", annexB(aus))
	_, frames := collect(t, "exec:cat "+path, 60)
	samePictures(t, frames, aus)
	for i, f := range frames {
		if i > 0 && f.PTS < frames[i-1].PTS {
			t.Fatalf("picture %d goes back in time: %v after %v", i, f.PTS, frames[i-1].PTS)
		}
		if f.Time.IsZero() {
			t.Fatal("no time")
		}
	}
}

func TestCommandIsEndedWithItsChildren(t *testing.T) {
	path := write(t, "in.h264", annexB(pictures(20)))
	pids := filepath.Join(t.TempDir(), "pids")
	var log bytes.Buffer
	line := fmt.Sprintf(`exec:echo hello >&2; sh -c 'trap "" TERM; echo $$ > %s; cat %s; while :; do sleep 1; done' & wait`, pids, path)
	s, err := Open(t.Context(), line, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	n := 0
	for range s.Frames(ctx) {
		if n++; n == 19 {
			cancel()
		}
	}
	if n != 19 || s.Err() != nil {
		t.Errorf("%d pictures, %v", n, s.Err())
	}
	if !strings.Contains(log.String(), "hello") {
		t.Errorf("what the command said is not in the log: %s", &log)
	}
	b, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(b), &pid); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); alive(pid); {
		if time.Now().After(deadline) {
			t.Fatal("a child of the command lives on")
		}
	}
}

// alive reports whether a process is there and no zombie.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
