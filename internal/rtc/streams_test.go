package rtc

import (
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/transport/v5/packetio"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// TestInventedStreamsAreNotServed has a camera that sends pictures under many
// SSRCs: the viewer serves two, and goes on.
func TestInventedStreamsAreNotServed(t *testing.T) {
	s := testmedia.NewNoise()
	units := ring.New[*packet.Unit](ring.Config{Bytes: 8 << 20, Keep: 10 * time.Second})
	got := make(chan kvsmedia.Frame, 1000)
	v, c := pair(t, Source{Ring: units, Tracks: []*kvsmedia.Track{s.Track}}, Source{Ring: ring.New[*packet.Unit](ring.Config{})},
		hooks{Frame: func(f kvsmedia.Frame) { got <- f }}, hooks{})
	push(units, s)
	receive(t, got, "frame")
	before, goroutines := heap(), runtime.NumGoroutine()
	pt := uint8(0)
	for own, pion := range *v.types.Load() {
		if v.classes[pion] == pictures {
			pt = own
		}
	}
	const invented = 100 // of the maxStreams that would end the session
	for ssrc := range uint32(invented) {
		for seq := range uint16(10) {
			h := rtp.Header{Version: 2, PayloadType: pt, SSRC: 1000 + ssrc, SequenceNumber: 2 * seq}
			if _, err := c.outlets[0].w.WriteRTP(&h, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Millisecond) // the kernel drops what comes faster
	}
	for limit := time.Now().Add(20 * time.Second); v.Report().Unplaced < (invented-maxServed)*9; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d packets were dropped", v.Report().Unplaced)
		}
	}
	for range 50 {
		push(units, s)
		if f := receive(t, got, "frame"); f.Skipped != 0 {
			t.Errorf("%d frames were lost", f.Skipped)
		}
	}
	// pion waits in a goroutine for the first packet of each of ten SSRCs.
	if more := runtime.NumGoroutine() - goroutines; more > 40 {
		t.Errorf("%d more goroutines", more)
	}
	if more := heap() - before; more > 4<<20 {
		t.Errorf("%d KiB more are held", more>>10)
	}
	v.streams.mu.Lock()
	defer v.streams.mu.Unlock()
	if n := len(v.streams.served[pictures]); n != maxServed {
		t.Errorf("%d pictures are served", n)
	}
}

// An SSRC under which nothing comes any more makes room, and its reader ends.
func TestReplacedStreams(t *testing.T) {
	s := &streams{}
	now := time.Now()
	var all []*placed
	for range maxServed + 2 {
		all = append(all, &placed{queue: queue{packetio.NewBuffer()}})
	}
	for _, p := range all[:maxServed] {
		if !s.place(p, sounds, now) {
			t.Fatal("no place")
		}
	}
	next, last := all[maxServed], all[maxServed+1]
	if s.place(next, sounds, now.Add(vacant)) {
		t.Error("a place more than there are")
	}
	if !s.place(last, pictures, now) {
		t.Error("sounds take the place of pictures")
	}
	all[1].last = now.Add(vacant)
	if !s.place(next, sounds, now.Add(vacant+1)) {
		t.Error("the place of a stream that has ended is not free")
	}
	if _, err := all[0].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the reader of the stream that has ended gets %v", err)
	}
	if s.place(all[0], sounds, now.Add(time.Hour)) {
		t.Error("a stream whose reader has ended is served")
	}
}

// What pion begins to read while the session closes ends as well.
func TestReadingEndsWithTheSession(t *testing.T) {
	v, _ := pair(t, Source{Ring: ring.New[*packet.Unit](ring.Config{})}, Source{Ring: ring.New[*packet.Unit](ring.Config{})}, hooks{}, hooks{})
	before := v.receiver(packetio.RTPBufferPacket, 1)
	ended := make(chan error, 2)
	go func() {
		_, err := before.Read(make([]byte, 1500))
		ended <- err
	}()
	v.Close()
	for _, kind := range []packetio.BufferPacketType{packetio.RTPBufferPacket, packetio.RTCPBufferPacket} {
		_, err := v.receiver(kind, 2).Read(make([]byte, 1500))
		if err != io.EOF {
			t.Errorf("after Close: %v", err)
		}
	}
	select {
	case err := <-ended:
		if err != io.EOF {
			t.Errorf("during Close: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a reader waits for ever")
	}
}
