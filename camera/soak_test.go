package camera_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// TestViewersAbort connects and aborts a thousand viewers at every stage, over
// real sockets: goroutines and files are back at the start, and the heap is at
// most 5 % up. Ten cameras share them, as the service lets one send five answers
// a second.
func TestViewersAbort(t *testing.T) {
	if testing.Short() || race {
		t.Skip("takes half a minute, and proves the same with the race detector")
	}
	const (
		cycles  = 1000
		cameras = 10
		seats   = 4 // of a camera
		budget  = 256 << 10
	)
	srv := quotaless(t)
	var cams []*running
	var clients []*signaling.Client
	for i := range cameras {
		channel := fmt.Sprint("door-", i)
		r := startAt(t, srv, func(c *camera.Config) {
			c.Signaling = srv.Config(channel)
			c.MaxViewers, c.RingBytes = seats, budget
			c.Tracks[0].Name = "" // the harness keeps the frames of named ones
		})
		cams = append(cams, r)
		for n := range seats {
			cfg := srv.Config(channel)
			cfg.Logger = quiet
			c, err := signaling.DialViewer(t.Context(), cfg, fmt.Sprint("viewer-", n))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			clients = append(clients, c)
		}
	}
	run := func(n int) {
		var work sync.WaitGroup
		for i, c := range clients {
			dice := rand.New(rand.NewPCG(uint64(n), uint64(i)))
			work.Go(func() {
				for range n/len(clients) - 1 {
					abort(t, c, dice.IntN(10))
				}
				abort(t, c, 9) // in the place of one that the camera may still wait for
			})
		}
		work.Wait()
	}
	rest := func() (goroutines, files int, heap uint64) {
		limit := time.Now().Add(time.Minute)
		for _, r := range cams {
			for ; len(r.Status().Viewers) > 0; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(limit) {
					t.Fatalf("%d sessions are left", len(r.Status().Viewers))
				}
			}
			r.ForgetEvents()
		}
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
	run(cycles / 5)                  // fills what is kept of the past
	flood := cams[0].raw(t, "flood") // on a channel without a camera, which it would disconnect
	for range 4096 {                 // and what the doubles keep of it
		flood("ICE_CANDIDATE", "{}")
	}
	flood("SDP_OFFER", "{}")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := srv.Wait(ctx, func() bool {
		events := srv.Events()
		last := events[len(events)-1]
		return last.ClientID == "flood" && last.Name == "SDP_OFFER"
	}); err != nil {
		t.Fatal(err)
	}
	goroutines, files, heap := rest()
	run(cycles)
	g, f, h := rest()
	left := func() bool { return g > goroutines || f > files || float64(h) > 1.05*float64(heap) }
	for limit := time.Now().Add(20 * time.Second); left() && time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
		g, f, h = rest() // what has ended may still be on its way out
	}
	t.Logf("%d sessions: %d to %d goroutines, %d to %d files, heap %d to %d KiB", cycles, goroutines, g, files, f, heap>>10, h>>10)
	if left() {
		t.Error("something is left of them")
	}
	for _, r := range cams {
		if frames, bytes := r.RingSize(); bytes > budget || frames == 0 {
			t.Errorf("a camera holds %d frames with %d bytes", frames, bytes)
		}
	}
}

// abort begins a session and ends it at a stage.
func abort(t *testing.T, c *signaling.Client, stage int) {
	pictures := make(chan kvsmedia.Frame, 1000)
	channel := make(chan *rtc.Channel, 1)
	s, offer, err := rtctest.Offer(rtctest.Hooks{
		Frame: func(f kvsmedia.Frame) {
			select {
			case pictures <- f:
			default:
			}
		},
		Channel: func(ch *rtc.Channel) { channel <- ch },
	})
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
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var answer []byte
	for answer == nil {
		m, err := c.Receive(ctx)
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
	case <-ctx.Done():
		t.Errorf("no picture: %v", s.Diagnose())
		return
	}
	if stage > 6 { // in the middle of a message
		ch := <-channel
		_ = ch.Send(t.Context(), false, make([]byte, 60_000))
	}
}
