package rtc

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/rtc/send"
)

// outlet is a webrtc.TrackLocal through which the sender hands the packets of one
// stream to pion's encryption, as they are. Payload
// types and header extensions are the sender's business.
type outlet struct {
	kind  webrtc.RTPCodecType
	bound chan struct{} // closed when the peer connection is ready for packets
	once  sync.Once
	w     webrtc.TrackLocalWriter
}

func newOutlet(kind webrtc.RTPCodecType) *outlet {
	return &outlet{kind: kind, bound: make(chan struct{})}
}

// WriteRTP sends one packet.
func (o *outlet) WriteRTP(header *rtp.Header, payload []byte) (int, error) {
	select {
	case <-o.bound:
		return o.w.WriteRTP(header, payload)
	default:
		return 0, io.ErrClosedPipe
	}
}

// The methods below make outlet a webrtc.TrackLocal.

// Bind is called by pion when the codecs are negotiated.
func (o *outlet) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, p := range c.CodecParameters() {
		if !strings.EqualFold(p.MimeType, webrtc.MimeTypeRTX) {
			o.once.Do(func() {
				o.w = c.WriteStream()
				close(o.bound)
			})
			return p, nil
		}
	}
	return webrtc.RTPCodecParameters{}, fmt.Errorf("webrtc: no %v codec was negotiated", o.kind)
}

// Unbind is called by pion when the session closes; later writes fail by themselves.
func (o *outlet) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID is the track's name in pion's SDP.
func (o *outlet) ID() string { return o.kind.String() }

// RID is empty: there is no simulcast.
func (o *outlet) RID() string { return "" }

// StreamID groups all tracks of a camera.
func (o *outlet) StreamID() string { return "camera" }

// Kind is video or audio.
func (o *outlet) Kind() webrtc.RTPCodecType { return o.kind }

// addOutlet adds a stream to the peer connection and returns where its packets go.
func (s *Session) addOutlet(kind webrtc.RTPCodecType) (send.Port, error) {
	o := newOutlet(kind)
	sender, err := s.pc.AddTrack(o)
	if err != nil {
		return send.Port{}, fmt.Errorf("webrtc: adding the %v: %w", kind, err)
	}
	s.outlets = append(s.outlets, o)
	encoding := sender.GetParameters().Encodings[0]
	return send.Port{SSRC: uint32(encoding.SSRC), Repair: uint32(encoding.RTX.SSRC), Writer: o}, nil
}

// startSending makes the sender and the goroutine that it runs on once media can
// flow. It is called before anything is negotiated.
func (s *Session) startSending(source Source, picture, sound send.Port) {
	s.sender = send.New(send.Source{Ring: source.Ring, Tracks: source.Tracks, Rate: source.Rate}, picture, sound, link{s}, owner{s}, s.log)
	s.spawn(func() {
		waits := []<-chan struct{}{s.connected}
		for _, o := range s.outlets {
			waits = append(waits, o.bound)
		}
		for _, w := range waits {
			select {
			case <-w:
			case <-s.ctx.Done():
				return
			}
		}
		s.sender.Run(s.ctx)
	})
}

// link is the session as its sender sees the way to the peer.
type link struct{ s *Session }

func (l link) Begin()       { l.s.net.Begin() }
func (l link) Flush() error { return l.s.net.Flush() }

func (l link) WriteRTCP(packets []rtcp.Packet) error { return l.s.pc.WriteRTCP(packets) }

func (l link) Silent() time.Duration { return l.s.net.Silent() }

func (l link) RoundTrip() time.Duration {
	stats, ok := l.s.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return 0
	}
	return time.Duration(stats.CurrentRoundTripTime * float64(time.Second))
}

// owner is the session as its sender tells it things.
type owner struct{ s *Session }

func (o owner) WantKeyframe(lane int) { o.s.mention(KeyframeWanted{lane}) }

func (o owner) PathChanged() {
	if o.s.pathTold.CompareAndSwap(false, true) && !o.s.mention(PathChanged{}) {
		o.s.pathTold.Store(false)
	}
}

func (o owner) KeyframeSent() { o.s.mark("first key frame") }

// Path returns what is known of the way to the peer; the zero value before media
// flows.
func (s *Session) Path() send.Path {
	s.pathTold.Store(false)
	return s.sender.Path()
}

// Lanes returns the lanes whose picture and sound are sent, -1 for none.
func (s *Session) Lanes() (picture, sound int) { return s.sender.Lanes() }

// StopSending ends picture and sound for good.
func (s *Session) StopSending() { s.sender.Stop() }

// SetLane asks for another rendition of the picture; see [send.Sender.SetLane].
func (s *Session) SetLane(lane int) { s.sender.SetLane(lane) }

// SetKeyframesOnly leaves all pictures out but key frames, or no more.
func (s *Session) SetKeyframesOnly(only bool) { s.sender.SetKeyframesOnly(only) }

// Try widens what is sent for a while; see [send.Sender.Try].
func (s *Session) Try(bitrate int) bool { return s.sender.Try(bitrate) }
