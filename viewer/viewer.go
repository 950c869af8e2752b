package viewer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/command"
	"github.com/smartcam-sdk/smartcam/internal/epoch"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	defaultBuffer = 10 * time.Second
	bufferBytes   = 32 << 20
	talkBytes     = 64 << 10
	talkKeep      = time.Second

	// maxReorder is how far a picture's time may be behind one that came before it: 16
	// B-frames, the most that H.264 and H.265 have, at 16 a second.
	maxReorder = time.Second
)

// Config says which camera to dial and how. Signaling or Grant is required;
// every other zero field has the default that it documents.
type Config struct {
	// Signaling is the camera's channel, for a viewer with AWS credentials.
	Signaling signaling.Config

	// Grant, if not nil, is what a backend granted instead of AWS credentials.
	// Of Signaling, only AWS.HTTPClient and Logger are then used.
	Grant *signaling.Grant

	// ClientID names the viewer to the camera; empty means a random one. A
	// Grant brings its own.
	ClientID string

	// Talk is the audio track that WriteFrame takes; nil for a viewer that only
	// listens. Its codec is Opus, PCMU or PCMA.
	Talk *kvsmedia.Track

	// ICEPolicy limits the network paths; the zero value allows all.
	ICEPolicy signaling.ICEPolicy

	// Buffer is how much media waits for a slow reader of Frames, at most 32
	// MiB. Zero means 10 seconds.
	Buffer time.Duration

	// Logger gets the viewer's story. Nil means slog.Default.
	Logger *slog.Logger
}

func (c Config) validated() (Config, error) {
	if c.Talk != nil && (c.Talk.Codec.Video() || c.Talk.Codec == kvsmedia.AAC) {
		return c, fmt.Errorf("viewer: Config.Talk has codec %v, want Opus, PCMU or PCMA", c.Talk.Codec)
	}
	if c.Buffer < 0 {
		return c, errors.New("viewer: Config.Buffer must not be negative")
	}
	if c.Buffer == 0 {
		c.Buffer = defaultBuffer
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Signaling.Logger == nil {
		c.Signaling.Logger = c.Logger
	}
	c.Logger = safelog.New(c.Logger)
	return c, nil
}

// Lanes of the rings.
const (
	videoLane = iota
	audioLane
	lanes
)

// Viewer is one live session with a camera. All its methods may be called
// concurrently.
type Viewer struct {
	cfg     Config
	client  *signaling.Client
	session *rtc.Session
	frames  *ring.Ring[kvsmedia.Frame]
	events  *ring.Ring[Event]
	data    *ring.Ring[Data]
	clock   *epoch.Clock // of frames, by their lanes
	talk    *ring.Ring[*packet.Unit]
	voice   *epoch.Clock  // of talk
	first   chan struct{} // closed with the first decodable frame, or when the camera is private
	once    sync.Once
	private atomic.Bool

	channel  *rtc.Channel // of the commands; of follow's goroutine
	commands *command.Session
	ready    chan struct{} // closed when commands is set

	cancel  context.CancelFunc
	work    sync.WaitGroup
	trouble safelog.Outage

	mu        sync.Mutex
	lastPTS   time.Duration // of the voice
	talked    bool
	connected chan struct{} // closed at the next connection; nil while nobody waits
	lost      error         // why there is no path; nil while there is one
	pair      signaling.CandidatePair
	channels  map[string]*rtc.Channel // raw ones, by label

	opening sync.Mutex // held while a data channel is opened
}

// Tracks returns what the camera sends, the picture first: as soon as Dial has returned,
// before the first frame of each. The frames' Track is one of these. Their names are the
// camera's, if it is one of this SDK, else "video" and "audio"; of several renditions the
// name is that of the one that the session began with, whichever is sent later. A camera
// that changes the codec has its track replaced.
func (v *Viewer) Tracks() []*kvsmedia.Track { return v.session.Tracks() }

// Frames yields the camera's frames, from the oldest in the buffer on, until ctx
// or the session ends; Err then says why. Loops do not take frames from one
// another: a second one begins up to Config.Buffer back. A loop that falls behind
// the buffer goes on at a key frame, whose Skipped counts what was lost. PTS goes on
// when the camera's time stamps are set back or leap.
func (v *Viewer) Frames(ctx context.Context) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		for it, lost := range v.frames.Reader(0).All(ctx) {
			it.Value.Skipped += lost
			if !yield(it.Value) {
				return
			}
		}
	}
}

// take puts a frame of the camera into the buffer.
func (v *Viewer) take(f kvsmedia.Frame) {
	lane, reorder := audioLane, time.Duration(0)
	if f.Track.Codec.Video() {
		lane = videoLane
		if !f.Key {
			reorder = maxReorder
		}
	}
	f.PTS, _ = v.clock.Map(epoch.Frame{Track: lane, PTS: f.PTS, Reorder: reorder}, f.Time)
	v.frames.Push(ring.Item[kvsmedia.Frame]{Value: f, Lane: lane, Key: f.Key, Size: len(f.Data), At: f.PTS})
	if lane == videoLane || !v.session.ExpectsVideo() {
		v.once.Do(func() { close(v.first) })
	}
}

// WriteFrame sends one packet of the viewer's voice. It copies the data and
// does not wait. It fails if the frame is not of Config.Talk, is empty or larger
// than 1170 bytes, or if its PTS is that of the packet before. A PTS that wraps, is
// set back or leaps is taken; the voice goes on.
func (v *Viewer) WriteFrame(f kvsmedia.Frame) error {
	if v.cfg.Talk == nil || f.Track != v.cfg.Talk {
		return errors.New("viewer: frame of a track other than Config.Talk")
	}
	if len(f.Data) == 0 || len(f.Data) > packet.MaxPayload {
		return fmt.Errorf("viewer: audio packet of %d bytes, want 1 to %d", len(f.Data), packet.MaxPayload)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.talked && f.PTS == v.lastPTS {
		return fmt.Errorf("viewer: PTS %v is not after that of the packet before", f.PTS)
	}
	v.talked, v.lastPTS = true, f.PTS
	f.PTS, _ = v.voice.Map(epoch.Frame{PTS: f.PTS, Time: f.Time}, time.Now())
	f.Key = true
	f.Data = append([]byte(nil), f.Data...)
	v.talk.Push(ring.Item[*packet.Unit]{Value: &packet.Unit{Frame: f}, Key: true, Size: len(f.Data), At: f.PTS})
	return nil
}

// Call calls the camera's command name with req and decodes its reply, both as
// JSON. A camera that refuses makes it fail with a [*signaling.CommandError];
// it fails as well when ctx or the session ends. A message may have 1 MiB.
func Call[Resp any](ctx context.Context, v *Viewer, name string, req any) (Resp, error) {
	var resp Resp
	select {
	case <-v.ready:
	case <-ctx.Done():
		return resp, ctx.Err()
	case <-v.Done():
		return resp, v.Err()
	}
	body, err := v.commands.Call(ctx, name, req)
	if err != nil {
		return resp, fmt.Errorf("viewer: %w", err)
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &resp); err != nil {
			return resp, fmt.Errorf("viewer: the reply to command %q is not a %T: %w", name, resp, err)
		}
	}
	return resp, nil
}

// Notice is what a camera tells all its viewers.
type Notice struct {
	Name    string
	Body    json.RawMessage // as the camera encoded it; decode it with json.Unmarshal
	Skipped int             // notices lost before this one because they were not read in time
}

// Notices yields the camera's notices until ctx or the session ends. Each goes
// to one loop.
func (v *Viewer) Notices(ctx context.Context) iter.Seq[Notice] {
	return func(yield func(Notice) bool) {
		select {
		case <-v.ready:
		case <-ctx.Done():
			return
		case <-v.Done():
			select {
			case <-v.ready: // notices of before are there still
			default:
				return
			}
		}
		for n := range v.commands.Notices(ctx) {
			if !yield(Notice(n)) {
				return
			}
		}
	}
}

// Private reports whether the camera has privacy on, as far as it has told: no picture
// and no sound comes, and the voice is not heard, but commands can be called. Notices
// yields each change as a notice "privacy" with the body {"on":true} or {"on":false}.
func (v *Viewer) Private() bool { return v.private.Load() }

// RequestKeyframe asks the camera for a key frame.
func (v *Viewer) RequestKeyframe() error { return v.session.RequestKeyframe() }

// Report returns how the session came about, or why it ended.
func (v *Viewer) Report() signaling.ConnectReport { return v.session.Report() }

// Done is closed when the session has ended.
func (v *Viewer) Done() <-chan struct{} { return v.session.Done() }

// Err returns why the session has ended, nil while it lasts. It is a
// [*signaling.Refusal] if the camera disconnected the viewer: to dial again is of no use
// then before what the refusal names has changed.
func (v *Viewer) Err() error { return v.session.Err() }

// Close ends the session and waits for all that the viewer started.
func (v *Viewer) Close() error {
	v.session.Close()
	v.cancel()
	err := v.client.Close()
	v.work.Wait()
	if v.commands != nil {
		v.commands.Close()
		<-v.commands.Done() // soon: the viewer has no handlers
	}
	v.talk.Close()
	return err
}
