package device_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// keeping runs a camera that keeps clips until the test ends, with a viewer.
func (s *studio) keeping(ctx context.Context, t *testing.T, uploads bool) (*device.Device, *viewer.Viewer) {
	t.Helper()
	cfg := device.Config{
		Source: s.in, Logger: s.logger(), Signaling: signaling.Config{AWS: s.signaling.AWS(), Channel: s.channel, Logger: s.logger()},
		Clips: &recorder.Config{Dir: filepath.Join(t.TempDir(), "clips"), OnRoot: true, PreRoll: time.Second, PostRoll: time.Second, MaxBytes: 64 << 20},
	}
	if uploads {
		cfg.Recording = &kvsmedia.ProducerConfig{AWS: s.media.AWS(), Stream: "door", Create: &kvsmedia.StreamSettings{}}
	}
	dev, err := device.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- dev.Run(run) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the camera ended with %v", err)
		}
	})
	v, err := viewer.Dial(ctx, viewer.Config{Signaling: s.signaling.Config(s.channel), Logger: s.logger()})
	if err != nil {
		t.Fatalf("%v; the log:\n%s", err, s.log)
	}
	t.Cleanup(func() { v.Close() })
	return dev, v
}

// until returns the first change of a kind that viewers are told of.
func until(t *testing.T, s *studio, notices iter.Seq[viewer.Notice], kind recorder.Kind) (c recorder.Change) {
	t.Helper()
	for n := range notices {
		if n.Name != "clip" {
			continue
		}
		if err := json.Unmarshal(n.Body, &c); err != nil {
			t.Fatal(err)
		}
		if c.Kind == kind {
			return c
		}
	}
	t.Fatalf("no clip is %s; the log:\n%s", kind, s.log)
	return c
}

// Who rings and what a viewer tells of is on one clip, which goes to the stream; viewers
// are told of each step, and can list it with its receipt.
func TestDoorbell(t *testing.T) {
	s := newStudio(t, "clip")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dev, v := s.keeping(ctx, t, true)
	notices := v.Notices(ctx)
	rung, err := viewer.Call[clipapi.EventReply](ctx, v, "chime", nil)
	if err != nil || rung.Clip == "" {
		t.Fatalf("ringing: %+v, %v", rung, err)
	}
	moved, err := viewer.Call[clipapi.EventReply](ctx, v, "event", map[string]string{"type": "motion"})
	if err != nil || moved != rung {
		t.Errorf("motion while it is recorded: %+v, %v", moved, err)
	}
	var refused *signaling.CommandError
	if _, err := viewer.Call[clipapi.EventReply](ctx, v, "event", map[string]string{"type": strings.Repeat("x", 65)}); !errors.As(err, &refused) {
		t.Errorf("an event of a type that is too long: %v", err)
	}
	if c := until(t, s, notices, recorder.ClipEnded); c.Clip.ID != rung.Clip || c.Clip.Length < time.Second || c.Clip.Reason != recorder.EndOfEvent {
		t.Errorf("ended: %+v", c)
	}
	until(t, s, notices, recorder.ClipStored)

	page, err := viewer.Call[clipapi.Page](ctx, v, "clips", clipapi.Query{From: time.Now().Add(-time.Minute)})
	if err != nil || len(page.Clips) != 1 || page.More {
		t.Fatalf("%+v, %v", page, err)
	}
	c := page.Clips[0]
	if c.ID != rung.Clip || c.State != recorder.Uploaded || len(c.Events) != 2 || c.Events[0].Type != device.Ring || c.Events[1].Type != "motion" {
		t.Errorf("listed is %+v", c)
	}
	if _, err := viewer.Call[clipapi.Page](ctx, v, "clips", clipapi.Query{Limit: 501}); !errors.As(err, &refused) {
		t.Errorf("too many: %v", err)
	}
	if _, err := viewer.Call[clipapi.Receipt](ctx, v, "receipt", map[string]string{"clip": "01JDYX3N4V5W6X7Y8Z9A0B1C2D"}); !errors.As(err, &refused) {
		t.Errorf("the receipt of no clip: %v", err)
	}
	receipt, err := viewer.Call[clipapi.Receipt](ctx, v, "receipt", map[string]recorder.ClipID{"clip": rung.Clip})
	if err != nil || len(receipt.Fragments) == 0 {
		t.Fatalf("%+v, %v", receipt, err)
	}
	s.compareClip(ctx, t, dev, receipt)
}

// compareClip compares a clip in the stream with what is on the device, picture by picture.
func (s *studio) compareClip(ctx context.Context, t *testing.T, dev *device.Device, r clipapi.Receipt) {
	t.Helper()
	var numbers []string
	for _, f := range r.Fragments {
		if !f.Stored {
			t.Errorf("not stored: %+v", f)
		}
		numbers = append(numbers, f.Number)
	}
	archive, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: s.media.AWS(), Stream: "door"})
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	uploaded, err := archive.MediaForFragments(ctx, numbers...)
	if err != nil {
		t.Fatal(err)
	}
	defer uploaded.Close()
	kept, err := dev.Recorder().Open(r.Clip.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	units := func(frames iter.Seq[kvsmedia.Frame]) (all [][]byte) {
		for f := range frames {
			if f.Track.Codec.Video() {
				all = append(all, nalus(t, f)...)
			}
		}
		return all
	}
	there, here := units(uploaded.Frames()), units(kept.Frames())
	if len(here) < 20 || len(here) != len(there) || !bytes.Equal(bytes.Join(here, nil), bytes.Join(there, nil)) {
		t.Errorf("%d pictures are kept and %d are in the stream", len(here), len(there))
	}
}

// A camera without a stream keeps its clips, with the sound that it has.
func TestClipsStay(t *testing.T) {
	s := newStudio(t, "clip")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dev, v := s.keeping(ctx, t, false)
	notices := v.Notices(ctx)
	if _, err := viewer.Call[clipapi.EventReply](ctx, v, "chime", nil); err != nil {
		t.Fatal(err)
	}
	c := until(t, s, notices, recorder.ClipEnded).Clip
	if c.State != recorder.Kept || !c.OnDevice {
		t.Errorf("%+v", c)
	}
	media, err := dev.Recorder().Open(c.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	tracks, err := media.Tracks()
	if err != nil || len(tracks) != 2 || tracks[1].Codec != kvsmedia.AAC {
		t.Errorf("%d tracks, %v", len(tracks), err)
	}
	if f := dev.Figures(); f.Recording != nil || f.Clips == nil || f.Clips.Storage != recorder.StorageReady || f.Clips.Clips != 1 {
		t.Errorf("%+v", f.Clips)
	}
}

// A camera that keeps no clips says so, and still rings.
func TestNoClips(t *testing.T) {
	s := newStudio(t, "clip")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := s.film(t, func() {
		v, err := viewer.Dial(ctx, viewer.Config{Signaling: s.signaling.Config(s.channel), Logger: s.logger()})
		if err != nil {
			t.Error(err)
			return
		}
		defer v.Close()
		if rung, err := viewer.Call[clipapi.EventReply](ctx, v, "chime", nil); err != nil || rung.Clip != "" {
			t.Errorf("ringing: %+v, %v", rung, err)
		}
		var refused *signaling.CommandError
		if _, err := viewer.Call[clipapi.Page](ctx, v, "clips", nil); !errors.As(err, &refused) || refused.Code != "unknown" {
			t.Errorf("clips: %v", err)
		}
	})
	var missing *kvsmedia.MissingError
	if !errors.Is(err, context.Canceled) || errors.As(err, &missing) {
		t.Errorf("the camera ended with %v", err)
	}
}
