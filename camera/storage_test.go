package camera

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// TestKeepJoined simulates a day with the storage service.
func TestKeepJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam, err := New(Config{Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var joins atomic.Int32
		var fail, refuse atomic.Bool
		held := false
		done := make(chan struct{})
		go func() {
			defer close(done)
			cam.keepJoined(ctx, func(context.Context) error {
				if fail.Load() {
					return errors.New("no offer")
				}
				joins.Add(1)
				if held { // the peer's goroutine has one session, which a new one replaces
					cam.emit(Left{Err: errors.New("replaced")})
				}
				if held = !refuse.Load(); held {
					cam.emit(Joined{})
				} else {
					cam.emit(Refused{})
				}
				return nil
			})
		}()
		lose := func() {
			held = false
			cam.emit(Left{Err: errors.New("the service hung up")})
		}
		seen := int32(0)
		wait := func(d time.Duration) int32 { // the joins since the last call
			<-time.After(d)
			synctest.Wait()
			n := joins.Load() - seen
			seen += n
			return n
		}
		if n := wait(24*time.Hour - time.Second); n != 1+26 { // at once, then each 55 minutes
			t.Errorf("%d joins in a day", n)
		}
		cam.emit(Left{Peer: signaling.Peer{ID: "a viewer"}})
		if n := wait(time.Second); n != 0 {
			t.Errorf("%d joins when a viewer left", n)
		}
		lose()
		if n := wait(time.Second); n != 1 {
			t.Errorf("%d joins when the session was lost", n)
		}
		for range 3 { // sessions that end at once are not made again at once
			lose()
			if n := wait(time.Second); n != 0 {
				t.Errorf("%d joins at once when the session did not last", n)
			}
			if n := wait(time.Minute); n != 1 {
				t.Errorf("%d joins in the minute after a session that did not last", n)
			}
		}
		wait(time.Hour)
		refuse.Store(true)
		lose()
		if n := wait(10 * time.Minute); n < 6 || n > 12 {
			t.Errorf("%d joins in ten minutes in which no session came about", n)
		}
		refuse.Store(false)
		fail.Store(true)
		wait(10 * time.Minute)
		fail.Store(false)
		if n := wait(2 * time.Minute); n != 1 {
			t.Errorf("%d joins after the service came back", n)
		}
		cancel()
		<-done
	})
}

// An offer without a sender is the storage service's only when it was asked for
// one, and only the first: nothing that a viewer sends passes for the service, which
// is no viewer to Authorize and MaxViewers.
func TestOnlyAnAskedForOfferIsTheServices(t *testing.T) {
	cam, err := New(Config{Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}, Signaling: signaling.Config{Storage: true}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	refused := func() bool {
		err := (&peer{camera: cam}).enter(ctx)
		refusal := (*signaling.Refusal)(nil)
		return errors.As(err, &refusal) && refusal.Code == "unauthorized"
	}
	if !refused() {
		t.Error("an offer that nobody asked for was taken for the service's")
	}
	joined := make(chan struct{})
	go func() {
		defer close(joined)
		cam.keepJoined(ctx, func(context.Context) error {
			if refused() {
				t.Error("the offer that was asked for was refused")
			}
			if !refused() {
				t.Error("a second offer was taken for the service's")
			}
			cancel()
			return nil
		})
	}()
	<-joined
}

// FuzzWriteFrame writes garbage: an error or a frame, and nothing panics.
func FuzzWriteFrame(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0x65, 0x88, 1}, false)
	f.Add([]byte{0, 0, 0, 2, 0x65, 0x88, 0, 0, 1, 0x67}, true)
	f.Fuzz(func(t *testing.T, data []byte, hevc bool) {
		track := &kvsmedia.Track{Codec: kvsmedia.H264}
		if hevc {
			track.Codec = kvsmedia.H265
		}
		cam, err := New(Config{Tracks: []*kvsmedia.Track{track}})
		if err != nil {
			t.Fatal(err)
		}
		if err := cam.WriteFrame(kvsmedia.Frame{Track: track, Data: data}); err != nil {
			return
		}
		seq, _ := cam.units.Newest(0)
		it, ok := cam.units.Get(seq)
		if !ok || len(it.Value.Frame.Data) == 0 {
			t.Error("a frame was taken, but it is not there")
		}
	})
}
