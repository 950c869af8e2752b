package camera

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Defaults of [Config], and the least that a ring keeps for retransmissions.
const (
	defaultRingBytes  = 8 << 20
	defaultMaxViewers = 10 // the service's own default (KVS quotas, ConnectAsViewer)
	minKeep           = 2 * time.Second
	maxTracks         = 16
)

// Config says what the camera sends and to whom. Tracks are required, Signaling
// by Run; every other zero field has the default that it documents. New copies
// it.
type Config struct {
	// Signaling is the channel that viewers find the camera on. It is not
	// needed by a camera that is never run, only written to and read from.
	Signaling signaling.Config

	// Tracks are the encoded streams. Of several renditions of the picture the
	// best comes first; likewise for sound, where each viewer gets the first
	// track whose codec it takes.
	Tracks []*kvsmedia.Track

	// PreRoll is how far back Frames can reach, within RingBytes. Zero keeps
	// what live view needs: the newest key frame and all after it.
	PreRoll time.Duration

	// RingBytes bounds the memory for frames, which a loop over Frames that lags can
	// use up. Zero means 8 MiB. It must hold at least one GOP of all tracks, or joiners
	// wait for the next key frame.
	RingBytes int

	// MaxViewers is how many viewers are served at once. Zero means 10, which
	// is also the service's own limit unless AWS has raised it.
	MaxViewers int

	// Bitrates are what the encoders of video tracks can be set to; hints keep to
	// it. A track that is not named, and a zero field, has the default: 150 kbit/s
	// to 4 Mbit/s.
	Bitrates map[*kvsmedia.Track]BitrateRange

	// SlowViewers is what happens to a viewer whose network is too slow for the
	// picture, when no later one of Tracks is smaller and of the same codec.
	// The zero value is KeyframesOnly.
	SlowViewers SlowViewers

	// Privacy has the camera begin with privacy on, so that not even the first frame
	// after a boot is taken before SetPrivacy(false).
	Privacy bool

	// Commands are what viewers can call; nil refuses all as unknown.
	Commands *Commands

	// Authorize decides about a viewer before it is answered; nil admits all
	// whom AWS admits. It must return within 5 seconds and may be called
	// concurrently. An error turns the viewer away: a [*signaling.Refusal]
	// reaches it as it is, the text of any other with the code "unauthorized".
	Authorize func(context.Context, signaling.Peer) error

	// ICEPolicy limits the network paths; the zero value allows all.
	ICEPolicy signaling.ICEPolicy

	// Logger gets the camera's story. Nil means slog.Default. Of texts that a peer
	// may have chosen at most 512 bytes are logged, quoted if they are not printable.
	Logger *slog.Logger
}

// validated returns a copy of c with its defaults set.
func (c Config) validated() (Config, error) {
	if len(c.Tracks) == 0 {
		return c, errors.New("camera: Config.Tracks is empty: name at least one track")
	}
	if len(c.Tracks) > maxTracks {
		return c, fmt.Errorf("camera: Config.Tracks has %d tracks, more than %d", len(c.Tracks), maxTracks)
	}
	names := map[string]bool{}
	for i, t := range c.Tracks {
		if err := checkTrack(i, t); err != nil {
			return c, err
		}
		if names[t.Name] {
			return c, fmt.Errorf("camera: two tracks have the name %q: give each its own", t.Name)
		}
		names[t.Name] = true
	}
	if err := c.checkBounds(); err != nil {
		return c, err
	}
	if err := checkSignaling(c.Signaling); err != nil {
		return c, err
	}
	for t, b := range c.Bitrates {
		if !slices.Contains(c.Tracks, t) || !t.Codec.Video() {
			return c, errors.New("camera: Config.Bitrates names what is no video track of Config.Tracks")
		}
		if b.Min < 0 || b.Max < 0 || b.Max > 0 && b.Min > b.Max {
			return c, fmt.Errorf("camera: Config.Bitrates of track %q are from %d to %d bit/s", t.Name, b.Min, b.Max)
		}
	}
	if c.SlowViewers < KeyframesOnly || c.SlowViewers > FollowSlowest {
		return c, fmt.Errorf("camera: Config.SlowViewers is %d, want KeyframesOnly or FollowSlowest", c.SlowViewers)
	}
	c.Bitrates = maps.Clone(c.Bitrates)
	c.Tracks = append([]*kvsmedia.Track(nil), c.Tracks...)
	if c.RingBytes == 0 {
		c.RingBytes = defaultRingBytes
	}
	if c.MaxViewers == 0 {
		c.MaxViewers = defaultMaxViewers
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.Logger = safelog.New(c.Logger)
	if c.Commands == nil {
		c.Commands = &Commands{}
	}
	return c, nil
}
