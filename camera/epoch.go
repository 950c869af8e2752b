package camera

import (
	"context"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/epoch"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// leapEvery is how often at most a track's leaps are logged.
const leapEvery = time.Minute

// leaps is what was logged of a track's leaps.
type leaps struct {
	logged   time.Time
	unlogged int // since then
}

// newClock returns the clock of the media times of tracks.
func newClock(tracks []*kvsmedia.Track) *epoch.Clock {
	rates := make([]int, len(tracks))
	for i, t := range tracks {
		rates[i] = int(packet.ClockRate(t.Codec))
		if t.Codec == kvsmedia.AAC {
			rates[i] = t.SampleRate
		}
	}
	return epoch.New(rates...)
}

// mediaTime returns the media time of a frame of a track, whose lock is held.
func (c *Camera) mediaTime(lane int, f kvsmedia.Frame) time.Duration {
	now := time.Now()
	media, change := c.clock.Map(epoch.Frame{Track: lane, PTS: f.PTS, Time: f.Time}, now)
	if !change.Begins() {
		return media
	}
	t := c.tracks[lane]
	if !t.leaps.logged.IsZero() && now.Sub(t.leaps.logged) < leapEvery {
		t.leaps.unlogged++
		return media
	}
	level := slog.LevelWarn
	if change == epoch.Wrapped {
		level = slog.LevelInfo
	}
	c.log.Log(context.Background(), level, "the PTS of a track leaps, its media time goes on", "track", t.Name,
		"from", t.last, "to", f.PTS, "media", media, "by", change, "others", t.leaps.unlogged)
	t.leaps = leaps{logged: now}
	return media
}
