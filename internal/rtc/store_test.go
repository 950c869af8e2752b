package rtc

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// TestOneStoreForAllPeers serves a good path, one that loses packets, so that
// they are sent again, and one so slow that its session is lapped: the ring's
// budget is kept, and of the pictures that left it a session holds at most the
// one that it sends.
func TestOneStoreForAllPeers(t *testing.T) {
	const budget = 256 << 10
	links := []faultnet.Link{{}, {Loss: 0.1, Delay: 5 * time.Millisecond, Seed: 5}, {Rate: 300_000, Queue: 20 << 10}}
	s := testmedia.NewNoise()
	units := ring.New[*packet.Unit](ring.Config{Bytes: budget, Keep: time.Hour})
	var got, lost [3]atomic.Int64
	connected := make(chan struct{}, len(links))
	var sessions []*Session
	for i := range links {
		_, c := pairOver(t, &links[i], Source{Ring: units, Tracks: []*kvsmedia.Track{s.Track}}, Source{Ring: ring.New[*packet.Unit](ring.Config{})},
			hooks{Frame: func(f kvsmedia.Frame) { got[i].Add(1); lost[i].Add(int64(f.Skipped)) }},
			hooks{Connected: func() { connected <- struct{}{} }})
		sessions = append(sessions, c)
	}
	for range links {
		receive(t, connected, "connection")
	}
	var pushed []weak.Pointer[packet.Unit]
	push := func() {
		u := &packet.Unit{Frame: s.Next()}
		pushed = append(pushed, weak.Make(u))
		units.Push(ring.Item[*packet.Unit]{Value: u, Key: u.Frame.Key, Size: len(u.Frame.Data), At: u.Frame.PTS})
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for got[0].Load() < 300 || got[1].Load() < 300 || got[2].Load() == 0 || lost[2].Load() == 0 {
		<-tick.C
		push()
		if _, bytes := units.Size(); bytes > budget {
			t.Fatalf("the ring holds %d bytes", bytes)
		}
		if len(pushed) > 6000 {
			t.Fatalf("%v pictures came, %v were lost", []int64{got[0].Load(), got[1].Load(), got[2].Load()}, []int64{lost[0].Load(), lost[1].Load(), lost[2].Load()})
		}
	}
	kept, _ := units.Size()
	var held int
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); <-tick.C {
		runtime.GC()
		held = 0
		for _, u := range pushed[:len(pushed)-kept] {
			if u.Value() != nil {
				held++
			}
		}
		if held <= len(sessions) {
			break
		}
	}
	if held > len(sessions) {
		t.Errorf("%d pictures that left the ring are held by %d sessions", held, len(sessions))
	}
	t.Logf("%d pictures, %d in the ring, %d held beyond it; %d of the lapped session were lost", len(pushed), kept, held, lost[2].Load())
	for i, c := range sessions {
		if err := c.Err(); err != nil {
			t.Errorf("session %d ended: %v", i, err)
		}
	}
}
