package camera_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

const megabyte = 1 << 20

// page is a viewer as browsers are, with a data channel of its own, behind a network that can be held.
type page struct {
	*faulty
	pc  *webrtc.PeerConnection
	raw interface {
		io.Reader
		io.Writer
	}
}

func (r *running) page(t *testing.T, id string) *page {
	t.Helper()
	client := r.rogue(t, id)
	var settings webrtc.SettingEngine
	settings.DetachDataChannels()
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetSCTPMaxMessageSize(megabyte)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	ch, err := pc.CreateDataChannel("kvsDataChannel", nil)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan struct{})
	ch.OnOpen(func() { close(opened) })
	payload := gatheredOffer(t, pc)
	send(t, client, signaling.Offer, faultnet.WithoutCandidates(t, payload))
	p := &page{faulty: &faulty{relay: make(chan *faultnet.Relay, 1)}, pc: pc}
	for answered := false; !answered; {
		m, err := client.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind != signaling.Answer {
			continue
		}
		answered = true
		payload, relay := faultnet.Through(t, m.Payload, faultnet.Link{})
		p.relay <- relay
		var answer webrtc.SessionDescription
		if err = json.Unmarshal(payload, &answer); err == nil {
			err = pc.SetRemoteDescription(answer)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-opened:
	case <-time.After(20 * time.Second):
		t.Fatal("the data channel does not open")
	}
	if p.raw, err = ch.Detach(); err != nil {
		t.Fatal(err)
	}
	r.listen(t, p, func(camera.Data) {})() // the camera has the channel
	return p
}

// listen loops over what comes on raw data channels, for take, until the test ends or
// stop is called. It returns once the loop gets what the page sends, which is not
// taken.
func (r *running) listen(t *testing.T, p *page, take func(camera.Data)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready := make(chan struct{})
	var once sync.Once
	var work sync.WaitGroup
	stop = func() { cancel(); work.Wait() }
	t.Cleanup(stop)
	work.Go(func() {
		for d := range r.Data(ctx) {
			if string(d.Data) == "hello" {
				once.Do(func() { close(ready) })
			} else {
				take(d)
			}
		}
	})
	for limit := time.After(20 * time.Second); ; {
		if _, err := p.raw.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ready:
			return stop
		case <-time.After(10 * time.Millisecond):
		case <-limit:
			t.Fatal("no message reaches the camera")
		}
	}
}

func (p *page) read(t *testing.T) []byte {
	t.Helper()
	buf := make([]byte, megabyte)
	n, err := p.raw.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// fill sends megabytes to a page until one has to wait for longer than limit.
// It returns how many were taken.
func (r *running) fill(t *testing.T, id string, limit time.Duration) (taken int) {
	t.Helper()
	for ; taken < 64; taken++ {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		began := time.Now()
		err := r.SendData(ctx, camera.Data{Peer: signaling.Peer{ID: id}, Channel: "kvsDataChannel", Data: bytes.Repeat([]byte{byte(taken)}, megabyte)})
		took := time.Since(began)
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			if took < limit || took > limit+callSlack {
				t.Errorf("SendData with %v ended after %v", limit, took)
			}
			return taken
		case err != nil:
			t.Fatal(err)
		}
	}
	t.Fatal("SendData does not wait for its reader")
	return 0
}

// liveHeap is the memory in use.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestSendDataWaitsForItsReader sends to a page that does not read: SendData
// waits, ends by its context, keeps little memory, and the session lives on.
func TestSendDataWaitsForItsReader(t *testing.T) {
	r := startAt(t, quotaless(t), func(c *camera.Config) { c.Tracks[0].Name, c.RingBytes = "", megabyte })
	p := r.page(t, "ann")
	before := liveHeap()
	taken := r.fill(t, "ann", time.Second)
	if more := int64(liveHeap() - before); more > 8*megabyte { // both ends are here, and the ring fills
		t.Errorf("%d KiB are held after %d MiB were sent", more>>10, taken)
	}
	for i := range taken {
		if b := p.read(t); len(b) != megabyte || b[0] != byte(i) || b[megabyte-1] != byte(i) {
			t.Fatalf("message %d has %d bytes", i, len(b))
		}
	}
	if err := r.SendData(t.Context(), camera.Data{Peer: signaling.Peer{ID: "ann"}, Channel: "kvsDataChannel", Data: []byte("at last")}); err != nil {
		t.Fatal(err)
	}
	if b := p.read(t); string(b) != "at last" {
		t.Errorf("after the wait came %d bytes", len(b))
	}
	if s := r.Status(); len(s.Viewers) != 1 || !s.Viewers[0].Connected {
		t.Errorf("%+v", s.Viewers)
	}
}

// TestMegabytesBothWays sends messages of the largest size there and back.
func TestMegabytesBothWays(t *testing.T) {
	r := start(t, nil)
	p := r.page(t, "ann")
	r.listen(t, p, func(d camera.Data) {
		if err := r.SendData(t.Context(), d); err != nil {
			t.Errorf("SendData: %v", err)
		}
	})
	for i := range 5 {
		want := bytes.Repeat([]byte{byte(i)}, megabyte)
		if _, err := p.raw.Write(want); err != nil {
			t.Fatal(err)
		}
		if b := p.read(t); !bytes.Equal(b, want) {
			t.Fatalf("message %d came back with %d bytes", i, len(b))
		}
	}
}

// TestOneCommandChannelForEachViewer opens five: the bounds of one hold for all.
func TestOneCommandChannelForEachViewer(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	commands := &camera.Commands{}
	camera.Handle(commands, "wait", func(ctx context.Context, _ signaling.Peer, _ int) (int, error) {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return 0, nil
	})
	r := start(t, func(c *camera.Config) { c.Commands = commands })
	p := r.page(t, "ann")
	answers := make(chan string, 100)
	for i := range 5 {
		ch, err := p.pc.CreateDataChannel("smartcam", nil)
		if err != nil {
			t.Fatal(err)
		}
		opened := make(chan struct{})
		ch.OnOpen(func() { close(opened) })
		select {
		case <-opened:
		case <-time.After(20 * time.Second):
			t.Fatal("the data channel does not open")
		}
		raw, err := ch.Detach()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			buf := make([]byte, 1000)
			for {
				n, err := raw.Read(buf)
				if err != nil {
					return
				}
				answers <- fmt.Sprintf("%d: %s", i, buf[:n])
			}
		}()
		for id := range 9 {
			if _, err := raw.WriteDataChannel(fmt.Appendf(nil, `{"id":%d,"call":"wait"}`, id+1), true); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.listen(t, p, func(camera.Data) {}) // the camera has read on
	want := `0: {"id":9,"error":{"code":"busy","message":"8 requests are under way"}}`
	select {
	case got := <-answers:
		if got != want {
			t.Errorf("answered %s", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no answer")
	}
	select {
	case got := <-answers:
		t.Errorf("also answered %s", got)
	case <-time.After(time.Second): // an answer takes a few milliseconds
	}
}

// gatheredOffer returns the offer of a peer connection, with all candidates.
func gatheredOffer(t *testing.T, pc *webrtc.PeerConnection) []byte {
	t.Helper()
	gathered := webrtc.GatheringCompletePromise(pc)
	offer, err := pc.CreateOffer(nil)
	if err == nil {
		err = pc.SetLocalDescription(offer)
	}
	if err != nil {
		t.Fatal(err)
	}
	<-gathered
	payload, err := json.Marshal(pc.LocalDescription())
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// Large messages on many channels at once arrive, in both directions: parts of them must
// not fill the peer's window.
func TestLargeMessagesOnManyChannels(t *testing.T) {
	r := start(t, nil)
	v := r.mustDial(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	const channels, rounds = 6, 2
	large := make([]byte, megabyte)
	heard := r.Data(ctx)
	var work sync.WaitGroup
	seen := v.Data(ctx)
	work.Go(func() {
		n := 0
		for range seen {
			if n++; n == channels*rounds {
				return
			}
		}
		t.Errorf("%d messages come to the viewer, want %d", n, channels*rounds)
	})
	for i := range channels {
		label := fmt.Sprint("c", i)
		if err := v.SendData(ctx, viewer.Data{Channel: label, Data: []byte("opens")}); err != nil {
			t.Fatal(err)
		}
		work.Go(func() {
			for range rounds {
				if err := v.SendData(ctx, viewer.Data{Channel: label, Data: large}); err != nil {
					t.Errorf("to the camera: %v", err)
				}
			}
		})
	}
	arrived, opened := 0, 0
	for d := range heard {
		if len(d.Data) == len(large) {
			arrived++
		} else {
			opened++
			work.Go(func() {
				for range rounds {
					if err := r.SendData(ctx, camera.Data{Peer: d.Peer, Channel: d.Channel, Data: large}); err != nil {
						t.Errorf("to the viewer: %v", err)
					}
				}
			})
		}
		if arrived == channels*rounds && opened == channels {
			break
		}
	}
	work.Wait()
	if arrived != channels*rounds {
		t.Errorf("%d messages come to the camera, want %d", arrived, channels*rounds)
	}
}
