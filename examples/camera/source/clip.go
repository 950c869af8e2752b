package source

import (
	"context"
	"sync/atomic"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// clip is the built-in clip, a street by day and by night. The packets of the
// chime take the place of those of the street's sound.
type clip struct {
	night atomic.Bool // what is wanted
	chime atomic.Bool // that it is wanted, until it begins
}

func (c *clip) tracks() []*kvsmedia.Track { return clips.Day().Tracks }

func (c *clip) run(ctx context.Context, emit func(kvsmedia.Frame) bool) error {
	var ringing []kvsmedia.Frame // what is left of the chime
	for f := range clips.PlayFunc(ctx, c.picture) {
		if f.Track.Codec == kvsmedia.Opus {
			if c.chime.Swap(false) {
				ringing = clips.Chime().Frames
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

func (c *clip) picture() *clips.Clip {
	if c.night.Load() {
		return clips.Night()
	}
	return clips.Day()
}
