//go:build unix

package camera_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// hostile is a viewer that does as it likes: pion's peer connection, with a data
// channel and a voice whose packets are made by hand.
type hostile struct {
	*webrtc.PeerConnection
	t       *testing.T
	srv     service
	client  *signaling.Client
	channel *webrtc.DataChannel
	voice   *voice
	picture uint32 // the SSRC of the camera's picture
}

// voice is a webrtc.TrackLocal that hands out pion's encryption.
type voice struct {
	bound chan webrtc.TrackLocalWriter
	w     webrtc.TrackLocalWriter
}

func (v *voice) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	v.bound <- c.WriteStream()
	return c.CodecParameters()[0], nil
}

func (v *voice) Unbind(webrtc.TrackLocalContext) error { return nil }
func (v *voice) ID() string                            { return "voice" }
func (v *voice) RID() string                           { return "" }
func (v *voice) StreamID() string                      { return "voice" }
func (v *voice) Kind() webrtc.RTPCodecType             { return webrtc.RTPCodecTypeAudio }

// newHostile connects a hostile viewer.
func newHostile(t *testing.T, srv service, id string) *hostile {
	t.Helper()
	cfg := srv.config()
	cfg.Logger = quiet
	client, err := signaling.DialViewer(t.Context(), cfg, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.DetachDataChannels()
	settings.LoggerFactory = &logging.DefaultLoggerFactory{Writer: io.Discard}
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(media)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{PeerConnection: pc, t: t, srv: srv, client: client, voice: &voice{bound: make(chan webrtc.TrackLocalWriter, 1)}}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	pictures := make(chan uint32, 1)
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		select {
		case pictures <- uint32(track.SSRC()):
		default:
		}
		for b := make([]byte, 1500); ; {
			if _, _, err := track.Read(b); err != nil {
				return
			}
		}
	})
	opened := make(chan struct{})
	_, err = pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	if err == nil {
		_, err = pc.AddTrack(h.voice)
	}
	if err == nil {
		h.channel, err = pc.CreateDataChannel("raw", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.channel.OnOpen(func() { close(opened) })
	if err := h.negotiate(t.Context()); err != nil {
		t.Fatal(err)
	}
	limit := time.After(20 * time.Second)
	for range 3 {
		select {
		case h.picture = <-pictures:
		case h.voice.w = <-h.voice.bound:
		case <-opened:
			opened = nil
		case <-limit:
			t.Fatal("the hostile viewer does not connect")
		}
	}
	return h
}

// negotiate offers and takes the answer.
func (h *hostile) negotiate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	gathered := webrtc.GatheringCompletePromise(h.PeerConnection)
	offer, err := h.CreateOffer(nil)
	if err == nil {
		err = h.SetLocalDescription(offer)
	}
	if err != nil {
		return err
	}
	<-gathered
	payload, err := json.Marshal(h.LocalDescription())
	if err == nil {
		err = h.client.Send(ctx, signaling.Message{Kind: signaling.Offer, Payload: payload})
	}
	for err == nil {
		var m signaling.Message
		if m, err = h.client.Receive(ctx); err != nil || m.Kind != signaling.Answer {
			continue
		}
		var answer webrtc.SessionDescription
		if err = json.Unmarshal(m.Payload, &answer); err != nil {
			return err
		}
		return h.SetRemoteDescription(answer)
	}
	return err
}

// open opens a data channel.
func (h *hostile) open(label string) (io.ReadWriteCloser, error) {
	ch, err := h.CreateDataChannel(label, nil)
	if err != nil {
		return nil, err
	}
	opened := make(chan struct{})
	ch.OnOpen(func() { close(opened) })
	select {
	case <-opened:
		return ch.Detach()
	case <-time.After(time.Second):
		return nil, errors.New("the channel does not open")
	}
}

// over reports whether the camera has ended the session.
func (h *hostile) over() bool { return h.ConnectionState() != webrtc.PeerConnectionStateConnected }

// honest watches, and notes how late each frame is.
type honest struct {
	*viewer.Viewer
	mu      sync.Mutex
	late    []time.Duration // from the time that its presentation time makes
	skipped int
}

func newHonest(t *testing.T, srv service) *honest {
	t.Helper()
	v, err := viewer.Dial(t.Context(), viewer.Config{Signaling: srv.config(), ClientID: "honest", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	h := &honest{Viewer: v}
	var work sync.WaitGroup
	work.Go(func() {
		for f := range v.Frames(t.Context()) {
			h.mu.Lock()
			h.late = append(h.late, time.Since(time.Unix(0, 0))-f.PTS)
			h.skipped += f.Skipped
			h.mu.Unlock()
		}
	})
	t.Cleanup(func() { v.Close(); work.Wait() })
	return h
}

// forget begins anew.
func (h *honest) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.late, h.skipped = nil, 0
}

// spread is the 99th percentile of how much later frames came than the earliest did.
func (h *honest) spread() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.late) == 0 {
		return time.Minute
	}
	slices.Sort(h.late)
	return h.late[len(h.late)*99/100] - h.late[0]
}

// check fails the test if frames were lost or late. before is how late they came
// without an attack: what else the machine has to do.
func (h *honest) check(t *testing.T, before time.Duration) {
	t.Helper()
	late := h.spread()
	h.mu.Lock()
	defer h.mu.Unlock()
	busy := before > lateFrames/3
	if busy {
		t.Logf("frames came up to %v late before the attack, and %v late in it", before, late)
	}
	if err := h.Err(); err != nil || !busy && (len(h.late) < 45 || h.skipped > 0) {
		t.Errorf("the honest viewer has %d frames, lost %d: %v", len(h.late), h.skipped, err)
		return
	}
	if !busy && late > lateFrames {
		t.Errorf("frames come up to %v late", late)
	}
}
