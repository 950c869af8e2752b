package cameratest

import (
	"context"
	"io"
	"log/slog"
	"sync"
)

// TB is what [NewCloud] needs of a test: *testing.T, *testing.B and *testing.F
// have it.
type TB interface {
	Helper()
	Cleanup(func())
	Context() context.Context
	Output() io.Writer
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// NewCloud starts a cloud for one test. It is closed when the test ends; the
// test fails if anything of the cloud still runs then. Without Config.Logger
// the test's output has what the cloud refuses, its warnings, and what devices and
// viewers log at level Info and above. One Config may be given; none means the zero
// Config.
func NewCloud(t TB, cfg ...Config) *Cloud {
	t.Helper()
	if len(cfg) > 1 {
		t.Fatalf("cameratest: NewCloud takes one Config, got %d", len(cfg))
	}
	cfg = append(cfg, Config{})
	out := &output{w: t.Output()}
	given := cfg[0].Logger
	if given == nil {
		cfg[0].Logger = slog.New(refusals{slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})})
	}
	c, err := New(cfg[0])
	if err != nil {
		t.Fatalf("%v", err)
	}
	if c.t = t; given == nil {
		c.clients = slog.New(slog.NewTextHandler(out, nil))
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("closing the cloud: %v", err)
		}
		out.end()
	})
	return c
}

// Device is [Cloud.AddDevice] for tests: instead of returning an error it ends the
// test of [NewCloud]. It panics with the error in a cloud that was made by [New].
func (c *Cloud) Device(name string) *Device {
	d, err := c.AddDevice(name)
	if err == nil {
		return d
	}
	if c.t == nil {
		panic(err)
	}
	c.t.Helper()
	c.t.Fatalf("%v", err)
	return nil
}

// refusals passes on what a double refuses, and warnings.
type refusals struct{ slog.Handler }

// Handle passes r on if it is a warning or has the detail of a refusal.
func (h refusals) Handle(ctx context.Context, r slog.Record) error {
	pass := r.Level >= slog.LevelWarn
	r.Attrs(func(a slog.Attr) bool {
		pass = pass || a.Key == "detail" && a.Value.String() != ""
		return !pass
	})
	if !pass {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs returns h with attributes.
func (h refusals) WithAttrs(attrs []slog.Attr) slog.Handler {
	return refusals{h.Handler.WithAttrs(attrs)}
}

// WithGroup returns h within a group.
func (h refusals) WithGroup(name string) slog.Handler { return refusals{h.Handler.WithGroup(name)} }

// output is a test's output until the test ends: the testing package panics at
// what a camera that was left running logs later.
type output struct {
	mu sync.Mutex
	w  io.Writer // nil at the end
}

// Write writes to the test's output.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.w == nil {
		return len(p), nil
	}
	return o.w.Write(p)
}

func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.w = nil
}
