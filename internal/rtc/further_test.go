package rtc

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/transport/v5/packetio"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/internal/testing/sdptest"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// A camera that began anew, as after a power cut, answers a restart of ICE as a first
// offer. Its DTLS is not the session's, so no picture could come: the session ends.
func TestCameraBeganAnew(t *testing.T) {
	s := testmedia.NewNoise()
	units := ring.New[*packet.Unit](ring.Config{Bytes: 8 << 20, Keep: 10 * time.Second})
	source := Source{Ring: units, Tracks: []*kvsmedia.Track{s.Track}, Profile: func(int) string { return "42constrained" }}
	connected := make(chan struct{}, 4)
	v, _ := pair(t, source, Source{Ring: ring.New[*packet.Unit](ring.Config{})}, hooks{Connected: func() { connected <- struct{}{} }}, hooks{})
	receive(t, connected, "connection")
	offer := must(v.RestartICE())
	again, answer, err := Answer(t.Context(), Config{Certificates: &Certificates{}}, must(sdp.Parse(offer, "offer")), source)
	if err != nil {
		t.Fatal(err)
	}
	hooks{}.serve(t, again)
	if err := v.SetAnswer(answer); err == nil || v.Err() == nil {
		t.Errorf("the answer of another camera: %v, the session: %v", err, v.Err())
	}
}

// A peer may change its voice's codec among those that were answered (RFC 3264, 7).
// Each frame says which it has.
func TestVoiceChangesItsCodec(t *testing.T) {
	tracks := []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: "main"}, {Codec: kvsmedia.Opus, Name: "sound"}}
	p := newRawPeer(t)
	text := sdptest.AV
	s, answer, err := Answer(t.Context(), Config{Certificates: &Certificates{}}, must(sdp.Parse(sdp.Marshal("offer", p.as(text)), "offer")), studio(t, tracks))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(answer, []byte("PCMU")) {
		t.Fatalf("no PCMU: %s", answer)
	}
	voices := make(chan kvsmedia.Frame, 1000)
	hooks{Frame: func(f kvsmedia.Frame) { voices <- f }}.serve(t, s)
	if err := p.connect(t.Context(), s, answer); err != nil {
		t.Fatal(err)
	}
	seq := uint16(1)
	for _, c := range []struct {
		pt    uint8
		codec kvsmedia.Codec
	}{{111, kvsmedia.Opus}, {0, kvsmedia.PCMU}, {111, kvsmedia.Opus}} {
		for heard := false; !heard; seq++ {
			if seq == 1000 {
				t.Fatalf("no %v", c.codec)
			}
			if err := p.sendRTP(&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: c.pt, SSRC: 77, SequenceNumber: seq, Timestamp: uint32(seq) * 960}, Payload: []byte{c.pt}}); err != nil {
				t.Fatal(err)
			}
			select {
			case f := <-voices:
				if want := map[byte]kvsmedia.Codec{111: kvsmedia.Opus, 0: kvsmedia.PCMU}[f.Data[0]]; f.Track.Codec != want {
					t.Fatalf("a frame of %v is said to be %v", want, f.Track.Codec)
				}
				heard = f.Track.Codec == c.codec
			case <-time.After(10 * time.Millisecond):
			case <-s.Done():
				t.Fatal(s.Err())
			}
		}
	}
}

// A further offer that says actpass, as all of a browser do, keeps the DTLS roles
// (RFC 8842, 5.5), and data channels that are added let no other pair be chosen.
func TestFurtherOfferKeepsRolesAndPair(t *testing.T) {
	tracks := []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: "main"}, {Codec: kvsmedia.Opus, Name: "sound"}}
	p := newRawPeer(t)
	first := strings.ReplaceAll(sdptest.AV, "a=setup:actpass", "a=setup:passive")
	s, answer, err := Answer(t.Context(), Config{Certificates: &Certificates{}}, must(sdp.Parse(sdp.Marshal("offer", p.as(first)), "offer")), studio(t, tracks))
	if err != nil {
		t.Fatal(err)
	}
	hooks{}.serve(t, s)
	if err := p.connect(t.Context(), s, answer); err != nil {
		t.Fatal(err)
	}
	p.await(t, 102)
	answer = p.renegotiate(t, s, sdptest.AV)
	if got := must(sdp.Parse(answer, "answer")).Media[0].Transport.Setup; got != "active" {
		t.Errorf("the role was active, and is %s now", got)
	}
	if s.eager.Load() {
		t.Fatal("a pair may still be chosen early")
	}
	data := strings.Replace(sdptest.AV, "BUNDLE 0 1", "BUNDLE 0 1 2", 1) +
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=ice-ufrag:x\r\na=ice-pwd:x\r\na=fingerprint:x\r\na=setup:actpass\r\na=sctp-port:5000\r\n"
	p.renegotiate(t, s, data)
	if s.eager.Load() {
		t.Error("with data channels any pair may be chosen")
	}
}

// A packet that waits to be read while a further offer takes its payload type away is
// left out; pion would end the stream over it.
func TestTypeIsTakenAwayWhilePacketsWait(t *testing.T) {
	s := &Session{classes: map[uint8]class{111: sounds, 0: sounds}}
	set := func(types map[uint8]uint8) { s.types.Store(&types) }
	p := &placed{queue: queue{packetio.NewBuffer()}, session: s}
	set(map[uint8]uint8{109: 111})
	must(p.Write([]byte{0x80, 109, 1}))
	set(map[uint8]uint8{0: 0})
	must(p.Write([]byte{0x80, 0, 2}))
	b := make([]byte, 10)
	if n := must(p.Read(b)); n != 3 || b[1] != 0 || b[2] != 2 {
		t.Errorf("read %x", b[:n])
	}
}

// All of a session may be used while it is renegotiated and closed, also by an owner
// that reads no events.
func TestUsedWhileRenegotiatedAndClosed(t *testing.T) {
	tracks := []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: "main"}, {Codec: kvsmedia.Opus, Name: "sound"}}
	p := newRawPeer(t)
	s, answer, err := Answer(t.Context(), Config{Certificates: &Certificates{}}, must(sdp.Parse(sdp.Marshal("offer", p.as(sdptest.AV)), "offer")), studio(t, tracks))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := p.connect(t.Context(), s, answer); err != nil {
		t.Fatal(err)
	}
	p.await(t, 102)
	paused := strings.ReplaceAll(sdptest.AV, "a=recvonly", "a=inactive")
	var work sync.WaitGroup
	for _, f := range []func(int){
		func(i int) {
			text := []string{paused, sdptest.AV}[i%2]
			_, _ = s.Renegotiate(t.Context(), must(sdp.Parse(sdp.Marshal("offer", p.as(text)), "offer")))
			s.Trickle()
		},
		func(int) { _ = s.Report() },
		func(int) { s.Path(); s.Lanes(); s.SetLane(0) },
		func(int) { _ = s.AddCandidate([]byte("candidate:1 1 udp 1 127.0.0.1 9 typ host")) },
		func(int) { s.Silent(); _ = s.Diagnose() },
		func(i int) {
			if i == 100 {
				s.Close()
			}
		},
	} {
		work.Go(func() {
			for i := range 120 {
				f(i)
				time.Sleep(time.Millisecond)
			}
		})
	}
	work.Wait()
}
