package device_test

import (
	"context"
	"iter"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// player is an RTSP server with one stream.
type player struct{ stream *gortsplib.ServerStream }

var ok = &base.Response{StatusCode: base.StatusOK}

func (p *player) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return ok, p.stream, nil
}

func (p *player) OnSetup(*gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return ok, p.stream, nil
}

func (p *player) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) { return ok, nil }

// served is one stream of an RTSP server.
type served struct {
	media *description.Media
	clock time.Duration
	pack  func(kvsmedia.Frame) ([]*rtp.Packet, error)
}

// serve returns how a track is served, nil if it is not.
func serve(t *testing.T, track *kvsmedia.Track, payloadType uint8) *served {
	t.Helper()
	s := &served{media: &description.Media{Type: description.MediaTypeAudio}, clock: time.Duration(track.SampleRate)}
	var forma format.Format
	var err error
	switch track.Codec {
	case kvsmedia.H264:
		f := &format.H264{PayloadTyp: payloadType, PacketizationMode: 1}
		if len(track.Private) > 0 {
			_, sets, err := bitstream.ParseRecord(bitstream.H264, track.Private)
			if err != nil || len(sets) != 2 {
				t.Fatalf("%d parameter sets, %v", len(sets), err)
			}
			f.SPS, f.PPS = sets[0], sets[1]
		}
		s.media.Type, s.clock, forma = description.MediaTypeVideo, 90000, f
		pictures, encoderErr := f.CreateEncoder()
		err = encoderErr
		s.pack = func(frame kvsmedia.Frame) ([]*rtp.Packet, error) { return pictures.Encode(nalus(t, frame)) }
		if len(track.Private) == 0 {
			s.pack = func(frame kvsmedia.Frame) ([]*rtp.Packet, error) {
				return pictures.Encode(bitstream.Split(nil, frame.Data))
			}
		}
	case kvsmedia.Opus:
		f := &format.Opus{PayloadTyp: payloadType, ChannelCount: 1}
		s.clock, forma = 48000, f
		sounds, encoderErr := f.CreateEncoder()
		err = encoderErr
		s.pack = func(frame kvsmedia.Frame) ([]*rtp.Packet, error) {
			packet, err := sounds.Encode(frame.Data)
			return []*rtp.Packet{packet}, err
		}
	case kvsmedia.AAC:
		f := &format.MPEG4Audio{PayloadTyp: payloadType, Config: &mpeg4audio.AudioSpecificConfig{}, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3}
		if err := f.Config.Unmarshal(track.Private); err != nil {
			t.Fatal(err)
		}
		forma = f
		sounds, encoderErr := f.CreateEncoder()
		err = encoderErr
		s.pack = func(frame kvsmedia.Frame) ([]*rtp.Packet, error) { return sounds.Encode([][]byte{frame.Data}) }
	default:
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	s.media.Formats = []format.Format{forma}
	return s
}

// serveRTSP plays frames of the tracks until the test ends.
func serveRTSP(t *testing.T, tracks []*kvsmedia.Track, frames func(context.Context) iter.Seq[kvsmedia.Frame]) string {
	t.Helper()
	desc, streams := &description.Session{}, map[*kvsmedia.Track]*served{}
	for i, track := range tracks {
		if s := serve(t, track, uint8(96+i)); s != nil {
			streams[track] = s
			desc.Medias = append(desc.Medias, s.media)
		}
	}
	var url string
	p := &player{}
	server := &gortsplib.Server{Handler: p, RTSPAddress: "127.0.0.1:0", WriteQueueSize: 4096,
		Listen: func(network, address string) (net.Listener, error) {
			l, err := net.Listen(network, address)
			if err == nil {
				url = "rtsp://" + l.Addr().String() + "/stream"
			}
			return l, err
		}}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	p.stream = &gortsplib.ServerStream{Server: server, Desc: desc}
	if err := p.stream.Initialize(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		for f := range frames(ctx) {
			s := streams[f.Track]
			if s == nil {
				continue
			}
			packets, err := s.pack(f)
			if err != nil {
				t.Errorf("RTSP: %v", err)
				return
			}
			for _, packet := range packets {
				packet.Timestamp += uint32(f.PTS * s.clock / time.Second)
				if err := p.stream.WritePacketRTP(s.media, packet); err != nil {
					return
				}
			}
		}
	})
	t.Cleanup(func() { cancel(); work.Wait(); p.stream.Close(); server.Close() })
	return url
}

// serveClip plays the day's picture and Opus sound over RTSP.
func serveClip(t *testing.T) string {
	clip := clips.Day()
	return serveRTSP(t, clip.Tracks[:2], func(ctx context.Context) iter.Seq[kvsmedia.Frame] { return clips.Play(ctx, clip) })
}

// serveFile plays a file over RTSP.
func serveFile(t *testing.T, path string) string {
	t.Helper()
	in, err := source.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return serveRTSP(t, in.Tracks(), in.Frames)
}
