package camera_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// cyclesEnv is how many viewers TestViewersAbort has; 1000 take four minutes, as
// the service lets a camera send five answers a second.
const cyclesEnv = "SMARTCAM_TEST_CYCLES"

// TestViewersAbort connects and aborts viewers at every stage, over real
// sockets: goroutines and files are back at the start, and the heap is at most
// 5 % up.
func TestViewersAbort(t *testing.T) {
	cycles, err := strconv.Atoi(os.Getenv(cyclesEnv))
	if err != nil {
		cycles = 40
	}
	if testing.Short() || race {
		t.Skip("takes half a minute, and proves the same with the race detector")
	}
	const seats = 8
	r := start(t, func(c *camera.Config) { c.MaxViewers = seats; c.RingBytes = 512 << 10 })
	var clients []*signaling.Client
	for i := range seats {
		clients = append(clients, r.rogue(t, fmt.Sprint("viewer-", i)))
	}
	run := func(n int) {
		var work sync.WaitGroup
		for i, c := range clients {
			dice := rand.New(rand.NewPCG(uint64(n), uint64(i)))
			work.Go(func() {
				for range n / seats {
					abort(t, c, dice.IntN(10))
				}
			})
		}
		work.Wait()
	}
	rest := func() (goroutines, files int, heap uint64) {
		for limit := time.Now().Add(time.Minute); len(r.Status().Viewers) > 0; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(limit) {
				t.Fatalf("%d sessions are left", len(r.Status().Viewers))
			}
		}
		r.mu.Lock()
		r.sent = nil
		r.mu.Unlock()
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Logf("open files are not counted: %v", err)
		}
		return runtime.NumGoroutine(), len(open), m.HeapAlloc
	}
	run(max(40, cycles/10)) // fills what is kept of the past
	flood := r.raw(t, "flood")
	for range 4096 { // and what the doubles keep of it
		flood("ICE_CANDIDATE", "{}")
	}
	goroutines, files, heap := rest()
	run(cycles)
	g, f, h := rest()
	t.Logf("%d sessions: %d to %d goroutines, %d to %d files, heap %d to %d KiB", cycles, goroutines, g, files, f, heap>>10, h>>10)
	for limit := time.Now().Add(20 * time.Second); (g > goroutines || f > files) && time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
		g, f, h = rest() // what has ended may still be on its way out
	}
	settled := cycles >= 1000 // else the heap has not
	if g > goroutines || f > files || settled && float64(h) > 1.05*float64(heap) {
		t.Error("something is left of them")
	}
	if frames, bytes := r.RingSize(); bytes > 512<<10 || frames == 0 {
		t.Errorf("the camera holds %d frames with %d bytes", frames, bytes)
	}
}

// abort begins a session and ends it at a stage.
func abort(t *testing.T, c *signaling.Client, stage int) {
	cert, err := rtc.NewCertificate()
	if err != nil {
		t.Error(err)
		return
	}
	pictures := make(chan kvsmedia.Frame, 1000)
	channel := make(chan *rtc.Channel, 1)
	s, offer, err := rtc.Offer(rtc.Config{Certificate: cert, Hooks: rtc.Hooks{
		Frame: func(f kvsmedia.Frame) {
			select {
			case pictures <- f:
			default:
			}
		},
		Channel: func(ch *rtc.Channel) rtc.Receiver { channel <- ch; return nil },
	}}, rtc.Source{Ring: ring.New[*rtc.Unit](ring.Config{})})
	if err != nil {
		t.Error(err)
		return
	}
	defer s.Close()
	if err := c.Send(t.Context(), signaling.Message{Kind: signaling.Offer, Payload: offer}); err != nil {
		t.Error(err)
		return
	}
	if stage == 0 {
		s.Close() // after the offer
	}
	limit := time.After(20 * time.Second)
	var answer []byte
	for answer == nil {
		m, err := c.Receive(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if m.Kind == signaling.Answer {
			answer = m.Payload
		}
	}
	if stage < 2 {
		return // after the answer: the camera waits for a viewer who will not come
	}
	if err := s.SetAnswer(answer); err != nil {
		t.Error(err)
		return
	}
	if stage == 2 {
		return // in the middle of ICE
	}
	select {
	case <-pictures:
	case <-s.Done():
		return
	case <-limit:
		t.Errorf("no picture: %v", s.Diagnose())
		return
	}
	if stage > 6 { // in the middle of a message
		ch := <-channel
		_ = ch.Send(t.Context(), false, make([]byte, 60_000))
	}
}
