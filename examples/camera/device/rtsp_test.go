package device_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testmedia"
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

// serveRTSP plays the clip's picture and Opus sound until the test ends.
func serveRTSP(t *testing.T, clip *testmedia.Clip) string {
	t.Helper()
	video := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
	audio := &format.Opus{PayloadTyp: 97, ChannelCount: 1}
	desc := &description.Session{Medias: []*description.Media{
		{Type: description.MediaTypeVideo, Formats: []format.Format{video}},
		{Type: description.MediaTypeAudio, Formats: []format.Format{audio}},
	}}
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
	pictures, err := video.CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	sounds, err := audio.CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		for f := range testmedia.Play(ctx, clip) {
			var packets []*rtp.Packet
			var err error
			media, clock := desc.Medias[0], time.Duration(90000)
			switch f.Track.Codec {
			case kvsmedia.H264:
				packets, err = pictures.Encode(bitstream.Split(nil, f.Data))
			case kvsmedia.Opus:
				media, clock = desc.Medias[1], 48000
				var packet *rtp.Packet
				packet, err = sounds.Encode(f.Data)
				packets = []*rtp.Packet{packet}
			default:
				continue
			}
			if err != nil {
				t.Errorf("RTSP: %v", err)
				return
			}
			for _, packet := range packets {
				packet.Timestamp += uint32(f.PTS * clock / time.Second)
				if err := p.stream.WritePacketRTP(media, packet); err != nil {
					return
				}
			}
		}
	})
	t.Cleanup(func() { cancel(); work.Wait(); p.stream.Close(); server.Close() })
	return url
}
