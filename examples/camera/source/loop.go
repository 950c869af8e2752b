package source

import (
	"context"
	"errors"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// pass reads a stored stream once, from its beginning.
type pass func(emit func(kvsmedia.Frame) bool) error

// loop plays a stored stream again and again in real time. Its timestamps
// start at zero and go on from one pass to the next.
func loop(ctx context.Context, read pass, emit func(kvsmedia.Frame) bool) error {
	start := time.Now()
	var next time.Duration // where the next pass begins
	for {
		var first time.Duration
		ends := map[*kvsmedia.Track]*end{}
		going := true
		err := read(func(f kvsmedia.Frame) bool {
			if len(ends) == 0 {
				first = f.PTS
			}
			f.PTS += next - first
			e := ends[f.Track]
			if e == nil {
				e = &end{}
				ends[f.Track] = e
			}
			e.see(f.PTS)
			if late := time.Since(start) - f.PTS; late > time.Second {
				start = start.Add(late) // the machine slept: do not run to catch up
			}
			f.Time = start.Add(f.PTS)
			going = sleep(ctx, time.Until(f.Time)) && emit(f)
			return going
		})
		switch {
		case !going || ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case len(ends) == 0:
			return errors.New("the file has no frames")
		}
		for _, e := range ends {
			next = max(next, e.time())
		}
	}
}

// end finds where a track ends: one frame after the last, in order of presentation.
type end struct {
	n            int
	last, before time.Duration // the two latest
}

func (e *end) see(pts time.Duration) {
	e.n++
	switch {
	case e.n == 1 || pts > e.last:
		e.last, e.before = pts, e.last
	case e.n == 2 || pts > e.before:
		e.before = pts
	}
}

func (e *end) time() time.Duration {
	if e.n < 2 || e.last == e.before {
		return e.last + 40*time.Millisecond
	}
	return e.last + (e.last - e.before)
}

// sleep returns false if ctx is done, which it is told at once.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
