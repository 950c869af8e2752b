package testtools

import (
	"context"
	"runtime"
	"testing"
)

// recorder notes how Need ended; like testing.T it stops the goroutine.
type recorder struct {
	testing.TB
	how string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return context.Background() }

func (r *recorder) Fatalf(string, ...any) { r.how = "failed"; runtime.Goexit() }
func (r *recorder) Skipf(string, ...any)  { r.how = "skipped"; runtime.Goexit() }

func TestNeed(t *testing.T) {
	need := func(tool string) func(testing.TB) string {
		return func(t testing.TB) string { return Need(t, tool) }
	}
	run := func(tool string, args ...string) func(testing.TB) string {
		return func(t testing.TB) string { return NeedRun(t, tool, args...) }
	}
	for _, c := range []struct {
		what         string
		need         func(testing.TB) string
		require, how string
	}{
		{"a missing program", need("no-such-program-anywhere"), "1", "failed"},
		{"a missing program", need("no-such-program-anywhere"), "", "skipped"},
		{"go", need("go"), "1", ""},
		{"a missing program's run", run("no-such-program-anywhere"), "", "skipped"},
		{"a run that fails", run("go", "no-such-command"), "1", "failed"},
		{"a run that fails", run("go", "no-such-command"), "", "skipped"},
		{"a run", run("go", "version"), "1", ""},
	} {
		t.Setenv("SMARTCAM_REQUIRE_TOOLS", c.require)
		r := &recorder{}
		done := make(chan string)
		go func() {
			defer close(done)
			if path := c.need(r); path != "" {
				done <- path
			}
		}()
		path := <-done
		if r.how != c.how || (path != "") != (c.how == "") {
			t.Errorf("%s with %q: %q, path %q", c.what, c.require, r.how, path)
		}
	}
}
