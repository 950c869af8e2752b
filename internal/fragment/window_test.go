package fragment

import (
	"testing"
	"time"
)

// What a clock that was set leaves out is no media that waits.
func TestSpan(t *testing.T) {
	in := newIntake()
	for i, at := range []int{0, 2000, 4000, 14_000, 3_614_000, 3_616_000} {
		if err := in.feed(video, at, true); err != nil {
			t.Fatal(err)
		}
		in.Pause()
		if want := []time.Duration{0, 2, 4, 14, 14, 16}[i] * time.Second; in.Window.Span() != want {
			t.Errorf("after the picture of %d ms %v wait, want %v", at, in.Window.Span(), want)
		}
	}
	for len(in.Window.Fragments) > 0 {
		in.Window.Remove(in.Window.Fragments[0])
	}
	if in.Window.Span() != 0 {
		t.Errorf("nothing is left, but %v wait", in.Window.Span())
	}
}
