package clips

import (
	"context"
	"iter"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Play plays a clip again and again in real time until ctx ends. PTS goes on
// from one round to the next; Time is when the frame is due. The clock is set
// when the iteration begins: a consumer that is late gets frames without a wait
// until it has caught up.
func Play(ctx context.Context, c *Clip) iter.Seq[kvsmedia.Frame] {
	return PlayFunc(ctx, func() *Clip { return c })
}

// PlayFunc is [Play] of a clip that may change: which one is asked before each
// key frame of video. They must be [Day] and [Night], [Porch] and
// [PorchNight], or others with as many frames at the same times.
func PlayFunc(ctx context.Context, which func() *Clip) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		start := time.Now()
		timer := time.NewTimer(0)
		defer timer.Stop()
		c := which()
		for base := time.Duration(0); ; base += c.Length {
			for i := range c.Frames {
				if f := c.Frames[i]; f.Key && f.Track.Codec.Video() {
					c = which()
				}
				f := c.Frames[i]
				f.PTS += base
				f.Time = start.Add(f.PTS)
				timer.Reset(time.Until(f.Time))
				select {
				case <-ctx.Done():
					return
				case <-timer.C:
				}
				if ctx.Err() != nil || !yield(f) {
					return
				}
			}
		}
	}
}
