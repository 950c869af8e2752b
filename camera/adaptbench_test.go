package camera_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
)

// BenchmarkAdapt sends a picture over a link of 3, 0.5 and again 3 Mbit/s, 20 s
// each, with a round trip of 40 ms, to an encoder that follows the hints. Errors
// are those of the encoder's bitrate against the link's, in the second after the
// fifth; delays are of whole pictures from the encoder to the viewer. Run it once
// (-benchtime 1x): a run takes a minute.
func BenchmarkAdapt(b *testing.B) {
	for _, queue := range []int{32, 256} {
		b.Run(fmt.Sprintf("queue=%dKiB", queue), func(b *testing.B) {
			f := shoot(b, nil, 2_500_000)
			s := f.seat(b, "v", faultnet.Link{Rate: 3_000_000, Delay: 20 * time.Millisecond, Queue: queue << 10})
			began := time.Now()
			off := func(metric string, link float64) {
				s.relay.SetRate(int(link))
				<-time.After(5 * time.Second)
				b.ReportMetric(100*(f.average(0)/link-1), metric)
				<-time.After(14 * time.Second)
			}
			for b.Loop() {
				off("start-error-%", 3e6)
				off("fall-error-%", 0.5e6)
				off("rise-error-%", 3e6)
			}
			ps := s.since(began)
			ds := delays(ps)
			dropped, passed := s.relay.Drops()
			missing := 0
			for _, p := range ps {
				missing += p.skipped
			}
			for _, p := range []int{50, 99} {
				b.ReportMetric(math.Round(10*percentile(ds, p).Seconds()*1000)/10, fmt.Sprintf("p%d-ms", p))
			}
			b.ReportMetric(100*float64(dropped)/float64(dropped+passed), "drop-%")
			b.ReportMetric(100*float64(missing)/float64(len(ps)+missing), "lost-%")
			b.ReportMetric(0, "ns/op")
		})
	}
}
