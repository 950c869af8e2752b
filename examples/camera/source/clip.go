package source

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// clip is the built-in clip, a front door by day and by night. The packets of the
// chime take the place of those of the street's sound.
type clip struct {
	night atomic.Bool // what is wanted
	chime atomic.Bool // that it is wanted, until it begins

	film atomic.Pointer[clips.Film] // what is shown; nil before the first picture
	at   atomic.Int64               // media time of the latest picture, ns
}

func (c *clip) tracks() []*kvsmedia.Track { return clips.Porch().Tracks }

func (c *clip) run(ctx context.Context, emit func(kvsmedia.Frame) bool) error {
	var ringing []kvsmedia.Frame // what is left of the chime
	for f := range clips.PlayFunc(ctx, c.picture) {
		if f.Track.Codec.Video() {
			c.at.Store(int64(f.PTS))
		}
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
	film := clips.Porch()
	if c.night.Load() {
		film = clips.PorchNight()
	}
	c.film.Store(film)
	return film.Clip
}

func (c *clip) snapshot() []byte {
	film := c.film.Load()
	if film == nil {
		return nil
	}
	return film.Snapshot(time.Duration(c.at.Load()))
}
