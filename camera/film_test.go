package camera_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

const filmRate = 30 // frames per second

// film is a camera whose encoders follow its hints: each makes 30 pictures a
// second, and a key frame four times as large every two seconds or on request.
type film struct {
	*camera.Camera
	srv    *signalingtest.Server
	tracks []*kvsmedia.Track

	mu      sync.Mutex
	rates   []int
	keys    []bool
	written []map[int]time.Time // by number of the picture
	hints   []camera.EncoderHint

	starved time.Duration // the longest that this process was not let run
}

// shoot runs a camera until the test ends. Each rate, in bits per second, is a
// rendition, the largest first.
func shoot(tb testing.TB, configure func(*camera.Config), rates ...int) *film {
	f := &film{srv: signalingtest.NewServer(signalingtest.Config{Limits: signalingtest.Limits{Off: true}, TURN: noTURN}), rates: rates}
	for i := range rates {
		f.tracks = append(f.tracks, &kvsmedia.Track{Codec: kvsmedia.H264, Name: strconv.Itoa(i)})
		f.written = append(f.written, map[int]time.Time{})
		f.keys = append(f.keys, false)
	}
	cfg := camera.Config{Signaling: f.srv.Config("door"), Tracks: f.tracks, Logger: quiet}
	if configure != nil {
		configure(&cfg)
	}
	cam, err := camera.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	f.Camera = cam
	ctx, cancel := context.WithCancel(tb.Context())
	var work sync.WaitGroup
	work.Go(func() { _ = cam.Run(ctx) })
	work.Go(func() { f.follow(ctx) })
	for i := range rates {
		work.Go(func() { f.encode(ctx, tb, i) })
	}
	tb.Cleanup(func() { cancel(); work.Wait(); f.srv.Close() })
	return f
}

// follow is what an application does with hints.
func (f *film) follow(ctx context.Context) {
	for {
		select {
		case h := <-f.EncoderHints():
			i := slices.Index(f.tracks, h.Track)
			f.mu.Lock()
			f.keys[i] = f.keys[i] || h.Keyframe
			if h.Bitrate > 0 {
				f.rates[i] = h.Bitrate
			}
			f.hints = append(f.hints, h)
			f.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

func (f *film) rate(i int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rates[i]
}

// encode makes the pictures of one rendition. A picture's last 16 digits are the
// rendition and its number.
func (f *film) encode(ctx context.Context, tb testing.TB, i int) {
	sps, _ := hex.DecodeString("6742c00cd901419f9f0110000003001000000301e0f142a480")
	pps, _ := hex.DecodeString("68cb83cb20")
	const gop, keySize = 2 * filmRate, 4
	random := rand.New(rand.NewPCG(uint64(i), 1))
	tick := time.NewTicker(time.Second / filmRate)
	defer tick.Stop()
	began := time.Now()
	due := began
	for n, last := 0, -gop; ctx.Err() == nil; n++ {
		f.mu.Lock()
		size := float64(f.rates[i]) / 8 * gop / filmRate / (gop - 1 + keySize) * (0.8 + 0.4*random.Float64())
		key := f.keys[i] || n-last >= gop
		f.keys[i] = false
		f.mu.Unlock()
		var nalus [][]byte
		if key {
			last, size = n, size*keySize
			nalus = [][]byte{sps, pps}
		}
		slice := make([]byte, max(int(size), 24))
		for k := range slice {
			slice[k] = byte(1 + random.UintN(255))
		}
		copy(slice, testmedia.SliceHead(key, true, 0))
		copy(slice[len(slice)-16:], fmt.Sprintf("%02d%014d", i, n))
		now := time.Now()
		f.mu.Lock()
		f.starved = max(f.starved, now.Sub(due))
		f.written[i][n] = now
		f.mu.Unlock()
		pts := max(now.Sub(began), time.Duration(n)*time.Millisecond)
		if err := f.WriteFrame(kvsmedia.Frame{Track: f.tracks[i], PTS: pts, Data: bitstream.AppendAnnexB(nil, append(nalus, slice))}); err != nil {
			tb.Error(err)
		}
		select {
		case due = <-tick.C:
		case <-ctx.Done():
		}
	}
}

// picture is one that a viewer got.
type picture struct {
	rendition, n int
	key          bool
	at           time.Time
	delay        time.Duration // since it was written
	skipped      int
}

// seat is a viewer behind a network of its own.
type seat struct {
	relay *faultnet.Relay

	mu       sync.Mutex
	pictures []picture
}

// seat connects a viewer over a link.
func (f *film) seat(tb testing.TB, id string, link faultnet.Link) *seat {
	tb.Helper()
	cfg := f.srv.Config("door")
	cfg.Logger = quiet
	client, err := signaling.DialViewer(tb.Context(), cfg, id)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { client.Close() })
	s := &seat{}
	first := make(chan struct{}, 1)
	session, offer, err := rtctest.Offer(rtctest.Hooks{Frame: func(got kvsmedia.Frame) {
		s.take(f, got)
		select {
		case first <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(session.Close)
	if err := client.Send(tb.Context(), signaling.Message{Kind: signaling.Offer, Payload: faultnet.WithoutCandidates(tb, offer)}); err != nil {
		tb.Fatal(err)
	}
	for s.relay == nil {
		m, err := client.Receive(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		if m.Kind != signaling.Answer {
			continue
		}
		var answer []byte
		answer, s.relay = faultnet.Through(tb, m.Payload, link)
		if err := session.SetAnswer(answer); err != nil {
			tb.Fatal(err)
		}
	}
	select {
	case <-first:
	case <-session.Done():
		tb.Fatal(session.Err())
	case <-time.After(20 * time.Second):
		tb.Fatal("no picture within 20 s")
	}
	return s
}

func (s *seat) take(f *film, got kvsmedia.Frame) {
	at := time.Now()
	tail := string(got.Data[len(got.Data)-16:])
	i, err1 := strconv.Atoi(tail[:2])
	n, err2 := strconv.Atoi(tail[2:])
	if err1 != nil || err2 != nil || i >= len(f.tracks) {
		i, n = -1, -1
	}
	p := picture{rendition: i, n: n, key: got.Key, at: at, skipped: got.Skipped}
	if i >= 0 {
		f.mu.Lock()
		p.delay = at.Sub(f.written[i][n])
		f.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pictures = append(s.pictures, p)
}

// since returns the pictures that came after a moment.
func (s *seat) since(t time.Time) []picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.pictures, func(p picture) bool { return p.at.After(t) })
	if i < 0 {
		return nil
	}
	return slices.Clone(s.pictures[i:])
}

// delays returns the sorted delays of pictures.
func delays(ps []picture) []time.Duration {
	var ds []time.Duration
	for _, p := range ps {
		ds = append(ds, p.delay)
	}
	slices.Sort(ds)
	return ds
}

func percentile(ds []time.Duration, p int) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	return ds[min(len(ds)*p/100, len(ds)-1)]
}

// average is the encoder's mean rate over a second from now on, in bits per second.
func (f *film) average(i int) float64 {
	var sum float64
	for range 20 {
		<-time.After(50 * time.Millisecond)
		sum += float64(f.rate(i)) / 20
	}
	return sum
}

func (f *film) viewer(id string) camera.Viewer {
	for _, v := range f.Status().Viewers {
		if v.Peer.ID == id {
			return v
		}
	}
	return camera.Viewer{}
}

// standstill is how long the machine may let nothing run before what it measures of
// networks is not judged: a picture's time.
const standstill = time.Second / filmRate

// stoodStill is the longest that this process was not let run.
func (f *film) stoodStill() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.starved
}
