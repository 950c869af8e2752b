package rtc

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/internal/testing/sdptest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// A viewer takes what comes under the payload type that it offered, and under the
// one that the answer names. Other peers than cameras of this SDK write all sorts of answers.
func TestAnswersAsPeersWriteThem(t *testing.T) {
	replace := func(pairs ...string) func([]byte) []byte {
		return func(b []byte) []byte {
			for i := 0; i < len(pairs); i += 2 {
				if !bytes.Contains(b, []byte(pairs[i])) {
					panic("no " + pairs[i])
				}
				b = bytes.ReplaceAll(b, []byte(pairs[i]), []byte(pairs[i+1]))
			}
			return b
		}
	}
	none := replace()
	renumber := []string{"SAVPF 102 103", "SAVPF 35 36", ":102 ", ":35 ", ":103 ", ":36 ", "apt=102", "apt=35"}
	for name, c := range map[string]struct{ offer, answer func([]byte) []byte }{
		"as it should be":                           {none, none},
		"the answer renumbers, packets do not":      {none, replace(renumber...)},
		"the answer renumbers, and so do packets":   {replace(append([]string{" 102 103 106", " 35 36 106"}, renumber[2:]...)...), none},
		"the answer has no setup":                   {replace("a=setup:actpass", "a=setup:passive"), replace(`a=setup:active\r\n`, "")},
		"the answer has no SSRC":                    {none, func(b []byte) []byte { return withoutLines(b, "a=ssrc") }},
		"the answer has LF line ends":               {none, replace(`\r\n`, `\n`)},
		"the answer has no type":                    {none, replace(`"type":"answer",`, "")},
		"the answer names its candidates as others": {none, replace(`a=candidate:`, `a=candidate:x 1 tcp 1 192.0.2.1 9 typ host tcptype active\r\na=candidate:`)},
	} {
		t.Run(name, func(t *testing.T) {
			tracks := []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: "main"}}
			cfg := Config{Certificates: &Certificates{}}
			v, offer, err := Offer(cfg, Source{Ring: ring.New[*packet.Unit](ring.Config{})})
			if err != nil {
				t.Fatal(err)
			}
			frames := make(chan kvsmedia.Frame, 1000)
			hooks{Frame: func(f kvsmedia.Frame) { frames <- f }}.serve(t, v)
			s, answer, err := Answer(t.Context(), cfg, must(sdp.Parse(c.offer(offer), "offer")), studio(t, tracks))
			if err != nil {
				t.Fatal(err)
			}
			hooks{}.serve(t, s)
			if err := v.SetAnswer(c.answer(answer)); err != nil {
				t.Fatal(err)
			}
			for range 10 {
				if f := receive(t, frames, "frame"); f.Skipped > 0 || f.Track.Codec != kvsmedia.H264 {
					t.Fatalf("a frame of %v after %d lost ones", f.Track.Codec, f.Skipped)
				}
			}
			if r := v.Report(); r.Unplaced != 0 {
				t.Errorf("%d packets could not be placed", r.Unplaced)
			}
		})
	}
}

// withoutLines leaves lines with a prefix out of a payload.
func withoutLines(payload []byte, prefix string) []byte {
	var kept []string
	for _, line := range strings.Split(string(payload), `\r\n`) {
		if !strings.HasPrefix(line, prefix) {
			kept = append(kept, line)
		}
	}
	return []byte(strings.Join(kept, `\r\n`))
}

// What comes under a payload type that neither side named is counted and dropped.
func TestUnplacedPacketsAreCounted(t *testing.T) {
	p := newRawPeer(t)
	tracks := []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: "main"}}
	s, answer, err := Answer(t.Context(), Config{Certificates: &Certificates{}}, must(sdp.Parse(sdp.Marshal("offer", p.as(sdptest.AV)), "offer")), studio(t, tracks))
	if err != nil {
		t.Fatal(err)
	}
	hooks{Frame: func(f kvsmedia.Frame) { t.Errorf("a frame of %v came", f.Track.Codec) }}.serve(t, s)
	if err := p.connect(t.Context(), s, answer); err != nil {
		t.Fatal(err)
	}
	for seq := range uint16(10) {
		if err := p.sendRTP(&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 120, SSRC: 5, SequenceNumber: seq}, Payload: []byte{1}}); err != nil {
			t.Fatal(err)
		}
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(10 * time.Second); s.Report().Unplaced < 10; {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%d packets are counted", s.Report().Unplaced)
		}
	}
}
