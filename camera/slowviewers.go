package camera

import (
	"github.com/smartcam-sdk/smartcam/internal/adapt"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// SlowViewers is what happens when a viewer's network carries less than the
// picture has and the camera has no smaller rendition for it. A loop over
// [Camera.Frames] that runs outweighs it: what is recorded or uploaded is not
// lowered for viewers.
type SlowViewers int

const (
	// KeyframesOnly leaves the picture as it is for the others; the slow viewer
	// gets key frames and sound until its network can carry more. The encoder
	// follows the viewer with the fastest network, so that a viewer that is the
	// only one gets all pictures, at the bitrate that its network carries.
	KeyframesOnly SlowViewers = iota

	// FollowSlowest lowers the bitrate for all viewers of the track to what the
	// slowest of them can take, down to the least in Config.Bitrates. Any viewer
	// can then make the picture of all others as bad as that.
	FollowSlowest
)

// The bitrates, in bits per second, between which encoders get hints unless
// Config.Bitrates says otherwise.
const (
	DefaultMinBitrate = 150_000
	DefaultMaxBitrate = 4_000_000
)

// BitrateRange is what an encoder can be set to, in bits per second.
type BitrateRange struct {
	Min int // zero means DefaultMinBitrate, or Max if that is less
	Max int // zero means DefaultMaxBitrate, or Min if that is more
}

// withDefaults returns b with its zero fields set.
func (b BitrateRange) withDefaults() BitrateRange {
	switch {
	case b.Min == 0 && b.Max == 0:
		return BitrateRange{DefaultMinBitrate, DefaultMaxBitrate}
	case b.Min == 0:
		b.Min = min(DefaultMinBitrate, b.Max)
	case b.Max == 0:
		b.Max = max(DefaultMaxBitrate, b.Min)
	}
	return b
}

// newAdapter returns the adapter of a camera, whose bitrates go to hint.
func newAdapter(cfg Config, tracks []*track, hint func(*kvsmedia.Track, int)) *adapt.Adapter {
	lanes := make([]adapt.Lane, len(tracks))
	for i, t := range tracks {
		bitrates := cfg.Bitrates[t.Track].withDefaults()
		lanes[i] = adapt.Lane{Video: t.Codec.Video(), Min: bitrates.Min, Max: bitrates.Max}
	}
	a := adapt.New(adapt.Config{
		Lanes: lanes, FollowSlowest: cfg.SlowViewers == FollowSlowest,
		Hint: func(lane, bitrate int) { hint(cfg.Tracks[lane], bitrate) },
	})
	for i, t := range tracks {
		a.SetDecoder(i, t.decoder())
	}
	return a
}

// decoder names the decoder of t's picture. An H.264 decoder takes every
// profile, as it goes by the parameter sets; one of H.265 may lack the profile.
// Under t.mu.
func (t *track) decoder() string {
	if t.Codec == kvsmedia.H264 {
		return t.Codec.String()
	}
	return t.Codec.String() + " " + t.profile
}
