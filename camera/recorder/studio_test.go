package recorder_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// tracks are those of the film that are recorded.
func tracks() (picture, sound *kvsmedia.Track) {
	for _, t := range clips.Day().Tracks {
		switch {
		case t.Codec.Video():
			picture = t
		case t.Codec == kvsmedia.AAC:
			sound = t
		}
	}
	return picture, sound
}

// studio is a camera with a card and a recorder, for tests in a bubble.
type studio struct {
	t    *testing.T
	cam  *camera.Camera
	card *storagetest.FS
	cfg  recorder.Config
	*recorder.Recorder
	cancel context.CancelFunc
	works  sync.WaitGroup
	err    error // of Run
}

// newStudio films; record begins to record.
func newStudio(t *testing.T, change func(*recorder.Config)) *studio {
	time.Sleep(time.Until(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC))) // clocks of 2000 are not believed
	picture, sound := tracks()
	s := &studio{t: t, card: storagetest.New(storagetest.Ext4, 1<<30)}
	var err error
	s.cam, err = camera.New(camera.Config{Tracks: []*kvsmedia.Track{picture, sound}, PreRoll: 30 * time.Second, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	s.cfg = recorder.Config{Source: s.cam, Tracks: []*kvsmedia.Track{picture, sound}, Logger: quiet}
	if change != nil {
		change(&s.cfg)
	}
	return s
}

// roll films in the background until the studio is closed.
func (s *studio) roll() {
	ctx, cancel := context.WithCancel(s.t.Context())
	before := s.cancel
	s.cancel = func() {
		if cancel(); before != nil {
			before()
		}
	}
	s.works.Go(func() {
		for f := range clips.Play(ctx, clips.Day()) {
			if slices.Contains(s.cfg.Tracks, f.Track) {
				if err := s.cam.WriteFrame(f); err != nil {
					s.t.Error(err)
				}
			}
		}
	})
}

// record makes a recorder for the card that is in the slot, and runs it.
func (s *studio) record() {
	s.t.Helper()
	recorder.SetFS(&s.cfg, s.card.Dir)
	s.run()
}

// run makes a recorder of the configuration, and runs it.
func (s *studio) run() {
	s.t.Helper()
	var err error
	if s.Recorder, err = recorder.New(s.cfg); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	before := s.cancel
	s.cancel = func() {
		if cancel(); before != nil {
			before()
		}
	}
	s.works.Go(func() { s.err = s.Run(ctx) })
}

// close ends everything.
func (s *studio) close() {
	s.t.Helper()
	if s.cancel != nil {
		s.cancel()
		s.works.Wait()
	}
	if s.err != nil && !errors.Is(s.err, context.Canceled) {
		s.t.Error("Run:", s.err)
	}
	s.cancel, s.err = nil, nil
}

// trigger tells of an event now.
func (s *studio) trigger(kind string) recorder.ClipID {
	s.t.Helper()
	id, err := s.Trigger(recorder.Event{Type: kind})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// clip returns a clip, which has to be known.
func (s *studio) clip(id recorder.ClipID) recorder.Clip {
	s.t.Helper()
	c, err := s.Clip(id)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// frames reads a clip.
func (s *studio) frames(id recorder.ClipID) []kvsmedia.Frame {
	s.t.Helper()
	m, err := s.Open(id)
	if err != nil {
		s.t.Fatal(err)
	}
	defer m.Close()
	list := slices.Collect(m.Frames())
	if err := m.Err(); err != nil {
		s.t.Error(err)
	}
	return list
}

// service is the double of the stream's service, and a producer for it.
func service(t *testing.T) (*kvsmediatest.Server, *kvsmedia.Producer) {
	t.Helper()
	srv := kvsmediatest.NewPipeServer(kvsmediatest.Config{})
	picture, sound := tracks()
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
		AWS: srv.AWS(), Stream: "front-door", Tracks: []*kvsmedia.Track{picture, sound},
		Create: &kvsmedia.StreamSettings{Retention: 24 * time.Hour}, Logger: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv, p
}
