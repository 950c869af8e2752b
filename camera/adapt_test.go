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
	"github.com/smartcam-sdk/smartcam/internal/faultnet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/rtctest"
	"github.com/smartcam-sdk/smartcam/internal/testmedia"
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
	ctx, cancel := context.WithCancel(context.Background())
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

// A viewer's network goes from 3 to 0.5 Mbit/s and back; the encoder follows. The
// bounds are wide, for machines that do something else as well; BenchmarkAdapt
// measures.
func TestEncoderFollowsTheNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	f := shoot(t, nil, 2_500_000)
	s := f.seat(t, "v", faultnet.Link{Rate: 3_000_000, Delay: 20 * time.Millisecond})
	began := time.Now()
	report := func(what string, low, high float64) {
		t.Helper()
		got := f.average(0)
		v := f.viewer("v")
		t.Logf("%s: the encoder is at %.2f Mbit/s; %+v", what, got/1e6, v.Path)
		if starved := f.stoodStill(); starved > standstill {
			t.Logf("the machine stood still for %v", starved)
		} else if got < low || got > high {
			t.Errorf("%s the encoder is at %.2f Mbit/s", what, got/1e6)
		}
	}
	<-time.After(7 * time.Second)
	report("8 s at 3 Mbit/s", 1.5e6, 3.6e6)
	s.relay.SetRate(500_000)
	<-time.After(5 * time.Second)
	report("6 s after the fall", 0.2e6, 0.7e6)
	s.relay.SetRate(3_000_000)
	<-time.After(5 * time.Second)
	report("6 s after the rise", 1.5e6, 3.6e6)
	ps := s.since(began)
	ds := delays(ps)
	dropped, passed := s.relay.Drops()
	t.Logf("%d pictures, delays p50 %v, p95 %v, p99 %v, most %v; %d of %d packets dropped; %d hints",
		len(ds), percentile(ds, 50), percentile(ds, 95), percentile(ds, 99), percentile(ds, 100), dropped, dropped+passed, len(f.hints))
	if percentile(ds, 75) > 500*time.Millisecond || percentile(ds, 99) > 3*time.Second {
		t.Error("pictures are late")
	}
	if len(ps) < 300 {
		t.Errorf("only %d pictures came", len(ps))
	}
	v := f.viewer("v")
	if v.Path.RTT < 40*time.Millisecond || v.Path.Bitrate == 0 || v.Track != f.tracks[0] || v.KeyframesOnly {
		t.Errorf("status: %+v", v)
	}
}

// until waits for a condition.
func until(tb testing.TB, limit time.Duration, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(limit); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// A viewer whose network gets slow is moved to the smaller rendition, and back
// when it recovers; the picture has no holes, and the other viewer sees nothing
// of it.
func TestSlowViewerGetsTheSmallerRendition(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	f := shoot(t, nil, 2_000_000, 250_000)
	good := f.seat(t, "good", faultnet.Link{Delay: 10 * time.Millisecond})
	slow := f.seat(t, "slow", faultnet.Link{Rate: 6_000_000, Delay: 20 * time.Millisecond})
	<-time.After(3 * time.Second)
	began := time.Now()
	slow.relay.SetRate(600_000)
	until(t, 10*time.Second, "the slow viewer gets the smaller rendition", func() bool {
		ps := slow.since(began)
		return len(ps) > 0 && ps[len(ps)-1].rendition == 1
	})
	t.Logf("moved after %v", time.Since(began))
	if v := f.viewer("slow"); v.Track != f.tracks[1] {
		t.Errorf("status: %+v", v)
	}
	until(t, 15*time.Second, "the smaller rendition flows without delay", func() bool {
		small := slow.since(time.Now().Add(-time.Second))
		return len(small) >= 10 && percentile(delays(small), 50) < time.Second
	})
	mended := time.Now()
	slow.relay.SetRate(6_000_000)
	until(t, 60*time.Second, "the viewer is back at the larger rendition", func() bool {
		ps := slow.since(mended)
		return len(ps) > 0 && ps[len(ps)-1].rendition == 0
	})
	t.Logf("back after %v", time.Since(mended))
	<-time.After(time.Second)

	last := -1
	for _, p := range slow.since(began) {
		if p.rendition < 0 {
			t.Fatal("a picture that was never written")
		}
		if p.rendition != last && last >= 0 && !p.key {
			t.Error("the rendition changes at a picture that is no key frame")
		}
		last = p.rendition
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	// A machine that does not let the camera run makes each viewer late, and then
	// pictures are left out up to the next key frame, as they should be.
	mayLose := 0
	if f.starved > standstill {
		t.Logf("the machine stood still for %v", f.starved)
		mayLose = 3 * filmRate
	}
	ps, lost := good.since(began), 0
	for i := 1; i < len(ps); i++ {
		lost += ps[i].n - ps[i-1].n - 1
		if ps[i].rendition != 0 || ps[i].n <= ps[i-1].n || lost > mayLose {
			t.Fatalf("the other viewer gets picture %d of rendition %d after picture %d, %d are lost", ps[i].n, ps[i].rendition, ps[i-1].n, lost)
		}
	}
	for _, h := range f.hints {
		if h.Track == f.tracks[0] && h.Bitrate > 0 && h.Bitrate < 2_000_000 && mayLose == 0 {
			t.Errorf("the slow viewer lowered the others' picture to %d bit/s", h.Bitrate)
		}
	}
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

// Without a smaller rendition the slow viewer gets key frames, and all pictures
// again when its network recovers.
func TestSlowViewerGetsKeyframesOnly(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	f := shoot(t, nil, 1_500_000)
	good := f.seat(t, "good", faultnet.Link{Delay: 10 * time.Millisecond})
	slow := f.seat(t, "slow", faultnet.Link{Rate: 5_000_000, Delay: 20 * time.Millisecond})
	<-time.After(3 * time.Second)
	began := time.Now()
	slow.relay.SetRate(500_000)
	until(t, 10*time.Second, "the slow viewer gets key frames only", func() bool { return f.viewer("slow").KeyframesOnly })
	<-time.After(4 * time.Second)
	// Where the machine lets nothing run for a while, the relay's link looks like one
	// that has recovered.
	if starved := f.stoodStill(); starved > standstill {
		t.Logf("the machine stood still for %v", starved)
	} else {
		for _, p := range slow.since(time.Now().Add(-2 * time.Second)) {
			if !p.key {
				t.Error("a picture that is no key frame")
			}
		}
		if f.rate(0) != 1_500_000 {
			t.Errorf("the encoder is at %d bit/s", f.rate(0))
		}
	}
	mended := time.Now()
	slow.relay.SetRate(5_000_000)
	until(t, 60*time.Second, "the viewer gets all pictures again", func() bool {
		ps := slow.since(mended)
		return len(ps) > 0 && !ps[len(ps)-1].key
	})
	t.Logf("back after %v", time.Since(mended))
	if f.stoodStill() > standstill {
		return
	}
	ps := good.since(began)
	for i := 1; i < len(ps); i++ {
		if ps[i].n != ps[i-1].n+1 {
			t.Fatalf("the other viewer gets picture %d after picture %d", ps[i].n, ps[i-1].n)
		}
	}
}
