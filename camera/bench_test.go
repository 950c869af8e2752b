//go:build unix

package camera_test

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// BenchmarkFanout streams 1080p30 at 4 Mbit/s in real time; an iteration is one
// frame. The floors, in turns with it in the same run, encrypt (AES-128-GCM) and
// send packets of the same number and size from one goroutine to sockets that are
// read: x-floor with sendto, x-connected-floor over a connected socket for each
// viewer, x-segment-floor in runs that the kernel cuts (UDP_SEGMENT).
func BenchmarkFanout(b *testing.B) { fanout(b, false) }

// BenchmarkFanoutPlain does so as on a kernel that cuts no batches into packets.
func BenchmarkFanoutPlain(b *testing.B) { fanout(b, true) }

func fanout(b *testing.B, plain bool) {
	for _, n := range []int{1, 2, 5, 10} {
		b.Run(fmt.Sprintf("viewers=%d", n), func(b *testing.B) {
			srv := newService(b)
			s, err := newStudio(srv, plain)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(s.close)
			_, sinks, join := newViewers(b, srv, n)
			join()
			floors := newFloors(b, s.frames, sinks)
			var camera spent
			costs := make([]spent, len(floors))
			for left := b.N; left > 0; left -= turn { // in turns of a second
				frames := min(left, turn)
				for i, f := range floors {
					costs[i].add(paced(frames, f.frame))
				}
				camera.add(paced(frames, func() {
					if err := s.write(); err != nil {
						b.Fatal(err)
					}
				}))
			}
			viewing := float64(n) * float64(b.N) / 30 // seconds
			b.ReportMetric(camera.cpu.Seconds()*1000/viewing, "cpu-ms/viewer-s")
			b.ReportMetric(float64(camera.mallocs)/float64(b.N), "allocs/frame")
			for i, f := range floors {
				b.ReportMetric(float64(camera.cpu)/float64(costs[i].cpu), f.name)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// turn is how many frames the camera and each floor send in turns.
const turn = 30

type spent struct {
	cpu     time.Duration
	mallocs uint64
}

func (s *spent) add(more spent) {
	s.cpu += more.cpu
	s.mallocs += more.mallocs
}

// paced runs f thirty times a second, n times, and says what the process spent.
func paced(n int, f func()) spent {
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	from := testtools.CPU()
	for range n {
		f()
		<-tick.C
	}
	to := testtools.CPU()
	runtime.ReadMemStats(&after)
	return spent{to - from, after.Mallocs - before.Mallocs}
}

// BenchmarkViewerMemory measures what a camera's process holds when idle, what
// the first viewer leaves behind for good, what each of ten viewers adds to that,
// and what fifty more add that have vanished without a word, at most, until they
// are given up; each time after the collector has run.
func BenchmarkViewerMemory(b *testing.B) {
	const n, gone = 10, 50
	srv := newService(b)
	cam := newChild(b, "camera")
	measure := func(viewers int) (m memory) {
		b.Helper()
		if err := errors.Join(cam.orders.Encode(viewers), cam.answers.Decode(&m)); err != nil {
			b.Fatal(err)
		}
		return m
	}
	if err := cam.orders.Encode(srv); err != nil {
		b.Fatal(err)
	}
	fresh := measure(0)
	first, _, join := newViewers(b, srv, 1)
	join()
	idle := measure(1)
	first.close()
	for idle.Viewers > 0 {
		idle = measure(0)
	}
	_, _, join = newViewers(b, srv, n)
	join()
	served := measure(n)
	b.ReportMetric((served.Held-idle.Held)/n/1024, "KiB/viewer")
	b.ReportMetric(fresh.Held/(1<<20), "idle-MiB")
	b.ReportMetric((idle.Held-fresh.Held)/1024, "once-KiB")
	b.ReportMetric((served.Goroutines-idle.Goroutines)/n, "goroutines/viewer")
	b.ReportMetric((served.Own-idle.Own)/n, "own-goroutines/viewer")

	ghosts, _, join := newViewers(b, srv, gone)
	join()
	if err := ghosts.Signal(syscall.SIGSTOP); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ghosts.Signal(syscall.SIGCONT) })
	most := 0.0
	for m := measure(n + gone); m.Viewers > n; m = measure(0) {
		most = max(most, m.Held)
	}
	b.ReportMetric((most-served.Held)/(1<<20), "vanished-MiB")
	b.ReportMetric(0, "ns/op")
}
