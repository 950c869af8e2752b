package device

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Ring is the type of the event of somebody who rings.
const Ring = "doorbell"

// newRecorder returns what keeps the camera's clips, as cfg says.
func (d *Device) newRecorder(cfg recorder.Config) (*recorder.Recorder, error) {
	tracks, deaf := recordable(d.cfg.Source.Tracks(), d.producer != nil)
	if len(tracks) == 0 {
		return nil, errors.New("the source has nothing to record")
	}
	cfg.Source, cfg.Tracks, cfg.Logger = d.cam, tracks, d.cfg.Logger
	if d.producer != nil {
		cfg.Uploader = d.producer
	} else if deaf {
		d.cfg.Logger.Warn("clips are recorded without sound: the source has none that they take")
	}
	return recorder.New(cfg)
}

// Recorder returns what keeps the camera's clips; nil if none are kept.
func (d *Device) Recorder() *recorder.Recorder { return d.recorder }

// keep records clips until ctx ends.
func (d *Device) keep(ctx context.Context) {
	var refused source.Repeats
	for {
		err := d.recorder.Run(ctx)
		if ctx.Err() != nil {
			return
		}
		refused.Warn(d.cfg.Logger, "no clips are recorded, live view goes on; trying again", "in", recordAgain, "err", err)
		select {
		case <-time.After(recordAgain):
		case <-ctx.Done():
		}
	}
}

// tellClips tells viewers what becomes of clips.
func (d *Device) tellClips(ctx context.Context) {
	for c := range d.recorder.Changes(ctx) {
		d.notify("clip", c)
	}
}

// handleClips adds the commands about clips. Viewers can neither delete clips nor protect
// them, which in the end leaves no room for others.
func (d *Device) handleClips(commands *camera.Commands) {
	camera.Handle(commands, "event", func(_ context.Context, p signaling.Peer, want struct {
		Type string `json:"type"`
	}) (clipapi.EventReply, error) {
		id, err := d.recorder.Trigger(recorder.Event{Type: want.Type})
		d.cfg.Logger.Info("a viewer tells of an event", "viewer", p.ID, "type", want.Type, "clip", id, "err", err)
		return clipapi.EventReply{Clip: id}, err
	})
	camera.Handle(commands, "clips", func(_ context.Context, _ signaling.Peer, q clipapi.Query) (clipapi.Page, error) {
		return clipapi.List(d.recorder, q)
	})
	camera.Handle(commands, "receipt", func(_ context.Context, _ signaling.Peer, want struct {
		Clip recorder.ClipID `json:"clip"`
	}) (clipapi.Receipt, error) {
		return clipapi.Receipts(d.recorder, want.Clip)
	})
}

// ring tells of somebody at the door: the chime sounds, and there is a clip of it.
func (d *Device) ring(_ context.Context, p signaling.Peer, _ struct{}) (clipapi.EventReply, error) {
	err := d.cfg.Source.Chime()
	if d.recorder == nil {
		if err == nil {
			d.notify("chime", map[string]string{"by": p.ID})
		}
		return clipapi.EventReply{}, err
	}
	id, triggerErr := d.recorder.Trigger(recorder.Event{Type: Ring, Picture: d.snapshot()})
	if triggerErr != nil {
		return clipapi.EventReply{}, fmt.Errorf("there is no clip of it: %w", triggerErr)
	}
	if err != nil {
		d.cfg.Logger.Debug("the doorbell has no chime", "err", err)
	}
	d.notify("chime", map[string]string{"by": p.ID})
	return clipapi.EventReply{Clip: id}, nil
}
