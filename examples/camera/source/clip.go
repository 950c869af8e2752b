package source

import (
	"context"
	"sync/atomic"

	"github.com/smartcam-sdk/smartcam/internal/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// clip is the built-in clip, a street by day and by night. The packets of the
// chime take the place of those of the street's sound.
type clip struct {
	night atomic.Bool // what is wanted
	chime atomic.Bool // that it is wanted, until it begins
}

func (c *clip) tracks() []*kvsmedia.Track { return testmedia.Day().Tracks }

func (c *clip) run(ctx context.Context, emit func(kvsmedia.Frame) bool) error {
	var ringing []kvsmedia.Frame // what is left of the chime
	for f := range testmedia.PlayFunc(ctx, c.picture) {
		if f.Track.Codec == kvsmedia.Opus {
			if c.chime.Swap(false) {
				ringing = testmedia.Chime().Frames
			}
			if len(ringing) > 0 {
				f.Data, ringing = ringing[0].Data, ringing[1:]
			}
		}
		if !emit(f) {
			break
		}
	}
	return nil
}

func (c *clip) picture() *testmedia.Clip {
	if c.night.Load() {
		return testmedia.Night()
	}
	return testmedia.Day()
}
