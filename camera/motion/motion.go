package motion

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Defaults and bounds of [Config].
const (
	defaultSensitivity = 0.5
	defaultCooldown    = 5 * time.Second
	defaultShortest    = 300 * time.Millisecond
	longestCooldown    = 10 * time.Minute
	longestShortest    = 5 * time.Second
	maxRegions         = 16
	leastLevel         = 0.02 // of motion, whatever the sensitivity: a still picture has 0
)

// Config says what a [Detector] looks at, and when that is motion. The zero Config is
// ready to use. New copies it.
type Config struct {
	// Track is the picture to look at: the very Track that its frames point to. Nil means the
	// smallest rendition among the frames: an object takes the same share of it, and noise is
	// filtered out.
	Track *kvsmedia.Track

	// Sensitivity is from above 0, which only the strongest motion passes, to 1, which whatever
	// differs from the usual passes. Zero means 0.5, which the figures of the package are of.
	Sensitivity float64

	// Cooldown is the time without motion after which an event ends. Zero means 5 seconds,
	// the most is 10 minutes. Who stands still for longer makes two events of one visit: with
	// 10 seconds fewer do, and events end later. In package recorder both are one clip all the
	// same while its PostRoll is longer than the pause.
	Cooldown time.Duration

	// Shortest is how long something has to move at least. Zero means 300 ms, the most is
	// 5 seconds. It is never less than three frames.
	Shortest time.Duration

	// Regions is into how many equal bands, from the top, the picture is taken apart, each
	// with events of its own. Where sizes alone are looked at, the encoder has to make slices
	// of rows. Zero means 1, the most is 16.
	Regions int

	// SizesAlone has the sizes of slices looked at, and not the blocks of pictures,
	// which shows less, for a tenth of the price: see the package's manual.
	SizesAlone bool

	// Logger gets warnings. Nil means slog.Default.
	Logger *slog.Logger
}

// Kind is what an [Event] tells.
type Kind uint8

// The kinds of events.
const (
	Started Kind = iota + 1 // something moves
	Going                   // it still does, or does again before Cooldown; told every two seconds while it moves
	Ended                   // nothing has moved for Config.Cooldown
	Scene                   // the whole picture changed at once: light, IR filter; told once while that goes on
	Blind                   // the encoder's constant bitrate, or key frames alone, hide all but large motion; told once
)

// String returns the kind's name, such as "started".
func (k Kind) String() string {
	switch k {
	case Started:
		return "started"
	case Going:
		return "going"
	case Ended:
		return "ended"
	case Scene:
		return "scene"
	case Blind:
		return "blind"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Event is something that the picture shows, or why it shows nothing.
type Event struct {
	Kind Kind

	// ID is a ULID, the same in all that is told of one motion; empty for Scene and Blind. Its
	// time is that of the frame, so that of frames without Time is 1970's.
	ID string

	// PTS and Time are of the frame in which motion Started, or was last seen, or which
	// shows the change of the Scene.
	PTS  time.Duration
	Time time.Time

	// Score is [Detector.Level] at the strongest moment so far, 0 to 1.
	Score float64

	// Region is the band of the picture, from 0 at the top; 0 for Scene and Blind.
	Region int
}

// Detector finds motion in the frames of one picture. Its methods may be called
// concurrently; one loop over Events runs at a time.
type Detector struct {
	cfg  Config
	log  *slog.Logger
	ids  ulid.IDs
	busy atomic.Bool

	sensitivity atomic.Uint64 // Float64bits
	level       atomic.Uint64 // Float64bits
	ignore      atomic.Int64  // span that was asked for, in ns; the loop takes it
}

// New returns a detector. Its error names the field of cfg that cannot be used.
func New(cfg Config) (*Detector, error) {
	wrong := func(field, format string, args ...any) (*Detector, error) {
		return nil, fmt.Errorf("motion: Config.%s %s", field, fmt.Sprintf(format, args...))
	}
	if cfg.Track != nil && !cfg.Track.Codec.Video() {
		return wrong("Track", "is %v: give a picture, of H264 or H265", cfg.Track.Codec)
	}
	if cfg.Sensitivity == 0 {
		cfg.Sensitivity = defaultSensitivity
	}
	if cfg.Cooldown == 0 {
		cfg.Cooldown = defaultCooldown
	}
	if cfg.Shortest == 0 {
		cfg.Shortest = defaultShortest
	}
	if cfg.Regions == 0 {
		cfg.Regions = 1
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	switch {
	case !(cfg.Sensitivity > 0 && cfg.Sensitivity <= 1):
		return wrong("Sensitivity", "is %v: allowed is above 0 up to 1", cfg.Sensitivity)
	case cfg.Cooldown < 0 || cfg.Cooldown > longestCooldown:
		return wrong("Cooldown", "is %v: allowed are up to %v", cfg.Cooldown, longestCooldown)
	case cfg.Shortest < 0 || cfg.Shortest > longestShortest:
		return wrong("Shortest", "is %v: allowed are up to %v", cfg.Shortest, longestShortest)
	case cfg.Regions < 0 || cfg.Regions > maxRegions:
		return wrong("Regions", "is %d: allowed are up to %d", cfg.Regions, maxRegions)
	}
	d := &Detector{cfg: cfg, log: safelog.New(cfg.Logger)}
	d.sensitivity.Store(math.Float64bits(cfg.Sensitivity))
	return d, nil
}

// Events yields what the frames show, each event with the frame that tells it, until the
// frames end: usually those of Camera.Frames. What moves at their end has no Ended. Frames
// of other tracks and sound are passed over. It panics if another loop over the same
// detector is running.
func (d *Detector) Events(frames iter.Seq[kvsmedia.Frame]) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		if !d.busy.CompareAndSwap(false, true) {
			panic("motion: another loop over Detector.Events is running")
		}
		defer d.busy.Store(false)
		defer d.setLevel(0)
		c := chooser{d: d, eyes: map[*kvsmedia.Track]*eye{}}
		for f := range frames {
			for _, e := range c.see(&f) {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// Ignore has what the frames of the next span show passed over: the key frame that a
// firmware asks its encoder for, or its change of bitrate, is no motion. Half a second to
// two seconds are usual. Motion that is going on stays so meanwhile; Scene and Blind are told
// all the same.
func (d *Detector) Ignore(span time.Duration) {
	for {
		was := d.ignore.Load()
		if int64(span) <= was || d.ignore.CompareAndSwap(was, int64(span)) {
			return
		}
	}
}

// SetSensitivity changes Config.Sensitivity. Its error says what is allowed.
func (d *Detector) SetSensitivity(s float64) error {
	if !(s > 0 && s <= 1) {
		return errors.New("motion: a sensitivity is above 0 up to 1")
	}
	d.sensitivity.Store(math.Float64bits(s))
	return nil
}

// Level returns how much moves at present, 0 to 1, in the region where that is most, for a page
// that shows a meter: motion begins at 1 - Sensitivity, and goes on with four fifths of that.
func (d *Detector) Level() float64 { return math.Float64frombits(d.level.Load()) }

func (d *Detector) setLevel(v float64) { d.level.Store(math.Float64bits(v)) }

// threshold returns the level from which on there is motion.
func (d *Detector) threshold() float64 {
	return max(1-math.Float64frombits(d.sensitivity.Load()), leastLevel)
}
