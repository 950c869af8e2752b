//go:build unix

package camera_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/internal/testing/sctptest"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// attacks are what hostile viewers do, again and again, until they fail.
var attacks = map[string]struct {
	prepare func(h *hostile) (step func(n int) error, err error)
	ends    bool // the camera ends the session
}{
	"reports about invented streams": {prepare: func(h *hostile) (func(int) error, error) {
		return func(int) error {
			reports := make([]rtcp.ReceptionReport, 31)
			for i := range reports {
				reports[i].SSRC = rand.Uint32()
			}
			return h.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: rand.Uint32(), Reports: reports},
				&rtcp.Goodbye{Sources: []uint32{rand.Uint32(), rand.Uint32(), rand.Uint32()}}})
		}, nil
	}, ends: true},
	"sound of invented streams": {prepare: func(h *hostile) (func(int) error, error) {
		pt := uint8(h.GetSenders()[0].GetParameters().Codecs[0].PayloadType)
		return func(n int) error {
			_, err := h.voice.w.WriteRTP(&rtp.Header{Version: 2, PayloadType: pt, SSRC: rand.Uint32(), SequenceNumber: uint16(n)}, make([]byte, 160))
			return err
		}, nil
	}, ends: true},
	"requests for repair": {prepare: func(h *hostile) (func(int) error, error) {
		var seqs []uint16
		for i := range uint16(500) {
			seqs = append(seqs, i*131)
		}
		return func(n int) error {
			return h.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: h.picture},
				&rtcp.FullIntraRequest{MediaSSRC: h.picture, FIR: []rtcp.FIREntry{{SSRC: h.picture, SequenceNumber: uint8(n)}}},
				&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1000, SSRCs: []uint32{h.picture}},
				&rtcp.TransportLayerNack{MediaSSRC: h.picture, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs[:200])}})
		}, nil
	}},
	"channels opened and closed": {prepare: func(h *hostile) (func(int) error, error) {
		return func(int) error {
			raw, err := h.open("again")
			if err != nil {
				return err
			}
			return raw.Close()
		}, nil
	}, ends: true},
	"channels of long names": {prepare: func(h *hostile) (func(int) error, error) {
		name := strings.Repeat("x", 8000)
		return func(int) error {
			_, err := h.open(name)
			return err
		}, nil
	}, ends: true},
	"messages behind one that never comes": {prepare: func(h *hostile) (func(int) error, error) {
		s, err := sctptest.New(h.PeerConnection)
		return func(n int) error {
			var chunks [][]byte
			for i := range uint32(50) {
				chunks = append(chunks, s.Piece(sctptest.Begin|sctptest.End, *h.channel.ID(), 1000+50*uint32(n)+i, 0, 'x'))
			}
			return s.Packet(chunks...)
		}, err
	}, ends: true},
	"messages given up half way": {prepare: func(h *hostile) (func(int) error, error) {
		s, err := sctptest.New(h.PeerConnection)
		stream, sent := *h.channel.ID(), uint32(0)
		return func(n int) error {
			var chunks [][]byte
			for range 40 { // each lacks its end, and a piece before it
				sent++
				s.Skip()
				chunks = append(chunks, s.Piece(sctptest.Begin, stream, sent, 0, 'x'))
			}
			if n%8 == 7 { // all TSNs, and the first message alone
				chunks = append(chunks, s.Forward(1<<30, stream, 1))
			}
			return s.Packet(chunks...)
		}, err
	}, ends: true},
	"TSNs skipped": {prepare: func(h *hostile) (func(int) error, error) {
		s, err := sctptest.New(h.PeerConnection)
		stream, sent := *h.channel.ID(), uint32(0)
		return func(int) error {
			var chunks [][]byte
			for range 20 {
				sent++
				chunks = append(chunks, s.Piece(sctptest.Begin, stream, sent, 0, 'x'), s.Forward(1<<30, stream, sent))
			}
			return s.Packet(chunks...)
		}, err
	}},
	"messages that nobody reads": {prepare: func(h *hostile) (func(int) error, error) {
		raw, err := h.channel.Detach()
		message := make([]byte, 60_000)
		return func(int) error {
			if h.channel.BufferedAmount() > megabyte {
				return nil
			}
			_, err := raw.Write(message)
			return err
		}, err
	}},
	"replies and notices that nobody reads": {prepare: func(h *hostile) (func(int) error, error) {
		raw, err := h.open("smartcam")
		return func(n int) error {
			if h.channel.BufferedAmount() > megabyte {
				return nil
			}
			_, err := fmt.Fprintf(raw, `{"id":%d,"call":"noise"}`, n+1)
			return err
		}, err
	}, ends: true},
	"offers of two sessions by turns": {prepare: func(h *hostile) (func(int) error, error) {
		cfg := h.srv.config()
		cfg.Logger = quiet
		client, err := signaling.DialViewer(h.t.Context(), cfg, "janus")
		if err != nil {
			return nil, err
		}
		h.t.Cleanup(func() { client.Close() })
		return func(n int) error {
			offer := *h.LocalDescription()
			offer.SDP = strings.Replace(offer.SDP, "o=- ", fmt.Sprintf("o=- %d", 1+n%2), 1)
			payload, err := json.Marshal(offer)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if err := client.Send(ctx, signaling.Message{Kind: signaling.Offer, Payload: payload}); err != nil {
				return err
			}
			for {
				if m, err := client.Receive(ctx); err != nil || m.Kind == signaling.Answer {
					return err
				}
			}
		}, nil
	}},
	"offers without end": {prepare: func(h *hostile) (func(int) error, error) {
		return func(n int) error { return h.negotiate(context.Background()) }, nil
	}},
}

// TestAttacks runs each attack against a camera in a process of its own, with an
// honest viewer beside the hostile one.
func TestAttacks(t *testing.T) {
	if testing.Short() || race {
		t.Skip("takes most of a minute, and measures")
	}
	srv := newService(t)
	cam := newChild(t, "camera")
	measure := func(viewers int) (m memory) {
		t.Helper()
		if err := errors.Join(cam.orders.Encode(viewers), cam.answers.Decode(&m)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	// left measures once all but the honest viewer are gone.
	left := func() memory {
		t.Helper()
		for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); {
			if m := measure(1); m.Viewers == 1 {
				return m
			}
		}
		t.Fatal("hostile viewers stay")
		return memory{}
	}
	if err := cam.orders.Encode(srv); err != nil {
		t.Fatal(err)
	}
	v := newHonest(t, srv)
	_ = newHostile(t, srv, "first").Close() // what a first one leaves behind
	before := left()
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t, srv, "mallory")
			defer h.Close()
			step, err := attack.prepare(h)
			if err != nil {
				t.Fatal(err)
			}
			v.forget()
			measure(0)
			usual := v.spread()
			v.forget()
			var work sync.WaitGroup
			ctx, stop := context.WithCancel(t.Context())
			defer work.Wait()
			defer stop()
			work.Go(func() {
				for n := 0; !h.over() && ctx.Err() == nil; n++ {
					if step(n) != nil || n%4 == 3 {
						time.Sleep(time.Millisecond) // some thousand packets a second
					}
				}
			})
			during := measure(0)
			until, limit := time.Now().Add(attackTime-time.Second), time.Now().Add(time.Minute)
			for now := time.Now(); now.Before(until) || attack.ends && during.Viewers > 1 && now.Before(limit); now = time.Now() {
				m := measure(0)
				during.Held, during.Viewers = max(during.Held, m.Held), m.Viewers
			}
			stop()
			work.Wait()
			v.check(t, usual)
			if ended := during.Viewers == 1; ended != attack.ends {
				t.Errorf("the camera ended the session: %v", ended)
			}
			_ = h.Close()
			after := left()
			if more := during.Held - before.Held; more > moreMemory {
				t.Errorf("%.0f KiB more are held while the attack lasts", more/1024)
			}
			if more := after.Held - before.Held; more > keptMemory {
				t.Errorf("%.0f KiB more are held after it", more/1024)
			}
			if more := after.Goroutines - before.Goroutines; more > moreGoroutines {
				t.Errorf("%.0f goroutines are left", more)
			}
			t.Logf("%.0f KiB more held during, %.0f KiB after", (during.Held-before.Held)/1024, (after.Held-before.Held)/1024)
		})
	}
}
