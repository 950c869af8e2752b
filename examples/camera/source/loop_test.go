package source

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestLoopIsSeamlessAndInRealTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		video, audio := &kvsmedia.Track{Codec: kvsmedia.H264}, &kvsmedia.Track{Codec: kvsmedia.Opus}
		ms := time.Millisecond
		stored := []kvsmedia.Frame{ // with reordered pictures, not from zero, sound shorter than the picture
			{Track: video, PTS: 1000 * ms}, {Track: audio, PTS: 1000 * ms},
			{Track: video, PTS: 1080 * ms}, {Track: video, PTS: 1040 * ms}, {Track: audio, PTS: 1020 * ms},
		}
		read := func(emit func(kvsmedia.Frame) bool) error {
			for _, f := range stored {
				if !emit(f) {
					break
				}
			}
			return nil
		}
		want := []time.Duration{0, 0, 80, 40, 20, 120, 120, 200, 160, 140, 240}
		start := time.Now()
		n := 0
		if err := loop(t.Context(), read, func(f kvsmedia.Frame) bool {
			if f.PTS != want[n]*ms || !f.Time.Equal(start.Add(f.PTS)) {
				t.Errorf("frame %d: at %v, time %v", n, f.PTS, f.Time.Sub(start))
			}
			if early := f.PTS - time.Since(start); early > 0 {
				t.Errorf("frame %d: %v early", n, early)
			}
			n++
			return n < len(want)
		}); err != nil {
			t.Error(err)
		}
		if n != len(want) || time.Since(start) != 240*ms {
			t.Errorf("%d frames in %v", n, time.Since(start))
		}
	})
}

func TestLoopDoesNotCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		track := &kvsmedia.Track{Codec: kvsmedia.H264}
		read := func(emit func(kvsmedia.Frame) bool) error {
			for i := 0; emit(kvsmedia.Frame{Track: track, PTS: time.Duration(i) * time.Second / 10}); i++ {
			}
			return nil
		}
		start := time.Now()
		_ = loop(t.Context(), read, func(f kvsmedia.Frame) bool {
			if f.PTS == time.Second {
				time.Sleep(time.Hour)
			}
			return f.PTS < 2*time.Second
		})
		if took := time.Since(start); took != time.Hour+2*time.Second-100*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestLoopErrors(t *testing.T) {
	bad := errors.New("bad")
	if err := loop(t.Context(), func(func(kvsmedia.Frame) bool) error { return bad }, nil); !errors.Is(err, bad) {
		t.Error(err)
	}
	if err := loop(t.Context(), func(func(kvsmedia.Frame) bool) error { return nil }, nil); err == nil {
		t.Error("an empty file was played")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := loop(ctx, func(emit func(kvsmedia.Frame) bool) error {
		emit(kvsmedia.Frame{Track: &kvsmedia.Track{}})
		return bad
	}, func(kvsmedia.Frame) bool { t.Error("a frame after the end"); return true }); err != nil {
		t.Error(err)
	}
}

func TestTimelineGoesOnOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var line timeline
		check := func(clock, want time.Duration) {
			t.Helper()
			if got := line.pts(clock); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		check(time.Hour, 0)
		check(time.Hour+time.Second, time.Second)
		time.Sleep(time.Minute)
		line.restart()
		check(0, time.Minute)
		check(5*time.Minute, 6*time.Minute) // ahead of the wall clock
		line.restart()
		check(7, 6*time.Minute+10*time.Millisecond)
	})
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b backoff
		wait := func() time.Duration {
			start := time.Now()
			if !b.wait(t.Context()) {
				t.Fatal("not waited")
			}
			return time.Since(start)
		}
		for i, limit := range []time.Duration{500, 1000, 2000, 4000, 8000, 15000, 15000} {
			limit *= time.Millisecond
			if got := wait(); got < limit/2 || got > limit {
				t.Errorf("try %d: waited %v", i, got)
			}
		}
		b.reset()
		if got := wait(); got > 500*time.Millisecond {
			t.Errorf("after a reset: waited %v", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if b.wait(ctx) {
			t.Error("waited without need")
		}
	})
}
