//go:build linux

package netlab

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Process is a role on a host.
type Process struct {
	t    testing.TB
	role string
	in   *json.Encoder
	out  *bufio.Reader
	pipe *os.File
}

// patience bounds the wait for an answer.
const patience = time.Minute

// Run starts a role on the host, with environment variables beside the test's
// own. It ends with the test.
func (h *Host) Run(role string, env ...string) *Process {
	t := h.t
	t.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0], "-test.run=^$")
	cmd.Env = append(append(os.Environ(), roleVariable+"="+role), env...)
	cmd.Stderr = t.Output()
	cmd.WaitDelay = 5 * time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Launch(cmd); err != nil {
		t.Fatalf("netlab: starting %s: %v", cmd.Path, err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: %v", role, err)
			}
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Signal(syscall.SIGQUIT) // shows its goroutines
			t.Errorf("%s does not end: %v", role, <-done)
		}
	})
	return &Process{t, role, json.NewEncoder(stdin), bufio.NewReader(stdout), stdout.(*os.File)}
}

// Launch starts a command on the host.
func (h *Host) Launch(cmd *exec.Cmd) error {
	return h.enter(cmd.Start)
}

// Tell sends v to the process.
func (p *Process) Tell(v any) {
	p.t.Helper()
	if err := p.in.Encode(v); err != nil {
		p.t.Fatalf("%s: %v", p.role, err)
	}
}

// Hear waits for the next answer of the process, a minute at most, and decodes
// it into v.
func (p *Process) Hear(v any) {
	p.t.Helper()
	if err := p.pipe.SetReadDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("no answer of %s: %v", p.role, err)
	}
	if err := json.Unmarshal(line, v); err != nil {
		p.t.Fatalf("%s: %v in %q", p.role, err, line)
	}
}
