// Package device is the example camera: a source of frames, a camera, continuous
// recording to the cloud or clips of events, and the commands that its owner's page calls.
// The demo runs it beside a stand-in cloud, examples/camera alone against AWS.
package device

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Source is where the camera's frames come from; *source.Source is one.
type Source interface {
	Tracks() []*kvsmedia.Track
	Frames(context.Context) iter.Seq[kvsmedia.Frame]
	Err() error
	SetNight(bool) error
	Chime() error
	Snapshot() []byte // of now, JPEG; nil if the source makes none
}

// Config says what the camera shows, and where.
type Config struct {
	Source     Source
	Signaling  signaling.Config
	MaxViewers int // zero means the SDK's default
	ICEPolicy  signaling.ICEPolicy
	Hear       func(kvsmedia.Frame) // gets what viewers say; may be nil
	Event      func(camera.Event)   // gets what happens, one after the other; may be nil
	Logger     *slog.Logger

	// Recording has the picture and its sound uploaded to a stream; nil uploads
	// nothing. Tracks and Logger are the device's.
	Recording *kvsmedia.ProducerConfig

	// Clips has clips of events kept on the device; nil keeps none. Source, Tracks,
	// Logger and, with Recording, Uploader are the device's: the stream then gets the
	// clips, and of the rest what Clips.UploadAll says.
	Clips *recorder.Config

	// Motion has motion looked for in the picture, and with Clips a clip kept of it; nil
	// looks for none. Track and Logger are the device's.
	Motion *motion.Config
}

// How far back the camera remembers, and how much memory it has for that.
const (
	preRoll   = 5 * time.Second
	known     = 3 * time.Second // until an event is told: pre-roll begins before it
	ringBytes = 8 << 20         // for each preRoll: some 10 Mbit/s
)

// Device is the example camera.
type Device struct {
	cfg      Config
	cam      *camera.Camera
	producer *kvsmedia.Producer // nil if nothing is uploaded
	recorder *recorder.Recorder // nil if no clips are kept
	motion   *motion.Detector   // nil if none is looked for
	frames   counter
	night    atomic.Bool
	heard    atomic.Int64 // packets of talk
	talker   atomic.Value // string
}

// Status is what the camera says of itself, as the reply to the command
// "status".
type Status struct {
	Viewers int     `json:"viewers"`
	Night   bool    `json:"night"`
	Talker  string  `json:"talker"`        // client ID of who has the floor
	Heard   int64   `json:"talkPackets"`   // packets of talk since the start
	Uptime  float64 `json:"uptimeSeconds"` // since the start
}

// New returns a camera that is not running yet.
func New(cfg Config) (*Device, error) {
	d := &Device{cfg: cfg}
	d.talker.Store("")
	for _, t := range cfg.Source.Tracks() {
		d.frames.tracks = append(d.frames.tracks, SourceTrack{Track: t})
	}
	commands := &camera.Commands{}
	camera.Handle(commands, "status", d.status)
	camera.Handle(commands, "light", d.light)
	camera.Handle(commands, "chime", d.ring)
	camera.Handle(commands, "privacy", d.privacy)
	back := preRoll
	if cfg.Clips != nil {
		d.handleClips(commands)
		back = max(back, cfg.Clips.PreRoll) + known
	}
	cam, err := camera.New(camera.Config{
		Signaling: cfg.Signaling, Tracks: cfg.Source.Tracks(), PreRoll: back, RingBytes: int(ringBytes * back / preRoll),
		MaxViewers: cfg.MaxViewers, Commands: commands, ICEPolicy: cfg.ICEPolicy, Logger: cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	d.cam = cam
	if cfg.Recording != nil {
		if d.producer, err = newProducer(*cfg.Recording, cfg.Source.Tracks(), cfg.Logger); err != nil {
			return nil, err
		}
	}
	if cfg.Clips != nil {
		if d.recorder, err = d.newRecorder(*cfg.Clips); err != nil {
			return nil, err
		}
	}
	if cfg.Motion != nil {
		if d.motion, err = newDetector(*cfg.Motion, cfg.Logger); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Run films, records and serves viewers until ctx ends or the source fails for
// good. Live view that fails for good ends it as well, unless the camera records;
// recording goes on without live view, and live view without recording. Without Clips,
// what is filmed when ctx ends is still uploaded, for as long as Recording.Linger; the
// error has a *kvsmedia.MissingError if something is not stored. Clips are uploaded
// when the camera runs again.
func (d *Device) Run(ctx context.Context) error {
	d.frames.start()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	events, talk := d.cam.Events(ctx), d.cam.Talkback(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		for e := range events {
			d.event(e)
		}
	})
	work.Go(func() {
		for f := range talk {
			d.heard.Add(1)
			if d.cfg.Hear != nil {
				d.cfg.Hear(f)
			}
		}
	})
	work.Go(func() { d.hints(ctx) })
	if d.motion != nil {
		work.Go(func() { d.watch(ctx) })
	}
	work.Go(func() { cancel(d.film(ctx)) })
	var recorded error
	switch {
	case d.recorder != nil:
		work.Go(func() { d.keep(ctx) })
		work.Go(func() { d.tellClips(ctx) })
	case d.producer != nil:
		work.Go(func() { recorded = d.record(ctx) })
	}
	err := d.cam.Run(ctx)
	if (d.producer != nil || d.recorder != nil) && ctx.Err() == nil {
		d.cfg.Logger.Error("live view has ended, recording goes on", "err", err)
		<-ctx.Done()
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	cancel(nil)
	work.Wait()
	return errors.Join(err, recorded)
}

// film writes the source's frames into the camera.
func (d *Device) film(ctx context.Context) error {
	var refused source.Repeats
	for f := range d.cfg.Source.Frames(ctx) {
		err := d.cam.WriteFrame(f)
		if errors.Is(err, camera.ErrPrivate) {
			continue
		}
		if d.frames.count(f, err); err != nil {
			refused.Warn(d.cfg.Logger, "a frame was not taken", "track", f.Track.Name, "err", err)
		}
	}
	if err := d.cfg.Source.Err(); err != nil {
		return fmt.Errorf("the source of frames ended: %w", err)
	}
	return nil
}

// hints takes what viewers wish of the encoders. These sources have none that
// could be told; a camera sets the bitrate of its own here, makes it encode a key frame, and
// tells the motion detector, which would take either for motion (Detector.Ignore).
func (d *Device) hints(ctx context.Context) {
	for {
		select {
		case h := <-d.cam.EncoderHints():
			d.cfg.Logger.Debug("viewers wish something of the encoder", "track", h.Track.Name, "keyframe", h.Keyframe, "bitrate", h.Bitrate)
		case <-ctx.Done():
			return
		}
	}
}

// event logs what happens, and tells the viewers what their pages show.
func (d *Device) event(e camera.Event) {
	if d.cfg.Event != nil {
		d.cfg.Event(e)
	}
	log := d.cfg.Logger
	switch e := e.(type) {
	case camera.Online:
		log.Info("the camera is online")
	case camera.Offline:
		log.Info("the camera is offline") // the SDK has logged why
	case camera.Joined:
		d.notify("viewers", map[string]int{"count": d.viewers()})
	case camera.Left:
		d.notify("viewers", map[string]int{"count": d.viewers()})
	case camera.Refused:
		log.Info("a viewer was refused", "peer", e.Peer.ID, "err", e.Err)
	case camera.Talking:
		d.talker.Store(e.Peer.ID)
		d.notify("floor", map[string]string{"talker": e.Peer.ID})
	}
}

func (d *Device) notify(name string, body any) {
	if err := d.cam.Notify(name, body); err != nil {
		d.cfg.Logger.Warn("telling the viewers", "err", err)
	}
}

func (d *Device) viewers() (n int) {
	for _, v := range d.cam.Status().Viewers {
		if v.Connected {
			n++
		}
	}
	return n
}

func (d *Device) status(context.Context, signaling.Peer, struct{}) (Status, error) {
	f := d.Figures()
	return Status{Viewers: d.viewers(), Night: f.Night, Talker: f.Talker, Heard: f.Heard,
		Uptime: time.Since(f.Started).Seconds()}, nil
}

// lightState is the request and reply of the command "light", and its notice.
type lightState struct {
	Night bool `json:"night"`
}

func (d *Device) light(_ context.Context, _ signaling.Peer, want lightState) (lightState, error) {
	if err := d.cfg.Source.SetNight(want.Night); err != nil {
		return lightState{}, err
	}
	d.night.Store(want.Night)
	d.notify("light", want)
	return want, nil
}

// privacyState is the request and reply of the command "privacy".
type privacyState struct {
	On bool `json:"on"`
}

func (d *Device) privacy(_ context.Context, _ signaling.Peer, want privacyState) (privacyState, error) {
	d.cam.SetPrivacy(want.On) // which tells the viewers
	return want, nil
}

// snapshot returns the picture of an event that is now, nil without one and in privacy.
func (d *Device) snapshot() []byte {
	if d.cam.Status().Privacy {
		return nil
	}
	return d.cfg.Source.Snapshot()
}
