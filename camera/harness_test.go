package camera_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(childEnv); kind != "" {
		if err := runChild(kind); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// encoder is a camera's encoder: an H.264 key frame with parameter sets every
// ten frames, slices of random bytes, and a packet of sound with each picture.
type encoder struct {
	video, audio *kvsmedia.Track
	rand         *rand.Rand
	n            int
}

func newEncoder() *encoder {
	return &encoder{
		video: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"},
		audio: &kvsmedia.Track{Codec: kvsmedia.Opus, Name: "sound"},
		rand:  rand.New(rand.NewPCG(3, 4)),
	}
}

func (e *encoder) bytes(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(1 + e.rand.UintN(255))
	}
	b[0] = first
	return b
}

// slice is the first slice of a picture, or another one.
func (e *encoder) slice(key, first bool, n int) []byte {
	b := e.bytes(0, n)
	copy(b, testmedia.SliceHead(key, first, 0))
	return b
}

func (e *encoder) next() (video, audio kvsmedia.Frame) {
	unhex := func(s string) []byte { b, _ := hex.DecodeString(s); return b }
	pts := time.Duration(e.n) * 40 * time.Millisecond
	nalus := [][]byte{e.slice(false, true, 1000+e.rand.IntN(3000))}
	if e.n%10 == 0 {
		nalus = [][]byte{unhex("6742c00cd901419f9f0110000003001000000301e0f142a480"), unhex("68cb83cb20"), e.slice(true, true, 9000)}
	}
	e.n++
	return kvsmedia.Frame{Track: e.video, PTS: pts, Data: bitstream.AppendAnnexB(nil, nalus)},
		kvsmedia.Frame{Track: e.audio, PTS: pts, Data: e.bytes(0x78, 100)}
}

// running is a camera on a stand-in signaling service.
type running struct {
	*camera.Camera
	srv *signalingtest.Server
	enc *encoder

	end func() error // ends Run and returns its error

	starved atomic.Int64 // nanoseconds: the longest that this process was not let run

	mu   sync.Mutex
	sent []kvsmedia.Frame // pictures
}

// start runs a camera until the test ends. It writes a picture and sound every 10 ms.
func start(t *testing.T, configure func(*camera.Config)) *running {
	t.Helper()
	return startAt(t, quotaless(t), configure)
}

// quotaless is a stand-in signaling service without quotas and TURN servers.
func quotaless(t *testing.T) *signalingtest.Server {
	srv := signalingtest.NewServer(signalingtest.Config{Limits: signalingtest.Limits{Off: true}, TURN: noTURN})
	t.Cleanup(func() { srv.Close() })
	return srv
}

// startAt does so on a service that ends later.
func startAt(t *testing.T, srv *signalingtest.Server, configure func(*camera.Config)) *running {
	t.Helper()
	enc := newEncoder()
	cfg := camera.Config{Signaling: srv.Config("door"), Tracks: []*kvsmedia.Track{enc.video, enc.audio}, Logger: quiet}
	if configure != nil {
		configure(&cfg)
	}
	cam, err := camera.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Camera: cam, srv: srv, enc: enc}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- cam.Run(ctx) }()
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			r.write(t)
			due := <-tick.C
			r.starved.Store(max(r.starved.Load(), int64(time.Since(due))))
		}
	})
	r.end = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := r.end(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		work.Wait()
	})
	return r
}

func noTURN(string, time.Time) []signalingtest.ICEServer { return nil }

func (r *running) write(t *testing.T) {
	video, audio := r.enc.next()
	if len(r.enc.video.Name) > 0 {
		r.mu.Lock()
		r.sent = append(r.sent, video)
		r.mu.Unlock()
	}
	for _, f := range []kvsmedia.Frame{video, audio} {
		if err := r.WriteFrame(f); err != nil && !errors.Is(err, camera.ErrPrivate) {
			t.Errorf("WriteFrame: %v", err)
		}
	}
}

// index returns which picture has these bytes, -1 for none.
func (r *running) index(data []byte) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.sent {
		if bytes.Equal(r.sent[i].Data, data) {
			return i
		}
	}
	return -1
}

func (r *running) dial(t *testing.T, configure func(*viewer.Config)) (*viewer.Viewer, error) {
	t.Helper()
	cfg := viewer.Config{Signaling: r.srv.Config("door"), Logger: quiet}
	if configure != nil {
		configure(&cfg)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	v, err := viewer.Dial(ctx, cfg)
	if err == nil {
		t.Cleanup(func() { v.Close() })
	}
	return v, err
}

// offer sends the offer of a viewer without candidates of its own to come, and
// returns its session and the camera's answer.
func (r *running) offer(t *testing.T, id string, hooks rtctest.Hooks) (*rtc.Session, []byte) {
	t.Helper()
	c := r.rogue(t, id)
	s, offer, err := rtctest.Offer(hooks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	send(t, c, signaling.Offer, offer)
	for {
		m, err := c.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == signaling.Answer {
			return s, m.Payload
		}
	}
}

func (r *running) mustDial(t *testing.T, configure func(*viewer.Config)) *viewer.Viewer {
	t.Helper()
	v, err := r.dial(t, configure)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// event waits for an event of a type.
func event[E camera.Event](t *testing.T, events <-chan camera.Event) E {
	t.Helper()
	limit := time.After(25 * time.Second)
	for {
		select {
		case e := <-events:
			if e, ok := e.(E); ok {
				return e
			}
		case <-limit:
			var e E
			t.Fatalf("no event %T within 25 s", e)
		}
	}
}

func (r *running) events(t *testing.T) <-chan camera.Event {
	ch := make(chan camera.Event, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	seq := r.Events(ctx)
	work.Go(func() {
		for e := range seq {
			ch <- e
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
	return ch
}
