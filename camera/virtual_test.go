package camera_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/transport/v5/vnet"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// virtual is a camera and its viewers in a synctest bubble: signaling goes over
// pipes, media over pion's virtual network.
type virtual struct {
	*camera.Camera
	srv    *signalingtest.Server
	router *vnet.Router
	lost   atomic.Pointer[func(vnet.Chunk) bool] // what the network swallows; nil for nothing
	homes  []*vnet.Net                           // of the viewers, by their number
	stop   func() error                          // ends Run and returns its error
}

// startVirtual runs a camera that writes a picture and sound every step.
func startVirtual(t *testing.T, homes int, step time.Duration, configure func(*camera.Config)) *virtual {
	t.Helper()
	v := &virtual{srv: signalingtest.NewPipeServer(signalingtest.Config{Limits: signalingtest.Limits{Off: true}, TURN: noTURN})}
	t.Cleanup(func() { v.srv.Close() })
	var err error
	v.router, err = vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/8", LoggerFactory: logging.NewDefaultLoggerFactory()})
	if err != nil {
		t.Fatal(err)
	}
	v.router.AddChunkFilter(func(c vnet.Chunk) bool {
		f := v.lost.Load()
		return f == nil || !(*f)(c)
	})
	for i := range 1 + homes {
		n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{address(i)}})
		if err == nil {
			err = v.router.AddNet(n)
		}
		if err != nil {
			t.Fatal(err)
		}
		v.homes = append(v.homes, n)
	}
	if err := v.router.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.router.Stop() })

	enc := newEncoder()
	cfg := camera.Config{Signaling: v.srv.Config("door"), Tracks: []*kvsmedia.Track{enc.video, enc.audio}, Logger: quiet}
	if configure != nil {
		configure(&cfg)
	}
	if v.Camera, err = camera.New(cfg); err != nil {
		t.Fatal(err)
	}
	v.SetNet(v.homes[0])
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	var writing sync.WaitGroup
	writing.Go(func() {
		for began := time.Now(); ctx.Err() == nil; time.Sleep(step) {
			video, audio := enc.next()
			video.PTS = time.Since(began)
			audio.PTS = video.PTS
			if err := errors.Join(v.WriteFrame(video), v.WriteFrame(audio)); err != nil {
				t.Errorf("WriteFrame: %v", err)
			}
		}
	})
	v.stop = sync.OnceValue(func() error {
		cancel()
		err := <-ended
		writing.Wait()
		return err
	})
	t.Cleanup(func() { _ = v.stop() })
	return v
}

// address is that of a home; the camera's is number 0.
func address(home int) string { return fmt.Sprintf("10.0.%d.%d", home/200, 1+home%200) }

// swallow has the network lose what f says, nil for nothing.
func (v *virtual) swallow(f func(vnet.Chunk) bool) {
	if f == nil {
		v.lost.Store(nil)
		return
	}
	v.lost.Store(&f)
}

// from reports whether a packet is sent or received by a home.
func from(home int) func(vnet.Chunk) bool {
	ip := net.ParseIP(address(home))
	return func(c vnet.Chunk) bool {
		return c.SourceAddr().(*net.UDPAddr).IP.Equal(ip) || c.DestinationAddr().(*net.UDPAddr).IP.Equal(ip)
	}
}

// watcher is a viewer in a home, without a data channel: pion ends one by
// waiting for a timer with a mutex held that another goroutine wants, which
// stops a bubble's clock.
type watcher struct {
	pc     *webrtc.PeerConnection
	client *signaling.Client
	offer  []byte

	packets  atomic.Int64 // of the picture
	missing  atomic.Int64
	shown    chan struct{} // closed with the first packet of the picture
	answered chan struct{} // closed with the first answer
	answers  atomic.Int64
	ended    chan struct{} // closed when the session is over
	work     sync.WaitGroup
	once     sync.Once
}

// viewer makes a viewer and its offer, to be sent through client. The caller has
// it leave.
func (v *virtual) viewer(t *testing.T, home int, client *signaling.Client) *watcher {
	t.Helper()
	w := &watcher{client: client, shown: make(chan struct{}), answered: make(chan struct{}), ended: make(chan struct{})}
	var media webrtc.MediaEngine
	var settings webrtc.SettingEngine
	settings.SetNet(v.homes[home])
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	err := media.RegisterDefaultCodecs()
	if err == nil {
		w.pc, err = webrtc.NewAPI(webrtc.WithMediaEngine(&media), webrtc.WithSettingEngine(settings),
			webrtc.WithInterceptorRegistry(&interceptor.Registry{})).NewPeerConnection(webrtc.Configuration{})
	}
	if err != nil {
		t.Fatal(err)
	}
	w.pc.OnTrack(w.read)
	w.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateFailed || s == webrtc.PeerConnectionStateClosed {
			w.once.Do(func() { close(w.ended) })
		}
	})
	receive := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := w.pc.AddTransceiverFromKind(kind, receive); err != nil {
			t.Fatal(err)
		}
	}
	gathered := webrtc.GatheringCompletePromise(w.pc)
	offer, err := w.pc.CreateOffer(nil)
	if err == nil {
		err = w.pc.SetLocalDescription(offer)
	}
	if err == nil {
		<-gathered
		w.offer, err = json.Marshal(w.pc.LocalDescription())
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.work.Go(func() {
		<-w.ended
		cancel()
	})
	w.work.Go(func() {
		for {
			m, err := client.Receive(ctx)
			if err != nil {
				return
			}
			var answer webrtc.SessionDescription
			if m.Kind != signaling.Answer || w.answers.Add(1) > 1 || json.Unmarshal(m.Payload, &answer) != nil {
				continue
			}
			close(w.answered)
			_ = w.pc.SetRemoteDescription(answer) // a refusal refuses all media
		}
	})
	return w
}

// read counts the packets of a track.
func (w *watcher) read(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	var last uint16
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if track.Kind() != webrtc.RTPCodecTypeVideo {
			continue
		}
		if w.packets.Add(1) == 1 {
			close(w.shown)
		} else {
			w.missing.Add(int64(p.SequenceNumber - last - 1))
		}
		last = p.SequenceNumber
	}
}

// send sends the offer.
func (w *watcher) send(t *testing.T) {
	t.Helper()
	if err := w.client.Send(t.Context(), signaling.Message{Kind: signaling.Offer, Payload: w.offer}); err != nil {
		t.Fatal(err)
	}
}

// watch waits for the picture, for 15 seconds.
func (w *watcher) watch(t *testing.T) {
	t.Helper()
	select {
	case <-w.shown:
	case <-w.ended:
		t.Fatal("the session ended before there was a picture")
	case <-time.After(15 * time.Second):
		t.Fatal("no picture")
	}
}

// leave closes the session and waits for what belongs to it.
func (w *watcher) leave() {
	_ = w.pc.GracefulClose()
	w.once.Do(func() { close(w.ended) })
	w.work.Wait()
}

// join connects a client ID to signaling.
func (v *virtual) join(t *testing.T, id string) *signaling.Client {
	t.Helper()
	cfg := v.srv.Config("door")
	cfg.Logger = quiet
	c, err := signaling.DialViewer(t.Context(), cfg, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
