package testtools

import (
	"runtime"
	"testing"
)

// recorder notes how Need ended; like testing.T it stops the goroutine.
type recorder struct {
	testing.TB
	how string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(string, ...any) { r.how = "failed"; runtime.Goexit() }
func (r *recorder) Skipf(string, ...any)  { r.how = "skipped"; runtime.Goexit() }

func TestNeed(t *testing.T) {
	for _, c := range []struct{ tool, require, how string }{
		{"no-such-program-anywhere", "1", "failed"},
		{"no-such-program-anywhere", "", "skipped"},
		{"go", "1", ""},
	} {
		t.Setenv("SMARTCAM_REQUIRE_TOOLS", c.require)
		r := &recorder{}
		done := make(chan string)
		go func() {
			defer close(done)
			if path := Need(r, c.tool); path != "" {
				done <- path
			}
		}()
		path := <-done
		if r.how != c.how || (path != "") != (c.how == "") {
			t.Errorf("%s with %q: %q, path %q", c.tool, c.require, r.how, path)
		}
	}
}
