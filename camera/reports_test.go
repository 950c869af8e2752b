package camera_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// reporter is a viewer that reports on its path what it likes.
type reporter struct {
	t       *testing.T
	pc      *webrtc.PeerConnection
	ssrc    atomic.Uint32 // of the picture
	claimed atomic.Pointer[claim]
}

// claim is a path: its bitrate in bit/s, and the share lost in 256ths.
type claim struct {
	bitrate float32
	loss    uint8
}

// reporter joins a viewer that reports ten times a second, a good path at first.
func (r *running) reporter(t *testing.T, id string) *reporter {
	t.Helper()
	client := r.rogue(t, id)
	var media webrtc.MediaEngine
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	err := media.RegisterDefaultCodecs()
	if err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(&media), webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{})).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	p := &reporter{t: t, pc: pc}
	p.claimed.Store(&claim{bitrate: 50_000_000})
	shown := make(chan struct{})
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		p.ssrc.Store(uint32(track.SSRC()))
		close(shown)
		for err := error(nil); err == nil; {
			_, _, err = track.ReadRTP()
		}
	})
	if _, err = pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	payload := gatheredOffer(t, pc)
	send(t, client, signaling.Offer, payload)
	for pc.RemoteDescription() == nil {
		m, err := client.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var answer webrtc.SessionDescription
		if m.Kind == signaling.Answer {
			if err := errors.Join(json.Unmarshal(m.Payload, &answer), pc.SetRemoteDescription(answer)); err != nil {
				t.Fatal(err)
			}
		}
	}
	select {
	case <-shown:
	case <-time.After(20 * time.Second):
		t.Fatal("no picture within 20 s")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			c := p.claimed.Load()
			p.send(&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: p.ssrc.Load(), FractionLost: c.loss}}},
				&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: c.bitrate, SSRCs: []uint32{p.ssrc.Load()}})
			<-tick.C
		}
	})
	t.Cleanup(func() { cancel(); work.Wait(); p.leave() })
	return p
}

func (p *reporter) send(packets ...rtcp.Packet) { _ = p.pc.WriteRTCP(packets) }
func (p *reporter) leave()                      { _ = p.pc.GracefulClose() }

// lowest returns the lowest bitrate that the encoder is hinted at within d, the most
// that there is for none.
func (r *running) lowest(d time.Duration) int {
	lowest := camera.DefaultMaxBitrate
	for end := time.After(d); ; {
		select {
		case h := <-r.EncoderHints():
			if h.Bitrate > 0 {
				lowest = min(lowest, h.Bitrate)
			}
		case <-end:
			return lowest
		}
	}
}

// Reports of one viewer lower neither the picture of another nor one that is read on
// the camera itself; a viewer for which nobody else suffers is followed.
func TestReportsLowerNobodyElsesPicture(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	r := start(t, nil)
	honest, liar := r.reporter(t, "honest"), r.reporter(t, "liar")
	r.lowest(4 * time.Second) // by then the encoder's bitrate is known
	liar.claimed.Store(&claim{bitrate: 1, loss: 255})
	if low := r.lowest(4 * time.Second); low < camera.DefaultMaxBitrate {
		t.Errorf("a viewer that claims 1 bit/s and all lost makes the encoder go to %d bit/s", low)
	}
	for _, s := range r.Status().Viewers {
		if s.KeyframesOnly != (s.Peer.ID == "liar") {
			t.Errorf("%s: key frames only %v", s.Peer.ID, s.KeyframesOnly)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reading := make(chan int)
	go func() {
		n := 0
		for range r.Frames(ctx, 0) {
			if n++; n == 1 {
				reading <- n
			}
		}
		reading <- n
	}()
	<-reading
	honest.leave()
	liar.claimed.Store(&claim{bitrate: 300_000})
	if low := r.lowest(4 * time.Second); low < camera.DefaultMaxBitrate {
		t.Errorf("a viewer of what is recorded makes the encoder go to %d bit/s", low)
	}
	cancel()
	if n := <-reading; n < 100 {
		t.Errorf("%d frames were recorded", n)
	}
	for end := time.Now().Add(20 * time.Second); ; {
		if low := r.lowest(time.Second); low <= 300_000 {
			break
		} else if time.Now().After(end) {
			t.Fatal("a viewer at 300 kbit/s that is the only one is not followed")
		}
	}
}

// A viewer that asks for key frames without end does not make the encoder make them
// without end.
func TestStormOfKeyframeRequests(t *testing.T) {
	if testing.Short() {
		t.Skip("takes six seconds")
	}
	r := start(t, nil)
	p := r.reporter(t, "mallory")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	keyframes := 0
	const span = 6 * time.Second
	for end := time.After(span); ; {
		select {
		case <-tick.C:
			p.send(&rtcp.PictureLossIndication{MediaSSRC: p.ssrc.Load()})
			continue
		case h := <-r.EncoderHints():
			if h.Keyframe {
				keyframes++
			}
			continue
		case <-end:
		}
		break
	}
	if most := 4 + int(span/(4*time.Second)); keyframes < 4 || keyframes > most {
		t.Errorf("%d key frames in %v of requests, want 4 to %d", keyframes, span, most)
	}
}
