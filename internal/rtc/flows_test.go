package rtc

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/internal/testing/sdptest"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// studio writes frames of each track, 30 a second, until the test ends.
func studio(t *testing.T, tracks []*kvsmedia.Track) Source {
	units := ring.New[*packet.Unit](ring.Config{Bytes: 8 << 20, Keep: 5 * time.Second, Lanes: len(tracks)})
	media := testmedia.NewNoise()
	write := func(n int) {
		at := time.Duration(n) * 33 * time.Millisecond
		picture := media.Next()
		for lane, track := range tracks {
			f := kvsmedia.Frame{Track: track, PTS: at, Key: true, Data: []byte{1, 2, 3}}
			if track.Codec.Video() {
				f.Key, f.Data = picture.Key, picture.Data
			}
			units.Push(ring.Item[*packet.Unit]{Lane: lane, Value: &packet.Unit{Frame: f}, Key: f.Key, Size: len(f.Data), At: at})
		}
	}
	write(0)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-tick.C:
				write(n)
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return Source{Ring: units, Tracks: tracks, Profile: func(int) string { return "" }}
}

// TestWhatFlows connects to a camera with each offer of the table, by a peer that
// looks at packets alone: what the answer promises comes, and nothing else.
func TestWhatFlows(t *testing.T) {
	certificates := &Certificates{}
	for i, o := range sdptest.All {
		if o.Further || testing.Short() && i%8 != 0 { // further ones are TestPauseResume's
			continue
		}
		t.Run(o.Name, func(t *testing.T) {
			t.Parallel()
			tracks := o.Tracks
			if tracks == nil {
				tracks = []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: "main"}, {Codec: kvsmedia.Opus, Name: "sound"}}
			}
			p := newRawPeer(t)
			d := must(sdp.Parse(sdp.Marshal("offer", p.as(o.Text())), "offer"))
			s, answer, err := Answer(t.Context(), Config{Certificates: certificates}, d, studio(t, tracks))
			if code, refused := strings.CutPrefix(o.Want, "!"); refused {
				if r := (*signaling.Refusal)(nil); !errors.As(err, &r) || r.Code != code {
					t.Fatalf("want a refusal, %q: %v", code, err)
				}
				return // and no session, so no place is held
			}
			if err != nil {
				t.Fatal(err)
			}
			hooks{}.serve(t, s)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := p.connect(ctx, s, answer); err != nil {
				t.Fatal(err, s.Report())
			}
			p.expect(ctx, t, answer)
		})
	}
}

// expect waits for packets of each stream that the answer announces, and fails for
// those of any other.
func (p *rawPeer) expect(ctx context.Context, t *testing.T, payload []byte) {
	t.Helper()
	answer := must(sdp.Parse(payload, "answer"))
	want := map[uint8]int{}
	rtx := map[uint8]bool{}
	for _, m := range answer.Media {
		if m.Port != 0 && m.Send && len(m.Codecs) > 0 {
			want[m.Codecs[0].PT] = 5
			rtx[m.Codecs[0].RTX] = true
		}
	}
	quiet := time.NewTimer(200 * time.Millisecond) // where nothing is to come
	defer quiet.Stop()
	for missing := len(want); missing > 0 || len(want) == 0; {
		select {
		case packet := <-p.got:
			n, ok := want[packet.PayloadType]
			if !ok && !rtx[packet.PayloadType] {
				t.Fatalf("a packet of payload type %d came", packet.PayloadType)
			}
			if n--; n == 0 {
				missing--
			}
			want[packet.PayloadType] = n
		case <-quiet.C:
			if len(want) == 0 {
				return
			}
		case <-ctx.Done():
			t.Fatalf("packets are missing: %v", want)
		}
	}
}

// renegotiate sends the peer's next offer.
func (p *rawPeer) renegotiate(t *testing.T, s *Session, text string) []byte {
	t.Helper()
	answer, err := s.Renegotiate(t.Context(), must(sdp.Parse(sdp.Marshal("offer", p.as(text)), "offer")))
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// await returns when a packet of a payload type has come.
func (p *rawPeer) await(t *testing.T, pt uint8) rtp.Packet {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		select {
		case packet := <-p.got:
			if packet.PayloadType == pt {
				return packet
			}
		case <-limit:
			t.Fatalf("no packet of payload type %d", pt)
		}
	}
}

// silent fails the test if packets of a payload type come.
func (p *rawPeer) silent(t *testing.T, pt uint8) {
	t.Helper()
	for settle := time.After(100 * time.Millisecond); ; { // those on their way
		select {
		case <-p.got:
			continue
		case <-settle:
		}
		break
	}
	for end := time.After(500 * time.Millisecond); ; {
		select {
		case packet := <-p.got:
			if packet.PayloadType == pt {
				t.Fatalf("a packet of payload type %d came", pt)
			}
		case <-end:
			return
		}
	}
}

// directions are the directions of an answer's sections, 0 for port 0.
func directions(payload []byte) string {
	var words []string
	for _, m := range must(sdp.Parse(payload, "answer")).Media {
		word := map[[2]bool]string{{true, true}: "sendrecv", {true, false}: "sendonly", {false, true}: "recvonly", {false, false}: "inactive"}[[2]bool{m.Send, m.Recv}]
		if m.Port == 0 {
			word = "0"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// A further offer changes what is wanted: a pause and its end, sound added and
// taken away, a voice. None of it restarts ICE, and nothing else is disturbed.
func TestFurtherOffers(t *testing.T) {
	tracks := []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: "main"}, {Codec: kvsmedia.Opus, Name: "sound"}}
	p := newRawPeer(t)
	video := strings.Split(sdptest.AV, "m=audio")[0]
	audio := "m=audio" + strings.Split(sdptest.AV, "m=audio")[1]
	alone := strings.Replace(video, "BUNDLE 0 1", "BUNDLE 0", 1)
	s, answer, err := Answer(t.Context(), Config{Certificates: &Certificates{}}, must(sdp.Parse(sdp.Marshal("offer", p.as(alone)), "offer")), studio(t, tracks))
	if err != nil {
		t.Fatal(err)
	}
	voices := make(chan kvsmedia.Frame, 100)
	hooks{Frame: func(f kvsmedia.Frame) { voices <- f }}.serve(t, s)
	if err := p.connect(t.Context(), s, answer); err != nil {
		t.Fatal(err)
	}
	step := func(text, want string) {
		t.Helper()
		if got := directions(p.renegotiate(t, s, text)); got != want {
			t.Fatalf("answered %q, want %q", got, want)
		}
	}
	say := func(seq uint16) {
		t.Helper()
		if err := p.sendRTP(&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 111, SSRC: 77, SequenceNumber: seq, Timestamp: uint32(seq) * 960}, Payload: []byte{9}}); err != nil {
			t.Fatal(err)
		}
	}
	p.await(t, 102)
	last := p.await(t, 102)

	step(strings.ReplaceAll(alone, "a=recvonly", "a=inactive"), "inactive")
	p.silent(t, 102)
	step(alone, "sendonly")
	first := p.await(t, 102)
	if d := first.SequenceNumber - last.SequenceNumber; d > 1000 {
		t.Errorf("the numbers jump by %d over a pause", d)
	}
	if kind := first.Payload[0] & 0x1f; kind != 7 { // the parameter set of a key frame
		t.Errorf("resuming begins with a NAL unit of type %d", kind)
	}
	step(video+strings.Replace(audio, "a=sendrecv", "a=recvonly", 1), "sendonly sendonly") // sound is added
	p.await(t, 111)
	step(video+audio, "sendonly sendrecv") // a voice
	for seq := uint16(1); len(voices) == 0; seq++ {
		say(seq)
		select {
		case <-time.After(20 * time.Millisecond):
		case <-s.Done():
			t.Fatal(s.Err())
		}
	}
	if f := <-voices; f.Track.Codec != kvsmedia.Opus {
		t.Errorf("the voice is %v", f.Track.Codec)
	}
	step(video+strings.Replace(audio, "a=sendrecv", "a=sendonly", 1), "sendonly recvonly") // the sound is turned off
	p.silent(t, 111)
	step(strings.ReplaceAll(video, "a=recvonly", "a=inactive")+strings.Replace(audio, "a=sendrecv", "a=inactive", 1), "inactive inactive")
	p.silent(t, 102)
	step(video+audio, "sendonly sendrecv")
	p.await(t, 102)
	p.await(t, 111)
	if p := s.Report().Selected; p == nil {
		t.Error("no path")
	}
}

// The case of the issue: the third answer gives the picture again.
func TestPauseResume(t *testing.T) {
	text := func(name string) string { return sdptest.Named(name).Text() }
	p := newRawPeer(t)
	tracks := []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: "main"}, {Codec: kvsmedia.Opus, Name: "sound"}}
	s, answer, err := Answer(t.Context(), Config{Certificates: &Certificates{}},
		must(sdp.Parse(sdp.Marshal("offer", p.as(text("pause and resume 2"))), "offer")), studio(t, tracks))
	if err != nil {
		t.Fatal(err)
	}
	hooks{}.serve(t, s)
	if err := p.connect(t.Context(), s, answer); err != nil {
		t.Fatal(err)
	}
	p.await(t, 102)
	if got := directions(p.renegotiate(t, s, text("pause and resume 3"))); got != "inactive sendonly" {
		t.Errorf("paused: %s", got)
	}
	p.silent(t, 102)
	if got := directions(p.renegotiate(t, s, text("pause and resume 4"))); got != "sendonly sendonly" {
		t.Errorf("resumed: %s", got)
	}
	p.await(t, 102)
}
