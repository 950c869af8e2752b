package camera_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/vnet"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// TestADayOfViewers has viewers come and go through a day, politely or not, at
// every stage of their sessions, while signaling has its daily troubles. In the
// end nothing of them is left. The half a day before fills what is kept of
// the past: events, reports, tables.
func TestADayOfViewers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 seconds")
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const homes, budget = 5, 256 << 10
		v := startVirtual(t, homes, 2*time.Second, func(c *camera.Config) {
			c.MaxViewers = 2
			c.RingBytes = budget
		})
		var clients []*signaling.Client
		for i := range homes {
			clients = append(clients, v.join(t, fmt.Sprint("viewer-", i)))
		}
		dice := rand.New(rand.NewPCG(5, 6))
		var watched, refused atomic.Int32
		// One viewer's visit; how it ends is thrown.
		visit := func(home int, dice *rand.Rand) {
			w := v.viewer(t, home, clients[home-1])
			defer w.leave()
			w.send(t)
			if dice.IntN(4) == 0 {
				w.send(t) // the service may deliver an offer twice
			}
			stage := dice.IntN(6)
			if stage == 0 {
				return // gone before the answer
			}
			select {
			case <-w.answered:
			case <-time.After(6 * time.Second):
				t.Errorf("no answer: %+v", v.Status())
				return
			}
			if stage == 1 {
				return
			}
			select {
			case <-w.shown:
				watched.Add(1)
			case <-w.ended:
				refused.Add(1)
				return
			case <-time.After(10 * time.Second):
				refused.Add(1) // a refusal answers without media
				return
			}
			time.Sleep(time.Duration(dice.IntN(40)) * time.Second)
			if stage > 3 { // vanishes
				v.swallow(func(c vnet.Chunk) bool { return from(home)(c) })
				w.leave()
				time.Sleep(20 * time.Second)
				v.swallow(nil)
			}
		}
		baseline := func() (goroutines int, heap uint64) {
			time.Sleep(time.Minute) // vanished viewers are noticed meanwhile
			synctest.Wait()
			if n := len(v.Status().Viewers); n != 0 {
				t.Errorf("%d sessions are left", n)
			}
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return runtime.NumGoroutine(), m.HeapAlloc
		}
		day := func(until time.Duration) {
			for began := time.Now(); time.Since(began) < until; {
				done := make(chan struct{})
				n := 1 + dice.IntN(homes-1)
				for i := range n {
					own := rand.New(rand.NewPCG(dice.Uint64(), 7))
					go func() {
						defer func() { done <- struct{}{} }()
						visit(1+i, own)
					}()
				}
				for range n {
					<-done
				}
				switch dice.IntN(6) {
				case 0:
					v.srv.Master("door").Drop()
				case 1:
					v.srv.Master("door").Stall()
				case 2:
					v.srv.SetOutage(true)
					time.Sleep(time.Duration(dice.IntN(300)) * time.Second)
					v.srv.SetOutage(false)
				}
				if frames, bytes := v.RingSize(); bytes > budget || frames == 0 {
					t.Errorf("the camera holds %d frames with %d bytes, the budget is %d", frames, bytes, budget)
				}
				time.Sleep(time.Duration(10+dice.IntN(20)) * time.Minute)
			}
		}
		hour := time.Hour
		if race {
			hour = 6 * time.Minute
		}
		day(12 * hour)
		for range 4096 { // fills what the doubles remember
			if err := clients[0].Send(t.Context(), signaling.Message{Kind: signaling.ICECandidate, Payload: []byte("{}")}); err != nil {
				t.Fatal(err)
			}
		}
		goroutines, heap := baseline()
		day(24 * hour)
		if g, h := baseline(); g > goroutines || !race && float64(h) > 1.05*float64(heap)+2<<20 { // 2 MiB for what other tests of the process leave
			t.Errorf("in a day %d to %d goroutines, heap %d to %d KiB", goroutines, g, heap>>10, h>>10)
		} else {
			t.Logf("%d sessions with a picture, %d refused; in a day %d to %d goroutines, heap %d to %d KiB",
				watched.Load(), refused.Load(), goroutines, g, heap>>10, h>>10)
		}
		if watched.Load() < 5 || !race && refused.Load() == 0 {
			t.Errorf("%d sessions with a picture, %d refused", watched.Load(), refused.Load())
		}
		if err := v.stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}
