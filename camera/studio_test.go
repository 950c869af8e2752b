package camera_test

import (
	"context"
	"encoding/json"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// hd is a second of 1080p30 at 4 Mbit/s: a key frame four times as large as the
// others, in slices.
func hd(track *kvsmedia.Track) []kvsmedia.Frame {
	enc := newEncoder()
	key, _ := enc.next()
	sets := bitstream.Split(nil, key.Data)[:2]
	const rate, size = 30, 4_000_000 / 8 / 33 // a key frame counts as four
	delta := bitstream.AppendAnnexB(nil, [][]byte{enc.slice(false, true, size/2), enc.slice(false, false, size/2)})
	frames := make([]kvsmedia.Frame, rate)
	frames[0] = kvsmedia.Frame{Track: track, Data: bitstream.AppendAnnexB(nil,
		append(sets, enc.slice(true, true, 2*size), enc.slice(true, false, 2*size)))}
	for i := range frames[1:] {
		frames[1+i] = kvsmedia.Frame{Track: track, Data: delta}
	}
	return frames
}

// studio is a running camera that streams hd.
type studio struct {
	*camera.Camera
	frames []kvsmedia.Frame
	n      int
	close  func()
}

func (s *studio) write() error {
	f := s.frames[s.n%len(s.frames)]
	f.PTS = time.Duration(s.n) * time.Second / 30
	s.n++
	return s.WriteFrame(f)
}

// newStudio starts a camera; plain makes it send each packet by itself.
func newStudio(srv service, plain bool) (*studio, error) {
	track := &kvsmedia.Track{Codec: kvsmedia.H264}
	cmds := &camera.Commands{}
	cam, err := camera.New(camera.Config{Signaling: srv.config(), Tracks: []*kvsmedia.Track{track}, MaxViewers: 100, Commands: cmds, Logger: quiet})
	if err != nil {
		return nil, err
	}
	camera.Handle(cmds, "noise", func(context.Context, signaling.Peer, struct{}) (string, error) {
		noise := strings.Repeat("x", 100_000)
		return noise, cam.Notify("noise", noise)
	})
	if plain {
		cam.SendPlain()
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = cam.Run(ctx) }()
	s := &studio{Camera: cam, frames: hd(track), close: func() { cancel(); <-done }}
	return s, s.write()
}

// memory is what a camera's child says of itself.
type memory struct {
	Held            float64 // bytes, after the collector has run
	Goroutines, Own float64 // all, and those that the SDK itself started
	Viewers         int
}

// cameraChild streams, and each time that it is told a number of viewers, waits
// for so many, streams for another second, and says what it holds.
func cameraChild(in *json.Decoder, out *json.Encoder) error {
	var srv service
	if err := in.Decode(&srv); err != nil {
		return err
	}
	s, err := newStudio(srv, false)
	if err != nil {
		return err
	}
	defer s.close()
	orders := make(chan int)
	go func() {
		defer close(orders)
		for n := 0; in.Decode(&n) == nil; {
			orders <- n
		}
	}()
	for range 60 { // two seconds of pictures, which idle cameras hold as well
		if err := s.write(); err != nil {
			return err
		}
	}
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	waiting, frames := false, 0
	var viewers int
	for {
		select {
		case n, more := <-orders:
			if !more {
				return nil
			}
			viewers, waiting, frames = n, true, 0
		case <-tick.C:
			if err := s.write(); err != nil {
				return err
			}
			if frames++; !waiting || len(s.Status().Viewers) < viewers || frames < 30 {
				continue
			}
			waiting = false
			m := memory{Held: held(), Viewers: len(s.Status().Viewers)}
			m.Goroutines, m.Own = goroutines()
			if err := out.Encode(m); err != nil {
				return err
			}
		}
	}
}

// held is what the process holds after the collector has run, in bytes.
func held() float64 {
	runtime.GC() // twice in all, for what pools keep
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse + m.StackInuse)
}

// goroutines counts all goroutines, and those that the SDK itself started.
func goroutines() (all, own float64) {
	buf := make([]byte, 4<<20)
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		all++
		if _, by, ok := strings.Cut(g, "\ncreated by "); ok && strings.Contains(g, "smartcam-sdk/smartcam/") &&
			(strings.HasPrefix(by, "sync.(*WaitGroup).Go") || strings.HasPrefix(by, "github.com/smartcam-sdk/")) {
			own++
		}
	}
	return all, own
}
