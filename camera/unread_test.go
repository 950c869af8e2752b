package camera

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// What is kept for readers of events is bounded even if peers fill their reports with
// candidates; nothing is registered for a sequence that nobody loops over.
func TestEventsAreBounded(t *testing.T) {
	c, err := New(Config{Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}})
	if err != nil {
		t.Fatal(err)
	}
	var report signaling.ConnectReport
	for range 128 {
		report.Remote = append(report.Remote, signaling.Candidate{Type: "host", Protocol: "udp", Address: strings.Repeat("x", 1000)})
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := c.Events(ctx)
	for range 1000 {
		c.emit(Left{Report: report})
	}
	if items, bytes := c.events.Size(); items > maxEventBytes/(128*1000) || bytes > maxEventBytes {
		t.Errorf("%d events of 128 KiB are kept, charged %d bytes", items, bytes)
	}
	for range 1000 {
		c.emit(Talking{})
	}
	if items, _ := c.events.Size(); items < 200 || items > 256 {
		t.Errorf("%d small events are kept", items)
	}
	c.emit(Online{})
	n := 0
	for e := range events {
		n++
		if _, online := e.(Online); online {
			cancel()
		}
	}
	if n < 200 {
		t.Errorf("%d events since the call", n)
	}
}

// Messages of raw data channels are kept for loops that run, and the newest few for
// one that is to come.
func TestUnreadDataIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		held := func(what string, messages int) {
			t.Helper()
			if n, bytes := c.data.Size(); n != messages || bytes > maxDataBytes {
				t.Errorf("%s: %d messages are kept, charged %d bytes, want %d messages", what, n, bytes, messages)
			}
		}
		ann := func(text bool, data []byte) error {
			c.receive(Data{signaling.Peer{ID: "ann"}, "kvsDataChannel", text, data})
			return nil
		}
		send := func(n, size int) {
			for range n {
				if err := ann(size%2 > 0, make([]byte, size)); err != nil {
					t.Fatal(err)
				}
			}
		}
		send(3, 1<<10)
		seq, none := c.Data(ctx), 0
		send(5, 1<<10)
		for d := range seq {
			if none++; none == 5 || len(d.Data) != 1<<10 {
				break
			}
		}
		if none != 5 {
			t.Errorf("%d of the 5 messages between call and loop came", none)
		}
		send(1000, 1<<10)
		if n, bytes := c.data.Size(); bytes > dataLinger || n < dataLinger>>11 {
			t.Errorf("nobody reads: %d messages are kept, charged %d bytes", n, bytes)
		}
		send(14, 1<<20)
		held("nobody reads messages that are larger", 0)
		seq = c.Data(ctx)

		var got atomic.Int32
		release := make(chan struct{})
		for range 2 {
			go func() {
				for d := range seq {
					if d.Peer.ID != "ann" || d.Channel != "kvsDataChannel" || d.Text != (len(d.Data)%2 > 0) {
						t.Errorf("got %d bytes of %q on %q, as text %v", len(d.Data), d.Peer.ID, d.Channel, d.Text)
					}
					<-release
					got.Add(1)
				}
			}()
			synctest.Wait()
		}
		send(1, 1<<19)
		synctest.Wait()
		held("two loops have one message", 0)
		send(3, 1<<19+1)
		held("two loops are to read three more", 3)
		send(100, 1<<19)
		held("two loops have fallen behind", 7)
		for range 2 * (1 + 7) {
			release <- struct{}{}
		}
		synctest.Wait()
		held("two loops have read all", 0)
		if n := got.Load(); n != 2*(1+7) {
			t.Errorf("%d messages came", n)
		}
	})
}

// Notices are kept for viewers that are there.
func TestNoticesForNobodyAreNotKept(t *testing.T) {
	c, err := New(Config{Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := c.Notify("picture", make([]byte, 600<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if n, _ := c.notices.Size(); n > 0 {
		t.Errorf("%d notices are kept", n)
	}
	if err := c.Notify(strings.Repeat("\x00", 200<<10), nil); err == nil {
		t.Error("a notice whose name takes more than 1 MiB as JSON was taken")
	}
}
