package cameratest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/signaling"
)

var _ = []TB{(*testing.T)(nil), (*testing.B)(nil), (*testing.F)(nil)}

// recorder is a test that is told what happens to it.
type recorder struct {
	t        *testing.T
	out      io.Writer
	said     []string
	cleanups []func()
}

func (r *recorder) Helper()                  {}
func (r *recorder) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Context() context.Context { return r.t.Context() }
func (r *recorder) Output() io.Writer        { return r.out }
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// run runs f as a test that ends, and returns why it failed.
func (r *recorder) run(f func()) []string {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, cleanup := range r.cleanups {
				cleanup()
			}
		}()
		f()
	}()
	<-done
	return r.said
}

type broken struct{}

func (broken) Close() error { return fmt.Errorf("something still runs") }

func TestNewCloudTellsTheTest(t *testing.T) {
	for _, c := range []struct {
		what string
		test func(TB)
		want string // of the failure; empty for none
	}{
		{"nothing wrong", func(t TB) { NewCloud(t).Device("door") }, ""},
		{"a name that AWS refuses", func(t TB) { NewCloud(t).Device("the front door") }, `device name "the front door" is not 1 to 128 of`},
		{"a port below zero", func(t TB) { NewCloud(t, Config{Ports: Ports{AWS: -1}}) }, "-1 is no port"},
		{"two configurations", func(t TB) { NewCloud(t, Config{}, Config{}) }, "takes one Config, got 2"},
		{"a directory that is a file", func(t TB) { NewCloud(t, Config{Dir: "newcloud_test.go"}) }, "not a directory"},
		{"what does not close", func(t TB) { _ = NewCloud(t).own(broken{}) }, "something still runs"},
	} {
		r := &recorder{t: t, out: t.Output()}
		said := strings.Join(r.run(func() { c.test(r) }), "; ")
		if (c.want == "") != (said == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: the test was told %q, want %q", c.what, said, c.want)
		}
	}
}

// A cloud for programs has no test to end.
func TestDevicePanics(t *testing.T) {
	c, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a device without a name")
		}
	}()
	c.Device("")
}

// A test's output has what the cloud refuses, and not what it does.
func TestOutputIsOfRefusals(t *testing.T) {
	var out bytes.Buffer
	r := &recorder{t: t, out: &out}
	r.run(func() {
		d := NewCloud(r).Device("door")
		master, err := signaling.DialMaster(t.Context(), d.Signaling())
		if err != nil {
			t.Error(err)
			return
		}
		master.Close()
		cfg := d.Signaling()
		cfg.Channel = "attic"
		if _, err := signaling.DialMaster(t.Context(), cfg); err == nil {
			t.Error("a device connects to another one's channel")
		}
	})
	refusals := 0
	for line := range strings.Lines(out.String()) {
		switch {
		case !strings.Contains(line, "level=DEBUG"): // a client's
		case strings.Contains(line, "not authorized"):
			refusals++
		default:
			t.Errorf("it is told of what is well: %s", line)
		}
	}
	if refusals == 0 {
		t.Errorf("no word of the refusal:\n%s", &out)
	}
}

// The testing package panics at what is logged when all tests are over.
func TestLateLog(t *testing.T) {
	var out bytes.Buffer
	r := &recorder{t: t, out: &out}
	var d *Device
	r.run(func() {
		d = NewCloud(r).Device("door")
		d.Identity.Logger.Info("a camera")
		d.Identity.Logger.Debug("its details")
	})
	if strings.Contains(out.String(), "its details") {
		t.Error("a device's details are logged")
	}
	before := out.Len()
	d.Identity.Logger.Info("a camera that was left running")
	if before == 0 || out.Len() != before {
		t.Errorf("%d bytes of log during the test, %d after it", before, out.Len()-before)
	}
}
