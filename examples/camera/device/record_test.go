package device_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// TestWhatIsFilmedIsRecorded compares what the stream holds with what the source
// gives, byte by byte and in order.
func TestWhatIsFilmedIsRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		spec  func(t *testing.T) string
		sound bool // that a stream takes
	}{
		"clip": {func(*testing.T) string { return "clip" }, true},
		"mp4":  {func(t *testing.T) string { return footage(t, testtools.Need(t, "ffmpeg"), ".mp4") }, true},
		"rtsp": {func(t *testing.T) string { return serveFile(t, footage(t, testtools.Need(t, "ffmpeg"), ".mp4")) }, true},
		"opus": {serveClip, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStudio(t, c.spec(t))
			s.record(t)
			s.compare(t, c.sound)
			if told := strings.Contains(s.log.String(), "without sound"); told == c.sound {
				t.Errorf("told that there is no sound: %v", told)
			}
		})
	}
}

// Recording goes on while the signaling service is away, and when it refuses the
// camera for good.
func TestRecordingWithoutLiveView(t *testing.T) {
	t.Run("outage", func(t *testing.T) {
		t.Parallel()
		s := newStudio(t, "clip")
		s.signaling.SetOutage(true)
		s.record(t)
		s.compare(t, true)
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		s := newStudio(t, "clip")
		s.channel = "no-such-channel"
		s.record(t)
		s.compare(t, true)
		if !strings.Contains(s.log.String(), "live view has ended") {
			t.Errorf("the log does not tell that live view has ended:\n%s", s.log)
		}
	})
}

// What cannot be stored is named when the camera ends.
func TestWhatIsNotStoredIsNamed(t *testing.T) {
	t.Parallel()
	s := newStudio(t, "clip")
	s.linger = 200 * time.Millisecond
	err := s.film(t, func() {
		s.await(t, 1)
		s.media.SetOutage(true)
		held := s.count()
		s.wait(t, func() bool { return s.count() > held+40 })
	})
	var missing *kvsmedia.MissingError
	if !errors.As(err, &missing) || missing.Stream != "door" || missing.Missing[0].Frames == 0 {
		t.Errorf("the camera ended with %v", err)
	}
}

// studio is a camera between a source whose frames are noted and doubles of AWS.
type studio struct {
	in        *source.Source
	signaling *signalingtest.Server
	media     *kvsmediatest.Server
	channel   string
	linger    time.Duration
	log       *lines

	mu     sync.Mutex
	filmed []kvsmedia.Frame
	more   chan struct{} // closed and replaced at each frame
}

func newStudio(t *testing.T, spec string) *studio {
	t.Helper()
	s := &studio{channel: "door", log: &lines{}, more: make(chan struct{}),
		signaling: signalingtest.NewServer(signalingtest.Config{TURN: func(string, time.Time) []signalingtest.ICEServer { return nil }}),
		media:     kvsmediatest.NewServer(kvsmediatest.Config{})}
	t.Cleanup(func() { s.signaling.Close() })
	t.Cleanup(func() { s.media.Close() })
	added(t)(s.signaling.AddChannel("door"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var err error
	if s.in, err = source.Open(ctx, spec, s.logger()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *studio) logger() *slog.Logger { return slog.New(slog.NewTextHandler(s.log, nil)) }

// film runs the camera during work, and returns how it ended.
func (s *studio) film(t *testing.T, work func()) error {
	t.Helper()
	dev, err := device.New(device.Config{Source: tapped{s.in, s.note}, Logger: s.logger(),
		Signaling: signaling.Config{AWS: s.signaling.AWS(), Channel: s.channel, Logger: s.logger()},
		Recording: &kvsmedia.ProducerConfig{AWS: s.media.AWS(), Stream: "door", Create: &kvsmedia.StreamSettings{}, Linger: s.linger}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- dev.Run(ctx) }()
	func() {
		defer stop()
		work()
	}()
	return <-done
}

// record films three fragments and more, and has them stored.
func (s *studio) record(t *testing.T) {
	t.Helper()
	err := s.film(t, func() { s.await(t, 3) })
	var missing *kvsmedia.MissingError
	if errors.As(err, &missing) || s.channel == "door" && !errors.Is(err, context.Canceled) {
		t.Errorf("the camera ended with %v", err)
	}
}

func (s *studio) note(f kvsmedia.Frame) {
	f.Data = bytes.Clone(f.Data)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filmed = append(s.filmed, f)
	close(s.more)
	s.more = make(chan struct{})
}

func (s *studio) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.filmed)
}

// wait waits until cond holds, which is asked after each frame.
func (s *studio) wait(t *testing.T, cond func() bool) {
	t.Helper()
	end := time.After(time.Minute)
	for !cond() {
		s.mu.Lock()
		more := s.more
		s.mu.Unlock()
		select {
		case <-more:
		case <-end:
			t.Fatalf("waited in vain; the log:\n%s", s.log)
		}
	}
}

// await waits until the stream holds so many fragments.
func (s *studio) await(t *testing.T, fragments int) {
	t.Helper()
	s.wait(t, func() bool { return s.persisted() >= fragments })
}

func (s *studio) persisted() (n int) {
	for _, e := range s.media.Events() {
		if e.Name == "PERSISTED" {
			n++
		}
	}
	return n
}

// compare reads the stream back.
func (s *studio) compare(t *testing.T, sound bool) {
	t.Helper()
	archive, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: s.media.AWS(), Stream: "door"})
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	media, err := archive.Media(ctx, kvsmedia.From{})
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	recorded := map[bool][][]byte{} // NAL units of the picture, packets of the sound
	last := map[*kvsmedia.Track]time.Duration{}
	for f := range media.Frames() {
		if before, ok := last[f.Track]; ok && f.PTS <= before {
			t.Errorf("a frame of the %v track at %v comes after %v", f.Track.Codec, f.PTS, before)
		}
		last[f.Track] = f.PTS
		video := f.Track.Codec.Video()
		recorded[video] = append(recorded[video], nalus(t, f)...)
	}
	if err := media.Err(); err != nil {
		t.Error(err)
	}
	filmed := map[bool][][]byte{}
	for _, f := range s.filmed {
		if video := f.Track.Codec.Video(); video || f.Track.Codec == kvsmedia.AAC {
			filmed[video] = append(filmed[video], nalus(t, f)...)
		}
	}
	if len(recorded[true]) == 0 || sound != (len(recorded[false]) > 0) {
		t.Fatalf("%d units of the picture and %d of the sound are recorded; the log:\n%s", len(recorded[true]), len(recorded[false]), s.log)
	}
	for video, units := range recorded {
		if at := find(filmed[video], units); at < 0 {
			t.Errorf("video %v: %d units are recorded, which are not a part of the %d that were filmed", video, len(units), len(filmed[video]))
		}
	}
	if n := s.persisted(); n < 4 { // after three of them the fourth had begun
		t.Errorf("%d fragments are stored: the last one was not when the camera ended", n)
	}
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// added returns the ARN of a channel that was added to a double.
func added(t testing.TB) func(arn string, err error) string {
	return func(arn string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return arn
	}
}
