package viewer_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/localcloud"
	"github.com/smartcam-sdk/smartcam/internal/testmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// BenchmarkDial measures the time from Dial to the first decodable frame through
// the whole stand-in cloud on loopback: TLS, signatures, WebSocket, ICE, DTLS.
// media-p50-ms is the part from the viewer's offer on.
func BenchmarkDial(b *testing.B) {
	cloud, err := localcloud.New(localcloud.Config{Signaling: signalingtest.Config{Limits: signalingtest.Limits{Off: true}}})
	if err != nil {
		b.Fatal(err)
	}
	if err := cloud.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer cloud.Close()
	device, err := cloud.DeviceAWS("door")
	if err != nil {
		b.Fatal(err)
	}
	clip := testmedia.Day()
	cam, err := camera.New(camera.Config{Signaling: signaling.Config{AWS: device, Channel: "door"}, Tracks: clip.Tracks, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{}, 2)
	go func() { _ = cam.Run(ctx); done <- struct{}{} }()
	go func() {
		for f := range testmedia.Play(ctx, clip) {
			_ = cam.WriteFrame(f)
		}
		done <- struct{}{}
	}()
	defer func() { cancel(); <-done; <-done }()

	cfg := viewer.Config{Logger: quiet, Signaling: signaling.Config{AWS: cloud.OwnerAWS(), Channel: "door", Cache: signaling.MemoryCache()}}
	var whole, media []time.Duration
	// The service takes five answers a second from a camera (KVS quotas), which
	// its client keeps to.
	pace := time.NewTicker(250 * time.Millisecond)
	defer pace.Stop()
	for b.Loop() {
		<-pace.C
		began := time.Now()
		v, err := viewer.Dial(ctx, cfg)
		if err != nil {
			b.Fatal(err)
		}
		whole = append(whole, time.Since(began))
		r := v.Report()
		last := r.Phases[len(r.Phases)-1]
		media = append(media, last.Start+last.Took)
		v.Close()
	}
	report := func(name string, ds []time.Duration, p int) {
		slices.Sort(ds)
		b.ReportMetric(float64(ds[min(len(ds)*p/100, len(ds)-1)])/float64(time.Millisecond), name)
	}
	report("p50-ms", whole, 50)
	report("p95-ms", whole, 95)
	report("media-p50-ms", media, 50)
	report("media-p95-ms", media, 95)
}
