//go:build unix

package camera_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// hd is a second of 1080p30 at 4 Mbit/s: a key frame four times as large as the
// others, in slices.
func hd(track *kvsmedia.Track) []kvsmedia.Frame {
	enc := newEncoder()
	key, _ := enc.next()
	sets := bitstream.Split(nil, key.Data)[:2]
	const rate, size = 30, 4_000_000 / 8 / 33 // a key frame counts as four
	frames := make([]kvsmedia.Frame, rate)
	for i := range frames {
		nalus := [][]byte{enc.bytes(0x41, size/2), enc.bytes(0x41, size/2)}
		if i == 0 {
			nalus = append(append([][]byte{}, sets...), enc.bytes(0x65, 2*size), enc.bytes(0x65, 2*size))
		}
		frames[i] = kvsmedia.Frame{Track: track, Data: bitstream.AppendAnnexB(nil, nalus)}
	}
	return frames
}

// studio is a running camera with viewers in another process.
type studio struct {
	*camera.Camera
	frames []kvsmedia.Frame
	n      int
}

func (s *studio) write(b *testing.B) {
	f := s.frames[s.n%len(s.frames)]
	f.PTS = time.Duration(s.n) * time.Second / 30
	s.n++
	if err := s.WriteFrame(f); err != nil {
		b.Fatal(err)
	}
}

func newStudio(b *testing.B) (s *studio, srv *signalingtest.Server) {
	srv = signalingtest.NewServer(signalingtest.Config{Limits: signalingtest.Limits{Off: true}, TURN: noTURN})
	track := &kvsmedia.Track{Codec: kvsmedia.H264}
	cam, err := camera.New(camera.Config{Signaling: srv.Config("door"), Tracks: []*kvsmedia.Track{track}, MaxViewers: 100, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	s = &studio{Camera: cam, frames: hd(track)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = cam.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done; srv.Close() })
	s.write(b)
	return s, srv
}

// watch starts n viewers and returns when all of them see a picture.
func (s *studio) watch(b *testing.B, srv *signalingtest.Server, n int) {
	grants := make([]signaling.Grant, n)
	for i := range grants {
		g, err := signaling.PresignViewer(b.Context(), srv.Config("door"), "v"+strconv.Itoa(i))
		if err != nil {
			b.Fatal(err)
		}
		grants[i] = g
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), viewersEnv+"=1")
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); _ = child.Wait() })
	if err := json.NewEncoder(in).Encode(grants); err != nil {
		b.Fatal(err)
	}
	line := make([]byte, 16)
	if k, err := out.Read(line); err != nil || !strings.HasPrefix(string(line[:k]), "ready") {
		b.Fatalf("the viewers are not there: %q, %v", line[:k], err)
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFanout streams 1080p30 at 4 Mbit/s in real time; an iteration is one
// frame. x-floor compares with encrypting (AES-128-GCM) and sending packets of
// the same number and size with plain sendto, in the same run.
func BenchmarkFanout(b *testing.B) {
	for _, n := range []int{1, 2, 5, 10} {
		b.Run(fmt.Sprintf("viewers=%d", n), func(b *testing.B) {
			s, srv := newStudio(b)
			s.watch(b, srv, n)
			spent := paced(b, func() { s.write(b) })
			viewing := float64(n) * float64(b.N) / 30 // seconds
			b.ReportMetric(spent.cpu.Seconds()*1000/viewing, "cpu-ms/viewer-s")
			b.ReportMetric(float64(spent.mallocs)/float64(b.N), "allocs/frame")
			floor := paced(b, sendto(b, s.frames, n))
			b.ReportMetric(float64(spent.cpu)/float64(floor.cpu), "x-floor")
			b.ReportMetric(0, "ns/op")
		})
	}
}

type spent struct {
	cpu     time.Duration
	mallocs uint64
}

// paced runs f thirty times a second, b.N times, and says what the process spent.
func paced(b *testing.B, f func()) spent {
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	from := cpu()
	for range b.N {
		f()
		<-tick.C
	}
	to := cpu()
	runtime.ReadMemStats(&after)
	return spent{to - from, after.Mallocs - before.Mallocs}
}

// sendto returns the floor: a function that encrypts and sends one frame after
// the other to n peers.
func sendto(b *testing.B, frames []kvsmedia.Frame, n int) func() {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		b.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { sink.Close(); conn.Close() })
	to := sink.LocalAddr().(*net.UDPAddr).AddrPort()
	nonce, packet := make([]byte, 12), make([]byte, 0, 1500)
	i := 0
	return func() {
		data := frames[i%len(frames)].Data
		i++
		for range n {
			for rest := data; len(rest) > 0; {
				part := rest[:min(len(rest), rtc.MaxPayload)]
				rest = rest[len(part):]
				nonce[0]++
				packet = gcm.Seal(packet[:20], nonce, part, packet[:20])
				_, _ = conn.WriteToUDPAddrPort(packet, to)
			}
		}
	}
}

// BenchmarkViewerMemory measures what a camera holds when idle, and what each of
// ten viewers adds, after the collector has run.
func BenchmarkViewerMemory(b *testing.B) {
	heap := func() float64 {
		debug.FreeOSMemory()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapInuse + m.StackInuse)
	}
	const n = 10
	s, srv := newStudio(b)
	for range 60 { // two seconds of pictures, which idle cameras hold as well
		s.write(b)
	}
	idle := heap()
	s.watch(b, srv, n)
	paced(b, func() { s.write(b) })
	b.ReportMetric((heap()-idle)/n/1024, "KiB/viewer")
	b.ReportMetric(idle/(1<<20), "idle-MiB")
	b.ReportMetric(0, "ns/op")
}
