package source

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
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
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// rtspServer plays its media in a loop to whoever comes.
type rtspServer struct {
	t      *testing.T
	server *gortsplib.Server
	url    string

	mu     sync.Mutex
	stream *gortsplib.ServerStream
	stop   func()
}

func (s *rtspServer) current() (*base.Response, *gortsplib.ServerStream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}

func (s *rtspServer) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.current()
}

func (s *rtspServer) OnSetup(*gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.current()
}

func (s *rtspServer) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func newRTSPServer(t *testing.T) *rtspServer {
	t.Helper()
	s := &rtspServer{t: t}
	listen := func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		if err == nil {
			s.url = "rtsp://" + l.Addr().String() + "/stream"
		}
		return l, err
	}
	s.server = &gortsplib.Server{Handler: s, RTSPAddress: "127.0.0.1:0", Listen: listen, WriteQueueSize: 4096}
	if err := s.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.unpublish()
		s.server.Close()
	})
	return s
}

// publish plays a format in real time; encode returns the packets of unit i, ticks apart.
func (s *rtspServer) publish(ticks uint32, encode func(i int) ([]*rtp.Packet, error), f format.Format) {
	s.t.Helper()
	m := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
	back := &description.Media{Type: description.MediaTypeAudio, IsBackChannel: true, Formats: []format.Format{&format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1}}}
	stream := &gortsplib.ServerStream{Server: s.server, Desc: &description.Session{Medias: []*description.Media{m, back}}}
	if err := stream.Initialize(); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Duration(ticks) * time.Second / time.Duration(f.ClockRate()))
		defer tick.Stop()
		base := rand.Uint32()
		for i := 0; ; i++ {
			packets, err := encode(i)
			if err != nil {
				s.t.Error(err)
				return
			}
			for _, p := range packets {
				p.PayloadType = f.PayloadType()
				p.Timestamp += base + uint32(i)*ticks
				if err := stream.WritePacketRTP(m, p); err != nil && ctx.Err() == nil {
					s.t.Error(err)
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = stream
	s.stop = func() { cancel(); wg.Wait(); stream.Close() }
}

func (s *rtspServer) unpublish() {
	s.mu.Lock()
	stop := s.stop
	s.stream, s.stop = nil, nil
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// follows checks that the frames are those of in, in order and again from the
// beginning, at steps of time, which a machine that is busy may have corrected; the
// first may be any of them.
func follows(t *testing.T, frames []kvsmedia.Frame, in [][]byte, step time.Duration) {
	t.Helper()
	at := -1
	for i, data := range in {
		if bytes.Equal(frames[0].Data, data) {
			at = i
		}
	}
	if at < 0 {
		t.Fatal("the first frame is none that went in")
	}
	for i, f := range frames {
		if !bytes.Equal(f.Data, in[(at+i)%len(in)]) {
			t.Fatalf("frame %d differs", i)
		}
		if i > 0 && (f.PTS-frames[i-1].PTS-step).Abs() > step/4+time.Millisecond {
			t.Fatalf("frame %d is %v behind the one before, want %v", i, f.PTS-frames[i-1].PTS, step)
		}
		if age := time.Since(f.Time); age < 0 || age > time.Minute || f.Skipped != 0 {
			t.Fatalf("frame %d was captured %v ago, %d skipped", i, age, f.Skipped)
		}
	}
}

func TestRTSPIsByteIdentical(t *testing.T) {
	aus, h265aus, audio := clipUnits(clips.Sub()), clipUnits(clips.HEVC()), packets(40)
	h264 := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
	h265 := &format.H265{PayloadTyp: 97}
	opus := &format.Opus{PayloadTyp: 98, ChannelCount: 2}
	pcma := &format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1}
	wide := &format.G711{PayloadTyp: 100, MULaw: true, SampleRate: 16000, ChannelCount: 1}
	aac := &format.MPEG4Audio{PayloadTyp: 99, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3, ProfileLevelID: 1,
		Config: &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 48000, ChannelConfig: 1}}
	avc, err1 := h264.CreateEncoder()
	unmarked, err7 := h264.CreateEncoder()
	hevc, err2 := h265.CreateEncoder()
	opusEnc, err3 := opus.CreateEncoder()
	pcmaEnc, err4 := pcma.CreateEncoder()
	aacEnc, err5 := aac.CreateEncoder()
	wideEnc, err6 := wide.CreateEncoder()
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		format format.Format
		ticks  uint32
		encode func(i int) ([]*rtp.Packet, error)
		want   kvsmedia.Track
		in     [][]byte
		step   time.Duration
	}{
		"H264": {h264, 900, func(i int) ([]*rtp.Packet, error) { return avc.Encode(aus[i%len(aus)]) },
			kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}, framed(aus), 10 * time.Millisecond},
		"H264 without markers": {h264, 900, func(i int) ([]*rtp.Packet, error) {
			ps, err := unmarked.Encode(aus[i%len(aus)])
			ps[len(ps)-1].Marker = false
			return ps, err
		}, kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}, framed(aus), 10 * time.Millisecond},
		"H265": {h265, 900, func(i int) ([]*rtp.Packet, error) { return hevc.Encode(h265aus[i%len(h265aus)]) },
			kvsmedia.Track{Codec: kvsmedia.H265, Name: "main"}, framed(h265aus), 10 * time.Millisecond},
		"Opus": {opus, 960, func(i int) ([]*rtp.Packet, error) {
			p, err := opusEnc.Encode(audio[i%40])
			return []*rtp.Packet{p}, err
		}, kvsmedia.Track{Codec: kvsmedia.Opus, Name: "audio", SampleRate: 48000, Channels: 2}, audio, 20 * time.Millisecond},
		"PCMA": {pcma, 160, func(i int) ([]*rtp.Packet, error) { return pcmaEnc.Encode(audio[i%40]) },
			kvsmedia.Track{Codec: kvsmedia.PCMA, Name: "audio", SampleRate: 8000, Channels: 1}, audio, 20 * time.Millisecond},
		"AAC, two in a packet": {aac, 2048, func(i int) ([]*rtp.Packet, error) { return aacEnc.Encode([][]byte{audio[2*i%40], audio[(2*i+1)%40]}) },
			kvsmedia.Track{Codec: kvsmedia.AAC, Name: "audio", SampleRate: 48000, Channels: 1, Private: []byte{0x11, 0x88}}, audio, 1024 * time.Second / 48000},
		"PCMU at 16 kHz": {wide, 320, func(i int) ([]*rtp.Packet, error) { return wideEnc.Encode(audio[i%40]) },
			kvsmedia.Track{Codec: kvsmedia.PCMU, Name: "audio", SampleRate: 16000, Channels: 1}, audio, 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newRTSPServer(t)
			server.publish(tc.ticks, tc.encode, tc.format)
			s, frames := collect(t, server.url, 90)
			got := *s.Tracks()[0]
			if len(s.Tracks()) != 1 || got.Codec != tc.want.Codec || got.Name != tc.want.Name || got.SampleRate != tc.want.SampleRate ||
				got.Channels != tc.want.Channels || !bytes.Equal(got.Private, tc.want.Private) {
				t.Errorf("track %+v", got)
			}
			follows(t, frames, tc.in, tc.step)
		})
	}
}

// clipUnits returns the pictures of two seconds of a clip as NAL units.
func clipUnits(c *clips.Clip) (aus [][][]byte) {
	for _, f := range c.Frames[:30] {
		aus = append(aus, bitstream.Split(nil, f.Data))
	}
	return aus
}

func TestRTSPReconnects(t *testing.T) {
	aus := clipUnits(clips.Sub())
	sets := &bitstream.ParameterSets{Codec: bitstream.H264}
	sets.Update(aus[0])
	known := sets.Append(nil)
	f := &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: known[0], PPS: known[1]}
	enc, err := f.CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	bare := func(i int) ([]*rtp.Packet, error) { // parameter sets only in the description
		return enc.Encode(slices.DeleteFunc(slices.Clone(aus[i%30]), sets.Codec.IsParameterSet))
	}
	server := newRTSPServer(t)
	server.publish(900, bare, f)
	s, err := Open(t.Context(), server.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	var frames []kvsmedia.Frame
	for f := range s.Frames(t.Context()) {
		if frames = append(frames, f); len(frames) == 40 {
			server.unpublish()
			server.publish(900, bare, &format.H264{PayloadTyp: 100, PacketizationMode: 1, SPS: known[0], PPS: known[1]})
		}
		if len(frames) == 200 {
			break
		}
	}
	if s.Err() != nil || len(frames) != 200 {
		t.Fatalf("%d frames, %v", len(frames), s.Err())
	}
	for i, f := range frames {
		if i > 0 && f.PTS <= frames[i-1].PTS {
			t.Fatalf("frame %d at %v after %v", i, f.PTS, frames[i-1].PTS)
		}
		if f.Key != bytes.Contains(f.Data, known[0]) {
			t.Fatalf("frame %d: key %v, but the parameter sets disagree", i, f.Key)
		}
	}
	// Another kind of stream is an end.
	g711 := &format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1}
	sound, err := g711.CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	for range s.Frames(t.Context()) {
		server.unpublish()
		server.publish(160, func(int) ([]*rtp.Packet, error) { return sound.Encode(make([]byte, 160)) }, g711)
	}
	if !errors.Is(s.Err(), errTracksChanged) {
		t.Errorf("ended with %v", s.Err())
	}
}

func TestRTSPOpenErrors(t *testing.T) {
	server := newRTSPServer(t)
	spec := strings.Replace(server.url, "rtsp://", "rtsp://admin:secret@", 1)
	_, err := Open(t.Context(), spec, nil)
	if err == nil || !strings.Contains(err.Error(), "404") || strings.Contains(err.Error(), "secret") {
		t.Errorf("a stream that is not there: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, "rtsp://admin:secret@"+l.Addr().String()+"/", nil); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a server that is not there: %v", err)
	}
}
