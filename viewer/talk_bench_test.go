package viewer_test

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// BenchmarkTalkback measures the delay of a viewer's voice, from its WriteFrame
// to the camera's Talkback, over a path of 20 ms each way that loses 2 % of the
// packets. An iteration is one packet of 20 ms, in real time. lost-% is what
// never came, or came too late to be played in order.
func BenchmarkTalkback(b *testing.B) {
	r := newRemote(b, faultnet.Link{Delay: 20 * time.Millisecond, Loss: 0.02, Seed: 17})
	clip := clips.Day()
	cam := run(b, camera.Config{Signaling: r.srv.Config("door"), Tracks: clip.Tracks, Logger: quiet})
	ctx, cancel := context.WithCancel(b.Context())
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	work.Go(func() {
		for f := range clips.Play(ctx, clip) {
			_ = cam.WriteFrame(f)
		}
	})
	voice := &kvsmedia.Track{Codec: kvsmedia.Opus}
	g := r.grant(b)
	g.URL = r.path.URL(g.URL)
	v, err := viewer.Dial(b.Context(), viewer.Config{Grant: &g, Talk: voice, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()

	var mu sync.Mutex
	var written []time.Time
	var delays percentiles
	last := make(chan int, 1<<16)
	heard := cam.Talkback(ctx)
	work.Go(func() {
		for f := range heard {
			n := int(binary.BigEndian.Uint32(f.Data))
			mu.Lock()
			delays = append(delays, time.Since(written[n]))
			mu.Unlock()
			last <- n
		}
	})
	const space = 20 * time.Millisecond
	say := func() {
		mu.Lock()
		n := len(written)
		written = append(written, time.Now())
		mu.Unlock()
		f := kvsmedia.Frame{Track: voice, PTS: time.Duration(n) * space, Data: binary.BigEndian.AppendUint32(nil, uint32(n))}
		if err := v.WriteFrame(f); err != nil {
			b.Error(err)
		}
	}
	tick := time.NewTicker(space)
	defer tick.Stop()
	for first := true; first; { // until it is heard
		say()
		select {
		case <-last:
			first = false
		case <-tick.C:
		}
	}
	mu.Lock()
	began := len(written)
	delays = nil
	mu.Unlock()
	for b.Loop() {
		<-tick.C
		say()
	}
	b.StopTimer()
	late := time.NewTimer(time.Second)
	for n := 0; n < len(written)-1; {
		select {
		case n = <-last:
		case <-late.C:
			n = len(written)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(delays) == 0 {
		b.Fatal("no voice came")
	}
	sent := len(written) - began
	b.ReportMetric(ms(delays.at(50)), "p50-ms")
	b.ReportMetric(ms(delays.at(95)), "p95-ms")
	b.ReportMetric(ms(delays.at(99)), "p99-ms")
	b.ReportMetric(100*max(0, float64(sent-len(delays))/float64(sent)), "lost-%")
}
