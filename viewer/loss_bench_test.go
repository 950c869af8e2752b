package viewer_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// BenchmarkLoss measures the delay of a frame, from the camera's WriteFrame to
// the whole access unit at the viewer, over a path of 20 ms each way that loses
// as many percent of the packets. An iteration is one frame of 720p15 at 1
// Mbit/s, in real time. The delays have the path's 20 ms in them;
// beyond-p99-ms does not.
func BenchmarkLoss(b *testing.B) {
	for _, percent := range []int{0, 2, 5} {
		b.Run(fmt.Sprint(percent), func(b *testing.B) {
			loseFrames(b, faultnet.Link{Delay: 20 * time.Millisecond, Loss: float64(percent) / 100, Seed: 11})
		})
	}
}

// numbered is an encoder whose frames carry their number: two seconds between
// key frames, which are five times as large as the others.
type numbered struct {
	cam   *camera.Camera
	track *kvsmedia.Track
	rand  *rand.Rand

	mu      sync.Mutex
	written []time.Time
}

const (
	lossRate  = 15
	lossGroup = 2 * lossRate
	lossSize  = 2 * 1_000_000 / 8 / (lossGroup + 4)
	numberLen = 8 // hexadecimal digits at the end of a frame
)

func (e *numbered) write(b *testing.B) {
	e.mu.Lock()
	n := len(e.written)
	e.mu.Unlock()
	slice := func(key bool, size int) []byte {
		s := make([]byte, size)
		for i := range s {
			s[i] = byte(1 + e.rand.UintN(255)) // no zeros: no start codes
		}
		copy(s, testmedia.SliceHead(key, true, 0))
		copy(s[size-numberLen:], fmt.Sprintf("%0*x", numberLen, n))
		return s
	}
	nalus := [][]byte{slice(false, lossSize)}
	if n%lossGroup == 0 {
		sps, _ := hex.DecodeString("6742c00cd901419f9f0110000003001000000301e0f142a480")
		nalus = [][]byte{sps, {0x68, 0xcb, 0x83, 0xcb, 0x20}, slice(true, 5*lossSize)}
	}
	f := kvsmedia.Frame{Track: e.track, PTS: time.Duration(n) * time.Second / lossRate, Data: bitstream.AppendAnnexB(nil, nalus)}
	e.mu.Lock()
	e.written = append(e.written, time.Now())
	e.mu.Unlock()
	if err := e.cam.WriteFrame(f); err != nil {
		b.Error(err)
	}
}

// delay returns the number of a frame and how long it took.
func (e *numbered) delay(f kvsmedia.Frame) (n int, took time.Duration) {
	now := time.Now()
	if _, err := fmt.Sscanf(string(f.Data[len(f.Data)-numberLen:]), "%x", &n); err != nil {
		return -1, 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return n, now.Sub(e.written[n])
}

func loseFrames(b *testing.B, link faultnet.Link) {
	r := newRemote(b, link)
	e := &numbered{track: &kvsmedia.Track{Codec: kvsmedia.H264}, rand: rand.New(rand.NewPCG(5, 6))}
	e.cam = run(b, camera.Config{Signaling: r.srv.Config("door"), Tracks: []*kvsmedia.Track{e.track}, Logger: quiet})
	tick := time.NewTicker(time.Second / lossRate)
	defer tick.Stop()
	dialed := make(chan struct{})
	var encoding sync.WaitGroup
	encoding.Go(func() {
		for {
			e.write(b)
			select {
			case <-tick.C:
			case <-dialed:
				return
			}
		}
	})
	v := r.dial(b)
	defer v.Close()
	close(dialed)
	encoding.Wait()

	first := len(e.written)
	var delays percentiles
	ctx, cancel := context.WithCancel(b.Context())
	var receiving sync.WaitGroup
	last := make(chan int, 1<<16)
	receiving.Go(func() {
		for f := range v.Frames(ctx) {
			if n, took := e.delay(f); n >= first {
				delays = append(delays, took)
				last <- n
			}
		}
	})
	for b.Loop() {
		<-tick.C
		e.write(b)
	}
	b.StopTimer()
	late := time.NewTimer(2 * time.Second)
	for n := 0; n < len(e.written)-1; {
		select {
		case n = <-last:
		case <-late.C:
			n = len(e.written)
		}
	}
	cancel()
	receiving.Wait()
	if len(delays) == 0 {
		b.Fatal("no frame came")
	}
	sent := len(e.written) - first
	b.ReportMetric(ms(delays.at(50)), "p50-ms")
	b.ReportMetric(ms(delays.at(99)), "p99-ms")
	b.ReportMetric(ms(delays.at(99)-link.Delay), "beyond-p99-ms")
	b.ReportMetric(100*float64(sent-len(delays))/float64(sent), "lost-%")
}
