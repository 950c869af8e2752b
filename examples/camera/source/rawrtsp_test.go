package source

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// rawServer is an RTSP server that says and sends what no library would.
type rawServer struct {
	sdp     string
	refused string                                 // the control of a medium that cannot be set up
	play    func(send func(channel int, b []byte)) // what comes after PLAY
}

// serve answers until the test ends, and returns the URL.
func (s *rawServer) serve(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); l.Close(); work.Wait() })
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { c.Close() })
			work.Go(func() {
				defer stop()
				defer c.Close()
				s.answer(c)
			})
		}
	})
	return "rtsp://" + l.Addr().String() + "/cam"
}

// answer answers the requests of one connection.
func (s *rawServer) answer(c io.ReadWriter) {
	in := textproto.NewReader(bufio.NewReader(c))
	channels := 0
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		head, err := in.ReadMIMEHeader()
		if err != nil {
			return
		}
		status, more, body := "200 OK", "", ""
		method, url, _ := strings.Cut(strings.TrimSuffix(line, " RTSP/1.0"), " ")
		switch method {
		case "DESCRIBE":
			more, body = "Content-Type: application/sdp\r\n", s.sdp
		case "SETUP":
			if s.refused != "" && strings.HasSuffix(url, s.refused) {
				status = "461 Unsupported transport"
				break
			}
			more = fmt.Sprintf("Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d\r\nSession: 1\r\n", channels, channels+1)
			channels += 2
		case "PLAY":
			more = "Session: 1\r\n"
		}
		_, _ = fmt.Fprintf(c, "RTSP/1.0 %s\r\nCSeq: %s\r\n%sContent-Length: %d\r\n\r\n%s", status, head.Get("CSeq"), more, len(body), body)
		if method == "PLAY" {
			s.play(func(channel int, b []byte) {
				_, _ = c.Write(append(binary.BigEndian.AppendUint16([]byte{'$', byte(channel)}, uint16(len(b))), b...))
			})
		}
	}
}

// A server that sends two seconds at once, the picture first, and media that nobody can
// use: what can be used comes, aligned by sender reports, with the times of its capture.
func TestRTSPBurst(t *testing.T) {
	aus := clipUnits(clips.Sub())
	enc, err := (&format.H264{PayloadTyp: 96, PacketizationMode: 1}).CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	const late = 300 * time.Millisecond // is the picture's encoder
	server := &rawServer{refused: "refused", sdp: "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=Media\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n" +
		"m=audio 0 RTP/AVP 99\r\na=rtpmap:99 mpeg4-generic/16000\r\na=control:broken\r\n" +
		"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:v\r\n" +
		"m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:m\r\n" +
		"m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/16000\r\na=control:a\r\n" +
		"m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:refused\r\n",
		play: func(send func(int, []byte)) {
			packet := func(channel int, p *rtp.Packet) {
				b, err := p.Marshal()
				if err != nil {
					t.Error(err)
				}
				send(channel, b)
			}
			seq := uint16(0)
			for i, au := range aus {
				packets, err := enc.Encode(au)
				if err != nil {
					t.Error(err)
				}
				for _, p := range packets {
					p.PayloadType, p.Timestamp, p.SequenceNumber, seq = 96, 1e6+uint32(6000*i), seq, seq+1
					packet(0, p)
				}
			}
			for i := range 100 {
				packet(2, &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(i), Timestamp: uint32(320 * i)}, Payload: make([]byte, 320)})
			}
			for k := range 2 { // the first packet of sound was captured late after the first picture
				for channel, stamp := range map[int]uint32{1: 1e6, 3: 0} {
					at := time.Duration(k) * time.Second
					report := &rtcp.SenderReport{NTPTime: uint64(3e9)<<32 + uint64(at.Seconds()*(1<<32)), RTPTime: stamp + uint32(at.Seconds()*float64(map[int]int{1: 90000, 3: 16000}[channel]))}
					if channel == 3 {
						report.NTPTime += uint64(late.Seconds() * (1 << 32))
					}
					b, err := report.Marshal()
					if err != nil {
						t.Error(err)
					}
					send(channel, b)
				}
			}
		}}
	var log bytes.Buffer
	s, err := Open(t.Context(), server.serve(t), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]kvsmedia.Frame{}
	for f := range s.Frames(t.Context()) {
		got[f.Track.Name] = append(got[f.Track.Name], f)
		if len(got["audio"]) == 100 && len(got["main"]) >= 29 {
			break
		}
	}
	if s.Err() != nil || len(s.Tracks()) != 3 || s.Tracks()[1].SampleRate != 16000 || len(got["audio2"]) > 0 {
		t.Errorf("%v, %d tracks, %v", s.Err(), len(s.Tracks()), s.Tracks()[1])
	}
	for name, step := range map[string]time.Duration{"main": time.Second / 15, "audio": 20 * time.Millisecond} {
		for i, f := range got[name] {
			if want := got[name][0].PTS + time.Duration(i)*step; (f.PTS - want).Abs() > time.Millisecond {
				t.Errorf("%s frame %d at %v, want %v", name, i, f.PTS, want)
			}
		}
	}
	first, voice := got["main"][0], got["audio"][0]
	if d := voice.PTS - first.PTS; (d-late).Abs() > 30*time.Millisecond || first.PTS != 0 && voice.PTS != 0 {
		t.Errorf("the sound is %v behind the picture, want %v", d, late)
	}
	if d := voice.Time.Sub(first.Time); (d - late).Abs() > 30*time.Millisecond {
		t.Errorf("the sound was captured %v after the picture", d)
	}
	if burst := got["main"][28].Time.Sub(first.Time); (burst - 28*time.Second/15).Abs() > 30*time.Millisecond {
		t.Errorf("the burst took %v", burst)
	}
	for _, want := range []string{"config is missing", "the application stream", "refuses the PCMA stream"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("%d warnings of %q:\n%s", strings.Count(log.String(), want), want, log.String())
		}
	}
}
