//go:build unix

package camera_test

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFanout streams 1080p30 at 4 Mbit/s in real time; an iteration is one
// frame. x-floor compares with encrypting (AES-128-GCM) and sending packets of
// the same number and size with plain sendto, in the same run, to sockets that
// are read.
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
			floor := paced(b.N, sendto(b, s.frames, sinks))
			join()
			spent := paced(b.N, func() {
				if err := s.write(); err != nil {
					b.Fatal(err)
				}
			})
			viewing := float64(n) * float64(b.N) / 30 // seconds
			b.ReportMetric(spent.cpu.Seconds()*1000/viewing, "cpu-ms/viewer-s")
			b.ReportMetric(float64(spent.mallocs)/float64(b.N), "allocs/frame")
			b.ReportMetric(float64(spent.cpu)/float64(floor.cpu), "x-floor")
			b.ReportMetric(0, "ns/op")
		})
	}
}

type spent struct {
	cpu     time.Duration
	mallocs uint64
}

// paced runs f thirty times a second, n times, and says what the process spent.
func paced(n int, f func()) spent {
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	from := cpu()
	for range n {
		f()
		<-tick.C
	}
	to := cpu()
	runtime.ReadMemStats(&after)
	return spent{to - from, after.Mallocs - before.Mallocs}
}

// sendto returns the floor: a function that encrypts and sends one frame after
// the other to each of the peers.
func sendto(b *testing.B, frames []kvsmedia.Frame, peers []netip.AddrPort) func() {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		b.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	var payloads [][][]byte // by frame, cut as rtc does
	for _, f := range frames {
		var parts [][]byte
		for _, nalu := range bitstream.Split(nil, f.Data) {
			n := (len(nalu) + packet.MaxPayload - 1) / packet.MaxPayload
			parts = slices.AppendSeq(parts, slices.Chunk(nalu, (len(nalu)+n-1)/n))
		}
		payloads = append(payloads, parts)
	}
	nonce, packet := make([]byte, 12), make([]byte, 0, 1500)
	i := 0
	return func() {
		parts := payloads[i%len(frames)]
		i++
		for _, to := range peers {
			for _, part := range parts {
				nonce[0]++
				packet = gcm.Seal(packet[:20], nonce, part, packet[:20])
				_, _ = conn.WriteToUDPAddrPort(packet, to)
			}
		}
	}
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
