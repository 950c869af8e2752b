package camera_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func offline(t *testing.T, cfg camera.Config) (*camera.Camera, *encoder) {
	t.Helper()
	enc := newEncoder()
	cfg.Tracks, cfg.Logger = []*kvsmedia.Track{enc.video, enc.audio}, quiet
	c, err := camera.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, enc
}

func write(t *testing.T, c *camera.Camera, enc *encoder, n int) {
	t.Helper()
	for range n {
		video, audio := enc.next()
		if err := errors.Join(c.WriteFrame(video), c.WriteFrame(audio)); err != nil {
			t.Fatal(err)
		}
	}
}

// Ten thousand sequences that nobody loops over leave WriteFrame as fast as it was.
func TestAbandonedSequencesCostNothing(t *testing.T) {
	c, enc := offline(t, camera.Config{})
	cost := func() time.Duration {
		best := time.Hour
		for range 50 {
			began := time.Now()
			write(t, c, enc, 20)
			best = min(best, time.Since(began))
		}
		return best
	}
	cost()
	before := cost()
	for range 10_000 {
		c.Frames(t.Context(), time.Second)
		c.Events(t.Context())
		c.Talkback(t.Context())
		c.Data(t.Context())
		c.EncoderHints()
	}
	if after := cost(); after > 5*before {
		t.Errorf("20 frames take %v, %v before", after, before)
	}
}

// ends checks that a sequence of which nothing comes ends with its context.
func ends[T any](t *testing.T, name string, sequence func(context.Context) iter.Seq[T]) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	seq := sequence(ctx)
	for range 2 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range seq {
				t.Errorf("%s yields something", name)
			}
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Errorf("%s ends before its context", name)
		default:
		}
		defer func() { <-done }()
	}
	cancel()
}

func TestSequencesEndWithTheirContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, enc := offline(t, camera.Config{})
		write(t, c, enc, 20)
		ends(t, "Frames", func(ctx context.Context) iter.Seq[kvsmedia.Frame] { return c.Frames(ctx, 0) })
		ends(t, "Events", c.Events)
		ends(t, "Talkback", c.Talkback)
		ends(t, "Data", c.Data)
	})
}

// Each loop over a sequence begins where the call was, also a second one.
func TestFramesBeginAtTheCall(t *testing.T) {
	c, enc := offline(t, camera.Config{PreRoll: 10 * time.Second})
	write(t, c, enc, 20)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	seq := c.Frames(ctx, 0)
	write(t, c, enc, 40)
	for range 2 {
		n := 0
		for f := range seq {
			if want := time.Duration(20+n/2) * 40 * time.Millisecond; f.PTS != want || f.Skipped != 0 {
				t.Fatalf("frame %d is of %v, %d skipped, want %v", n, f.PTS, f.Skipped, want)
			}
			if n++; n == 80 {
				break
			}
		}
		if n < 80 {
			t.Fatalf("a loop got %d frames of 80 that were written between the call and it", n)
		}
	}
}

// A loop over Frames may lag for as long as the ring has room, and no longer.
func TestFramesMayLag(t *testing.T) {
	c, enc := offline(t, camera.Config{PreRoll: 5 * time.Second, RingBytes: 4 << 20})
	next, stop := iter.Pull(c.Frames(t.Context(), 0))
	defer stop()
	go func() { // the loop runs when its first frame is there
		video, _ := enc.next()
		if err := c.WriteFrame(video); err != nil {
			t.Error(err)
		}
	}()
	if f, ok := next(); !ok || f.PTS != 0 {
		t.Fatalf("got %v, %v", f.PTS, ok)
	}
	write(t, c, enc, 500) // 20 seconds, 1,000 frames
	if frames, bytes := c.RingSize(); frames != 1000 || bytes > 3<<20 {
		t.Errorf("the ring has %d frames of %d bytes", frames, bytes)
	}
	for i := range 1000 {
		if f, ok := next(); !ok || f.Skipped != 0 {
			t.Fatalf("%d frames are lost before frame %d, %v", f.Skipped, i, ok)
		}
	}
	for range 10 {
		write(t, c, enc, 500)
		if frames, bytes := c.RingSize(); bytes > 4<<20 || frames < 1000 {
			t.Errorf("the ring has %d frames of %d bytes", frames, bytes)
		}
	}
	if f, ok := next(); !ok || !f.Key || f.Skipped < 5000 {
		t.Errorf("beyond the room: %d frames are lost, key %v", f.Skipped, f.Key)
	}
	stop()
	write(t, c, enc, 1)
	if frames, _ := c.RingSize(); frames > 2*(5*25+10) {
		t.Errorf("the ring has %d frames when nobody lags", frames)
	}
}
