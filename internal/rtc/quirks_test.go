package rtc

import (
	"io"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/packetio"
	"github.com/pion/transport/v5/stdnet"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/path"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sctpguard"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// The tests of this file are of what pion does, as far as this package leans on it.

// buffers is what pion asked a BufferFactory for.
type buffers struct {
	mu    sync.Mutex
	asked []buffer
	want  buffer
	found chan struct{} // closed when want is asked for
}

type buffer struct {
	kind packetio.BufferPacketType
	ssrc uint32
}

func (b *buffers) make(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := buffer{kind, ssrc}
	if got == b.want && !slices.Contains(b.asked, got) {
		close(b.found)
	}
	b.asked = append(b.asked, got)
	return queue{packetio.NewBuffer()}
}

// bare is pion's part of a session alone.
func bare(t *testing.T, want buffer) (*webrtc.PeerConnection, *buffers) {
	return bareOver(t, nil, want)
}

func bareOver(t *testing.T, n Net, want buffer) (*webrtc.PeerConnection, *buffers) {
	t.Helper()
	b := &buffers{want: want, found: make(chan struct{})}
	first := func(*stun.Message, ice.Candidate, ice.Candidate, *ice.CandidatePair) bool { return false }
	pc, err := newPeerConnection(Config{Certificates: &Certificates{}, Logger: slog.New(slog.DiscardHandler), Net: n}, answered, first, path.New(t.Context(), path.Config{}), b.make, sctpguard.New(func(error) {}, func(error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	return pc, b
}

// described makes an offer, or the answer to one, with all candidates.
func described(t *testing.T, pc *webrtc.PeerConnection, offer *webrtc.SessionDescription) webrtc.SessionDescription {
	t.Helper()
	var d webrtc.SessionDescription
	var err error
	if offer == nil {
		d, err = pc.CreateOffer(nil)
	} else if err = pc.SetRemoteDescription(*offer); err == nil {
		d, err = pc.CreateAnswer(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(d); err != nil {
		t.Fatal(err)
	}
	receive(t, gathered, "end of gathering")
	return *pc.LocalDescription()
}

var ssrcLines = regexp.MustCompile(`a=ssrc.*\r\n`)

// Pion asks for a buffer for each SSRC that the peer's packets are about: those of
// its RTP, and those of own streams in its RTCP. It asks for none for RTCP that is
// about no stream, which is why the guard counts its senders. What an outlet writes
// goes out as it is. Only the setting lets a stream through that nobody declared.
func TestPionAsksForBuffers(t *testing.T) {
	camera, feedback := bare(t, buffer{})
	o := newOutlet(webrtc.RTPCodecTypeVideo)
	sender, err := camera.AddTrack(o)
	if err != nil {
		t.Fatal(err)
	}
	own := uint32(sender.GetParameters().Encodings[0].SSRC)
	feedback.mu.Lock()
	feedback.want = buffer{packetio.RTCPBufferPacket, own}
	feedback.mu.Unlock()
	viewer, media := bare(t, buffer{packetio.RTPBufferPacket, own})
	got := make(chan *rtp.Packet, 1)
	viewer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		if p, _, err := track.ReadRTP(); err == nil {
			got <- p
		}
	})
	if _, err := viewer.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	offer := described(t, viewer, nil)
	answer := described(t, camera, &offer)
	answer.SDP = ssrcLines.ReplaceAllString(answer.SDP, "")
	if err := viewer.SetRemoteDescription(answer); err != nil {
		t.Fatal(err)
	}
	receive(t, o.bound, "binding of the outlet")
	sent := rtp.Header{Version: 2, PayloadType: sdp.PictureType, SequenceNumber: 700, Timestamp: 9, SSRC: own}
	payload := []byte{0x65, 1, 2, 3}
	connect(t, viewer, camera)
	for range 5 { // pion takes some to find out what an undeclared stream is
		if _, err := o.WriteRTP(&sent, payload); err != nil {
			t.Fatal(err)
		}
		sent.SequenceNumber++
	}
	receive(t, media.found, "buffer of the RTP")
	p := receive(t, got, "packet of a stream that nobody declared")
	if p.SSRC != own || p.PayloadType != sdp.PictureType || p.Timestamp != 9 || p.SequenceNumber < 700 || string(p.Payload) != string(payload) {
		t.Errorf("sent %v, got %v", &sent, p)
	}
	if err := viewer.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 4711}}); err != nil {
		t.Fatal(err)
	}
	if err := viewer.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: own}}); err != nil {
		t.Fatal(err)
	}
	receive(t, feedback.found, "buffer of the RTCP about the own stream")
	feedback.mu.Lock()
	defer feedback.mu.Unlock()
	if slices.Contains(feedback.asked, buffer{packetio.RTCPBufferPacket, 4711}) {
		t.Error("pion asked for a buffer of RTCP about no stream")
	}
}

// connect waits until both are connected.
func connect(t *testing.T, a, b *webrtc.PeerConnection) {
	t.Helper()
	const want = webrtc.PeerConnectionStateConnected
	for deadline := time.Now().Add(10 * time.Second); a.ConnectionState() != want || b.ConnectionState() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no connection")
		}
	}
}

// The answerer waits for the DTLS handshake of the peer where the offer leaves it the
// choice, and begins it where the offer wants that. Pion's own answer says that it
// waits in any case; the answer that the session sends does not.
func TestPionTakesTheDTLSRoleOfTheOffer(t *testing.T) {
	for offered, role := range map[string]string{"actpass": "passive", "active": "passive", "passive": "active"} {
		viewer, _ := bare(t, buffer{})
		camera, _ := bare(t, buffer{})
		if _, err := viewer.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo); err != nil {
			t.Fatal(err)
		}
		offer := described(t, viewer, nil)
		offer.SDP = strings.ReplaceAll(offer.SDP, "a=setup:actpass", "a=setup:"+offered)
		answer := described(t, camera, &offer)
		if !strings.Contains(answer.SDP, "a=setup:passive") {
			t.Errorf("the answer to a=setup:%s is not a=setup:passive:\n%s", offered, answer.SDP)
		}
		answer.SDP = strings.ReplaceAll(answer.SDP, "a=setup:passive", "a=setup:"+role)
		if err := viewer.SetRemoteDescription(answer); err != nil {
			t.Fatal(err)
		}
		connect(t, viewer, camera)
	}
}

// tapped is a network that shows what is written to its sockets.
type tapped struct {
	transport.Net
	see func(packet []byte)
}

type tappedConn struct {
	transport.UDPConn
	see func(packet []byte)
}

func (n tapped) ListenUDP(network string, at *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := n.Net.ListenUDP(network, at)
	return tappedConn{conn, n.see}, err
}

func (c tappedConn) WriteTo(b []byte, to net.Addr) (int, error) {
	c.see(b)
	return c.UDPConn.WriteTo(b, to)
}

// ICE has proved the peer's address, so the DTLS server asks for no proof of its own
// (HelloVerifyRequest, RFC 6347, 4.2.1): it answers the first ClientHello.
func TestPionAsksForNoHelloVerify(t *testing.T) {
	own, err := stdnet.NewNet()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var answers []byte // types of handshake messages
	see := func(b []byte) {
		mu.Lock()
		defer mu.Unlock()
		const handshake, header = 22, 13
		if len(b) > header && b[0] == handshake {
			answers = append(answers, b[header])
		}
	}
	viewer, _ := bare(t, buffer{})
	camera, _ := bareOver(t, tapped{own, see}, buffer{})
	if _, err := viewer.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo); err != nil {
		t.Fatal(err)
	}
	offer := described(t, viewer, nil)
	if err := viewer.SetRemoteDescription(described(t, camera, &offer)); err != nil {
		t.Fatal(err)
	}
	connect(t, viewer, camera)
	mu.Lock()
	defer mu.Unlock()
	const serverHello, helloVerifyRequest = 2, 3
	if !slices.Contains(answers, serverHello) || slices.Contains(answers, helloVerifyRequest) {
		t.Errorf("the server's handshake messages are %v", answers)
	}
}

// Pion tells in its log alone why a TURN server gave no relay.
func TestPionLogsRefusals(t *testing.T) {
	ca := must(testca.New("test"))
	secure, udp := relays(t, ca)
	for name, server := range map[string]signaling.ICEServer{"UDP": udp, "TLS": secure} {
		server.Credential = "wrong"
		cfg := relayedOver(server)
		cfg.RootCAs = ca.Pool()
		s, _, err := Offer(cfg, Source{Ring: ring.New[*packet.Unit](ring.Config{})})
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			said := s.Diagnose().Error()
			if regexp.MustCompile(`expired credentials\): (127\.0\.0\.1|localhost):\d+ .*error 4\d\d`).MatchString(said) {
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("%s: %s", name, said)
				break
			}
		}
		s.Close()
	}
}
