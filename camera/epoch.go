package camera

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/epoch"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// leapEvery is how often at most a track's leaps are logged.
const leapEvery = time.Minute

// leaps is what was logged of a track's leaps.
type leaps struct {
	pts      time.Duration // of the newest frame
	logged   time.Time
	unlogged int // since then
}

// newClock returns the clock of the media times of tracks.
func newClock(tracks []*kvsmedia.Track) *epoch.Clock {
	rates := make([]int, len(tracks))
	for i, t := range tracks {
		rates[i] = int(packet.ClockRate(t.Codec))
		if !t.Codec.Video() && t.Codec != kvsmedia.Opus {
			rates[i] = cmp.Or(t.SampleRate, rates[i])
		}
	}
	return epoch.New(rates...)
}

// mediaTime returns the media time of a frame of a lane, whose track's lock is held. It
// fails if PTS is not in order.
func (c *Camera) mediaTime(lane int, f kvsmedia.Frame, pic bitstream.Picture) (time.Duration, error) {
	t, now := c.tracks[lane], time.Now()
	timed := epoch.Frame{Track: lane, PTS: f.PTS, Time: f.Time, Reorder: reorder(pic)}
	media, change := c.clock.Map(timed, now)
	if err := t.pictures.order.take(media, timed.Reorder, pic.IDR); err != nil {
		if media != f.PTS {
			return 0, fmt.Errorf("camera: frame of track %q at PTS %v has media %w", t.Name, f.PTS, err)
		}
		return 0, fmt.Errorf("camera: frame of track %q has %w", t.Name, err)
	}
	if change.Begins() {
		c.logLeap(t, f.PTS, media, change, now)
	}
	t.leaps.pts = f.PTS
	return media, nil
}

// logLeap logs that a track's PTS leaps, unless it did so a moment ago.
func (c *Camera) logLeap(t *track, pts, media time.Duration, change epoch.Change, now time.Time) {
	if !t.leaps.logged.IsZero() && now.Sub(t.leaps.logged) < leapEvery {
		t.leaps.unlogged++
		return
	}
	level := slog.LevelWarn
	if change == epoch.Wrapped {
		level = slog.LevelInfo
	}
	c.log.Log(context.Background(), level, "the PTS of a track leaps, its media time goes on", "track", t.Name,
		"from", t.leaps.pts, "to", pts, "media", media, "by", change, "others", t.leaps.unlogged)
	t.leaps.logged, t.leaps.unlogged = now, 0
}
