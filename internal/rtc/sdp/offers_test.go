package sdp

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/testing/sdptest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

var local = Local{Session: 1, Version: 1, Fragment: "ufra", Password: "passwordpasswordpassword", Fingerprint: "sha-256 AA:BB",
	Candidates: []string{"candidate:1 1 udp 2130706431 192.0.2.9 5000 typ host"}, Picture: 11, Repair: 12, Sound: 13}

var opus = &kvsmedia.Track{Codec: kvsmedia.Opus, Name: "sound"}

func sourceOf(o sdptest.Offer) Source {
	tracks := o.Tracks
	if tracks == nil {
		tracks = []*kvsmedia.Track{h264, opus}
	}
	return Source{Tracks: tracks, Profile: func(int) string { return "" }}
}

// TestOffers says of each offer what is answered and what will be sent. An offer
// of which nothing is taken is a refusal, so that it holds no place.
func TestOffers(t *testing.T) {
	if len(sdptest.All) < 60 {
		t.Fatalf("%d offers, want at least 60", len(sdptest.All))
	}
	for _, o := range sdptest.All {
		t.Run(o.Name, func(t *testing.T) {
			if got := answerOf(t, o); got != o.Want {
				t.Errorf("answered %q, want %q", got, o.Want)
			}
		})
	}
}

// answerOf returns what the sections are answered, in the words of Offer.Want.
func answerOf(t *testing.T, o sdptest.Offer) string {
	d := offerOf(t, o.Text())
	var current *Transport
	if o.Further {
		current = &Transport{}
	}
	c, err := Choose(d, sourceOf(o), current)
	if refusal := (*signaling.Refusal)(nil); errors.As(err, &refusal) {
		return "!" + refusal.Code
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range []struct {
		pt int
		on bool
	}{{int(c.Picture.PT), c.Picture.On}, {int(c.Sound.PT), c.Sound.On}} {
		if want := o.Types[i]; want != 0 && (!f.on || f.pt != want) {
			t.Errorf("stream %d is sent (%t) as %d, want %d", i, f.on, f.pt, want)
		}
	}
	payload, err := c.Answer(local)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := Parse(payload, "answer")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for i, m := range answer.Media {
		switch {
		case m.Port == 0:
			words = append(words, "0")
		case m.Kind == "application":
			words = append(words, "data")
		default:
			words = append(words, m.direction())
		}
		if has := strings.Count(sectionText(payload, i), "a=candidate"); (has > 0) != (i == c.transport) {
			t.Errorf("section %d has %d candidates, the transport is section %d", i, has, c.transport)
		}
	}
	return strings.Join(words, " ")
}

// sectionText returns the text of a section.
func sectionText(payload []byte, i int) string {
	parts := strings.Split(string(payload), `\r\nm=`)
	return parts[i+1]
}

// The roles of DTLS, as RFC 8842, 5.3 has them.
func TestSetup(t *testing.T) {
	for offered, want := range map[string]string{"actpass": "passive", "active": "passive", "passive": "active", "holdconn": "passive", "": "passive"} {
		text := strings.ReplaceAll(sdptest.AV, "a=setup:actpass\r\n", map[bool]string{true: "a=setup:" + offered + "\r\n"}[offered != ""])
		if got := choose(t, offerOf(t, text), Source{Tracks: []*kvsmedia.Track{h264}}).Setup(""); got != want {
			t.Errorf("%q is answered %q, want %q", offered, got, want)
		}
		sound := strings.LastIndex(sdptest.AV, "a=setup:actpass")
		text = strings.ReplaceAll(sdptest.AV[:sound], "a=setup:actpass", "a=setup:"+offered) + strings.Replace(sdptest.AV[sound:], "actpass", "passive", 1)
		if _, err := choose(t, offerOf(t, text), Source{Tracks: []*kvsmedia.Track{h264, opus}}).Answer(local); err != nil {
			t.Errorf("%q for the picture, passive for the sound: %v", offered, err)
		}
	}
}

func TestLimits(t *testing.T) {
	for line, want := range map[string]int{
		"b=AS:2500": 2_500_000, "b=TIAS:300000": 300_000, "b=CT:5": 0, "b=AS:": 0, "b=AS:x": 0, "b=AS:999999999": 1 << 30, "b=TIAS:-5": 0,
	} {
		for _, at := range []string{"a=mid:0", "a=group:BUNDLE 0 1"} {
			d := offerOf(t, strings.Replace(sdptest.AV, at, line+"\r\n"+at, 1))
			if c := choose(t, d, Source{Tracks: []*kvsmedia.Track{h264}}); c.Picture.Limit != want {
				t.Errorf("%s before %s: %d bit/s", line, at, c.Picture.Limit)
			}
		}
	}
}

// What peers write for an offer or a candidate.
func TestPayloadsAsPeersWriteThem(t *testing.T) {
	quoted := fmt.Sprintf("%q", sdptest.AV)
	for _, payload := range []string{
		`{"type":"offer","sdp":` + quoted + `}`, `{"type":"OFFER","sdp":` + quoted + `}`, `{"sdp":` + quoted + `}`,
		`{"type":"offer","sdp":` + quoted + "}\x00", "\xef\xbb\xbf" + `{"type":"offer","sdp":` + quoted + `}` + "\n", sdptest.AV, sdptest.AV + "\x00\x00", " " + sdptest.AV,
	} {
		if d, err := Parse([]byte(payload), "offer"); err != nil || len(d.Media) != 2 {
			t.Errorf("%.40q: %v", payload, err)
		}
	}
	line := "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host generation 0 ufrag abcd network-id 1"
	for _, payload := range []string{
		`{"candidate":"` + line + `","sdpMid":"0","sdpMLineIndex":0}`, `{"candidate":"` + line + `","sdpMid":0,"sdpMLineIndex":"0"}`,
		`{"candidate":"` + line + `","sdpMLineIndex":0.0}`, `{"candidate":"` + line + `","sdpMLineIndex":-1,"usernameFragment":null}`,
		`{"candidate":"a=` + line + `"}`, `{"candidate":"` + strings.TrimPrefix(line, "candidate:") + `"}`, line, "a=" + line + "\r\n\x00", `"` + line + `"`,
		`{"candidate":"` + strings.ReplaceAll(line, "udp", "UDP") + ` "}`, `{"candidate":"` + line + "\"}\x00",
	} {
		if c, err := ParseCandidate([]byte(payload)); err != nil || c.Address.String() != "192.0.2.1:5000" || c.Fragment != "abcd" {
			t.Errorf("%q: %+v, %v", payload, c, err)
		}
	}
	for _, payload := range []string{"null", `{"candidate":""}`, "", `{"candidate":null}`, "\x00", `{}`, `{"candidate":" "}`} {
		if _, err := ParseCandidate([]byte(payload)); !errors.Is(err, ErrEnd) {
			t.Errorf("%q: %v", payload, err)
		}
	}
	for _, bad := range []string{
		"candidate:1 2 udp 1 192.0.2.1 5000 typ host", "candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active", "candidate:1 1 udp 1 x.local 5000 typ host",
		"candidate:1 1 udp 1 192.0.2.1 0 typ host", "candidate:1 1 udp 1 192.0.2.1 99999 typ host", "candidate:1 1 udp -1 192.0.2.1 5 typ host",
		"candidate:1 1 udp 1 0.0.0.0 5000 typ host", "candidate:1 1 udp 1 224.0.0.1 5000 typ host", "candidate:1 1 udp 1 255.255.255.255 5000 typ host",
		"candidate:1 1 udp 1 192.0.2.1 5000 typ x", "candidate:", "hello", `{"candidate":7}`, "{", strings.Repeat("x", 5000),
	} {
		if c, err := ParseCandidate([]byte(bad)); err == nil || errors.Is(err, ErrEnd) {
			t.Errorf("%.60q: %+v, %v", bad, c, err)
		}
	}
}

// An answer that says something else than what is sent does not go out.
func TestAnswerIsChecked(t *testing.T) {
	source := Source{Tracks: []*kvsmedia.Track{h264, opus}}
	good := func() *Choice { return choose(t, offerOf(t, sdptest.AV), source) }
	if _, err := good().Answer(local); err != nil {
		t.Fatal(err)
	}
	for name, breaks := range map[string]func(*Choice, *Local){
		"sent under a payload type that was not announced": func(c *Choice, _ *Local) { c.Picture.PT = 99 },
		"announced and not sent":                           func(c *Choice, _ *Local) { c.Sound.On = false },
		"sent and not announced":                           func(c *Choice, _ *Local) { c.sections[0].send = false },
		"takes nothing":                                    func(c *Choice, _ *Local) { c.sections[0].served, c.sections[1].served = false, false },
		"no fingerprint":                                   func(_ *Choice, l *Local) { l.Fingerprint = "" },
		"sends to one who does not receive":                func(c *Choice, _ *Local) { c.offer.Media[0].Recv = false },
		"not bundled with the transport":                   func(c *Choice, _ *Local) { c.offer.bundles = nil },
		"retransmissions of another type":                  func(c *Choice, _ *Local) { c.Picture.RTX = 98 },
		"another id of the sequence numbers":               func(c *Choice, _ *Local) { c.Picture.TWCC = 9 },
	} {
		c, l := good(), local
		breaks(c, &l)
		if answer, err := c.Answer(l); err == nil {
			t.Errorf("%s: %s", name, answer)
		}
	}
}

// Without a group, a session stays on the transport that it has: pausing the picture
// does not move it to the sound's.
func TestFurtherOfferStaysOnItsTransport(t *testing.T) {
	alone := strings.Replace(sdptest.AV, "a=group:BUNDLE 0 1\r\n", "", 1)
	alone = alone[:strings.Index(alone, "m=audio")] + strings.ReplaceAll(alone[strings.Index(alone, "m=audio"):], "abcd", "efgh")
	source := Source{Tracks: []*kvsmedia.Track{h264, opus}}
	first, err := Choose(offerOf(t, alone), source, nil)
	if err != nil {
		t.Fatal(err)
	}
	current := first.Transport()
	paused, err := Choose(offerOf(t, strings.Replace(alone, "a=recvonly", "a=inactive", 1)), source, &current)
	if err != nil {
		t.Fatal(err)
	}
	if paused.Transport() != current || paused.Picture.On || paused.Sound.On {
		t.Errorf("paused, the transport is %+v, picture %v, sound %v", paused.Transport(), paused.Picture.On, paused.Sound.On)
	}
	if _, err := paused.Answer(local); err != nil {
		t.Error(err)
	}
}

// Where the section whose transport is in use can no longer be served, nothing is.
func TestFurtherOfferWithoutItsTransport(t *testing.T) {
	alone := strings.Replace(sdptest.AV, "a=group:BUNDLE 0 1\r\n", "", 1)
	d := offerOf(t, strings.Replace(alone, "m=video", "m=vide/do", 1))
	_, err := Choose(d, Source{Tracks: []*kvsmedia.Track{h264, opus}}, &d.Media[0].Transport)
	var refusal *signaling.Refusal
	if !errors.As(err, &refusal) || refusal.Code != "nothing to serve" {
		t.Errorf("got %v", err)
	}
}

// A picture that is barred is not offered: another rendition is, of any codec that the
// viewer takes, and without one it is told why.
func TestBarredPictures(t *testing.T) {
	why := errors.New("set bframes=0")
	h265 := &kvsmedia.Track{Codec: kvsmedia.H265, Name: "large"}
	small := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "small"}
	for name, c := range map[string]struct {
		tracks  []*kvsmedia.Track
		barred  map[int]bool
		further bool
		lane    int
		code    string
	}{
		"none":                     {[]*kvsmedia.Track{h264, small, opus}, nil, false, 0, ""},
		"the first":                {[]*kvsmedia.Track{h264, small, opus}, map[int]bool{0: true}, false, 1, ""},
		"one that nobody takes":    {[]*kvsmedia.Track{h265, h264, opus}, map[int]bool{0: true}, false, 1, ""},
		"all":                      {[]*kvsmedia.Track{h264, small, opus}, map[int]bool{0: true, 1: true}, false, 0, "B-frames"},
		"all, of a further offer":  {[]*kvsmedia.Track{h264, opus}, map[int]bool{0: true}, true, 0, "B-frames"},
		"of a codec not decoded":   {[]*kvsmedia.Track{h265, opus}, map[int]bool{0: true}, false, 0, "no common codec"},
		"another codec, all taken": {[]*kvsmedia.Track{h265, h264, opus}, map[int]bool{1: true}, false, 0, "B-frames"},
	} {
		var current *Transport
		if c.further {
			current = &Transport{}
		}
		s := Source{Tracks: c.tracks, Barred: func(lane int) error {
			if c.barred[lane] {
				return why
			}
			return nil
		}}
		choice, err := Choose(offerOf(t, sdptest.AV), s, current)
		var refusal *signaling.Refusal
		switch {
		case c.code == "" && (err != nil || !choice.Picture.On || choice.Picture.Lane != c.lane):
			t.Errorf("%s: %+v, %v; want lane %d", name, choice, err, c.lane)
		case c.code != "" && (!errors.As(err, &refusal) || refusal.Code != c.code):
			t.Errorf("%s: %v, want %s", name, err, c.code)
		case c.code == "B-frames" && !strings.Contains(refusal.Reason, why.Error()):
			t.Errorf("%s: %v does not say why", name, err)
		}
	}
}

// Sound that is barred, such as G.711 of another rate, is not offered; the next that
// the viewer takes is.
func TestBarredSound(t *testing.T) {
	wide := &kvsmedia.Track{Codec: kvsmedia.PCMU, SampleRate: 16000, Name: "wide"}
	barred := func(lane int) error {
		if lane == 1 {
			return errors.New("16 kHz")
		}
		return nil
	}
	for name, c := range map[string]struct {
		tracks []*kvsmedia.Track
		lane   int
		on     bool
	}{
		"with another": {[]*kvsmedia.Track{h264, wide, opus}, 2, true},
		"alone":        {[]*kvsmedia.Track{h264, wide}, 0, false},
	} {
		choice, err := Choose(offerOf(t, sdptest.AV), Source{Tracks: c.tracks, Barred: barred}, nil)
		if err != nil || !choice.Picture.On || choice.Sound.On != c.on || c.on && choice.Sound.Lane != c.lane {
			t.Errorf("%s: %+v, %v", name, choice, err)
		}
	}
}
