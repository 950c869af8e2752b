package main

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Config is what differs between devices, and between AWS and a stand-in.
type Config struct {
	Identity iotcreds.Config // whose thing's name is that of the channel and the stream
	AWS      aws.Config      // where AWS is; its credentials are not used
	Logger   *slog.Logger    // nil means slog.Default
}

// Light is the request and the reply of the command "light".
type Light struct {
	On bool `json:"on"`
}

// Firmware is the camera.
type Firmware struct {
	credentials *iotcreds.Provider
	camera      *camera.Camera
	recording   *kvsmedia.Producer
	encoder     *Encoder
	light       atomic.Bool
	log         *slog.Logger
}

// New puts the parts together. It connects to nothing.
func New(cfg Config) (*Firmware, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	credentials, err := iotcreds.New(cfg.Identity)
	if err != nil {
		return nil, err
	}
	cfg.AWS.Credentials = credentials
	f := &Firmware{credentials: credentials, encoder: NewEncoder(), log: cfg.Logger}

	var commands camera.Commands
	camera.Handle(&commands, "light", func(_ context.Context, who signaling.Peer, want Light) (Light, error) {
		f.light.Store(want.On)
		f.log.Info("light", "on", want.On, "by", who.ID)
		return Light{On: f.light.Load()}, nil
	})
	tracks := []*kvsmedia.Track{f.encoder.Track}
	f.camera, err = camera.New(camera.Config{
		Signaling: signaling.Config{AWS: cfg.AWS, Channel: cfg.Identity.ThingName, Logger: f.log},
		Tracks:    tracks,
		Bitrates:  map[*kvsmedia.Track]camera.BitrateRange{f.encoder.Track: {Min: lowBitrate, Max: highBitrate}},
		Commands:  &commands,
		Logger:    f.log,
	})
	if err == nil {
		f.recording, err = kvsmedia.NewProducer(kvsmedia.ProducerConfig{
			AWS: cfg.AWS, Stream: cfg.Identity.ThingName, Tracks: tracks,
			Linger: 5 * time.Second, // for the last pictures, when Run is to end
			Logger: f.log,
		})
	}
	if err != nil {
		credentials.Close()
		return nil, err
	}
	return f, nil
}

// Close gives the credentials back, when Run has ended.
func (f *Firmware) Close() error { return f.credentials.Close() }

// Run films until ctx ends, or something fails that no retry mends, such as a
// certificate that was revoked. What was filmed until then is stored when it returns.
func (f *Firmware) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	recorded := f.camera.Frames(ctx, 0)
	work.Go(func() { cancel(f.camera.Run(ctx)) })
	work.Go(func() { cancel(f.recording.Upload(ctx, recorded)) })
	work.Go(func() { f.followViewers(ctx) })
	for frame := range f.encoder.Frames(ctx) {
		if err := f.camera.WriteFrame(frame); err != nil {
			f.log.Warn("a picture was not taken", "err", err)
		}
	}
	work.Wait()
	return context.Cause(ctx)
}

// followViewers hands the encoder what viewers need of it.
func (f *Firmware) followViewers(ctx context.Context) {
	for {
		select {
		case hint := <-f.camera.EncoderHints():
			if hint.Bitrate > 0 {
				f.encoder.SetBitrate(hint.Bitrate)
			}
			if hint.Keyframe {
				f.encoder.ForceKeyframe()
			}
		case <-ctx.Done():
			return
		}
	}
}
