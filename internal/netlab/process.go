//go:build linux

package netlab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// roleVariable names the role of a process of the lab.
const roleVariable = "SMARTCAM_NETLAB_ROLE"

// Role is what a process does on a host. It gets what the test tells it on in,
// answers on out, and ends when in ends.
type Role func(in *json.Decoder, out *json.Encoder) error

// Main runs the role of this process if it is one of a lab; it then does not
// return. TestMain calls it first.
func Main(roles map[string]Role) {
	name := os.Getenv(roleVariable)
	if name == "" {
		return
	}
	role := roles[name]
	if role == nil {
		fmt.Fprintf(os.Stderr, "netlab: this test has no role %q\n", name)
		os.Exit(2)
	}
	if err := role(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)); err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Process is a role on a host.
type Process struct {
	t    testing.TB
	role string
	in   *json.Encoder
	out  *bufio.Reader
}

// Run starts a role on the host, with environment variables beside the test's
// own. It ends with the test.
func (h *Host) Run(t testing.TB, role string, env ...string) *Process {
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
	h.Start(t, cmd)
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
	return &Process{t, role, json.NewEncoder(stdin), bufio.NewReader(stdout)}
}

// Start starts a command on the host.
func (h *Host) Start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := h.enter(cmd.Start); err != nil {
		t.Fatalf("netlab: starting %s: %v", cmd.Path, err)
	}
}

// Tell sends v to the process.
func (p *Process) Tell(v any) {
	p.t.Helper()
	if err := p.in.Encode(v); err != nil {
		p.t.Fatalf("%s: %v", p.role, err)
	}
}

// Hear waits for the next answer of the process and decodes it into v.
func (p *Process) Hear(v any) {
	p.t.Helper()
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("%s ended without an answer: %v", p.role, err)
	}
	if err := json.Unmarshal(line, v); err != nil {
		p.t.Fatalf("%s: %v in %q", p.role, err, line)
	}
}
