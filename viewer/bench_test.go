package viewer_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// percentiles are durations to report.
type percentiles []time.Duration

func (p percentiles) at(percent int) time.Duration {
	slices.Sort(p)
	return p[min(len(p)*percent/100, len(p)-1)]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// answerPace spaces dials: the service takes five answers a second from a
// camera (KVS quotas), which its client keeps to.
const answerPace = 250 * time.Millisecond

// BenchmarkDial measures the time from Dial to the first decodable frame.
//
// Its own figures are those of rtt=0: through the whole stand-in cloud on
// loopback, with TLS, signatures, WebSocket, ICE and DTLS; media is the part from
// the making of the viewer's offer on. rtt=50ms puts 25 ms into each direction
// of both signaling and media; its p50-rtts is the median number of round trips
// from the camera's receipt of the offer to the first decodable frame. loss=5%
// drops that many of the packets as well.
func BenchmarkDial(b *testing.B) {
	own := testing.BenchmarkResult{Extra: map[string]float64{}}
	b.Run("rtt=0", func(b *testing.B) {
		dialLoopback(b, func(value float64, unit string) {
			b.ReportMetric(value, unit)
			own.Extra[unit] = value
		})
		own.N, own.T = b.N, b.Elapsed()
	})
	const delay = 25 * time.Millisecond
	b.Run("rtt=50ms", func(b *testing.B) { dialPath(b, faultnet.Link{Delay: delay}) })
	b.Run("rtt=50ms,loss=5%", func(b *testing.B) { dialPath(b, faultnet.Link{Delay: delay, Loss: 0.05, Seed: 3}) })
	if own.N > 0 { // a benchmark with children gets no line of its own
		fmt.Printf("%s-%d\t%s\n", b.Name(), runtime.GOMAXPROCS(0), own)
	}
}

// run runs a camera until the benchmark ends.
func run(b *testing.B, cfg camera.Config) *camera.Camera {
	cam, err := camera.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = cam.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	return cam
}

// play runs a camera, with room for viewers whose farewell gets lost, that
// plays a clip in a loop until the benchmark ends.
func play(b *testing.B, cfg signaling.Config, clip *clips.Clip) {
	cam := run(b, camera.Config{Signaling: cfg, Tracks: clip.Tracks, MaxViewers: 200, Logger: quiet})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for f := range clips.Play(ctx, clip) {
			_ = cam.WriteFrame(f)
		}
	}()
	b.Cleanup(func() { cancel(); <-done })
}

func dialLoopback(b *testing.B, report func(value float64, unit string)) {
	cloud, err := cameratest.New(cameratest.Config{Signaling: signalingtest.Config{Limits: signalingtest.Limits{Off: true}}})
	if err != nil {
		b.Fatal(err)
	}
	if err := cloud.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cloud.Close() })
	device, err := cloud.AddDevice("door")
	if err != nil {
		b.Fatal(err)
	}
	play(b, signaling.Config{AWS: device.AWS, Channel: "door"}, clips.Day())

	cfg := viewer.Config{Logger: quiet, Signaling: signaling.Config{AWS: cloud.OwnerAWS(), Channel: "door", Cache: signaling.MemoryCache()}}
	var whole, media percentiles
	pace := time.NewTicker(answerPace)
	defer pace.Stop()
	for b.Loop() {
		<-pace.C
		began := time.Now()
		v, err := viewer.Dial(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		whole = append(whole, time.Since(began))
		r := v.Report()
		last := r.Phases[len(r.Phases)-1]
		media = append(media, last.Start+last.Took)
		v.Close()
	}
	report(ms(whole.at(50)), "p50-ms")
	report(ms(whole.at(95)), "p95-ms")
	report(ms(media.at(50)), "media-p50-ms")
	report(ms(media.at(95)), "media-p95-ms")
}

// remote is a camera behind a bad network.
type remote struct {
	srv  *signalingtest.Server
	path *faultnet.Path
}

func newRemote(b testing.TB, link faultnet.Link) *remote {
	srv := signalingtest.NewServer(signalingtest.Config{Limits: signalingtest.Limits{Off: true},
		TURN: func(string, time.Time) []signalingtest.ICEServer { return nil }})
	b.Cleanup(func() { srv.Close() })
	r := &remote{srv: srv}
	r.path = faultnet.NewPath(b, r.grant(b).URL, srv.Client(), link)
	return r
}

func (r *remote) grant(b testing.TB) signaling.Grant {
	g, err := signaling.PresignViewer(b.Context(), r.srv.Config("door"), "")
	if err != nil {
		b.Fatal(err)
	}
	return g
}

func (r *remote) dial(b testing.TB) *viewer.Viewer {
	g := r.grant(b)
	g.URL = r.path.URL(g.URL)
	v, err := viewer.Dial(b.Context(), viewer.Config{Grant: &g, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func dialPath(b *testing.B, link faultnet.Link) {
	r := newRemote(b, link)
	play(b, r.srv.Config("door"), clips.Day())
	var whole, since percentiles
	pace := time.NewTicker(answerPace)
	defer pace.Stop()
	for b.Loop() {
		<-pace.C
		began := time.Now()
		v := r.dial(b)
		whole = append(whole, time.Since(began))
		since = append(since, time.Since(r.path.Offered()))
		v.Close()
	}
	b.ReportMetric(float64(since.at(50))/float64(2*link.Delay), "p50-rtts")
	b.ReportMetric(ms(since.at(95)), "offer-p95-ms")
	b.ReportMetric(ms(whole.at(50)), "p50-ms")
	b.ReportMetric(ms(whole.at(95)), "p95-ms")
}
