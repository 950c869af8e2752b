package sdp

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/testing/sdptest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// chromeOffer is what matters of an offer of Chromium.
const chromeOffer = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 106 107 108 109 39 40\r\nc=IN IP4 0.0.0.0\r\n" +
	"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=ice-options:trickle\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=mid:0\r\n" +
	"a=recvonly\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n" +
	"a=rtpmap:102 H264/90000\r\na=rtcp-fb:102 nack pli\r\na=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n" +
	"a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n" +
	"a=rtpmap:106 H264/90000\r\na=fmtp:106 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f\r\n" +
	"a=rtpmap:107 rtx/90000\r\na=fmtp:107 apt=106\r\n" +
	"a=rtpmap:108 H264/90000\r\na=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n" +
	"a=rtpmap:109 rtx/90000\r\na=fmtp:109 apt=108\r\n" +
	"a=rtpmap:39 H264/90000\r\na=fmtp:39 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\n"

func offerOf(t testing.TB, text string) *Description {
	t.Helper()
	d, err := Parse(Marshal("offer", text), "offer")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func choose(t testing.TB, d *Description, source Source) *Choice {
	t.Helper()
	c, err := Choose(d, source, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var h264 = &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}

func TestChoosesTheCodecOfTheStream(t *testing.T) {
	d := offerOf(t, chromeOffer)
	if !d.Trickle {
		t.Error("trickle was not seen")
	}
	for profile, want := range map[string][2]uint8{
		"42constrained": {108, 109}, "42": {102, 103}, "4d": {39, 0}, "64": {102, 103}, "": {102, 103},
	} {
		c := choose(t, d, Source{Tracks: []*kvsmedia.Track{h264}, Profile: func(int) string { return profile }})
		if c.Picture.PT != want[0] || c.Picture.RTX != want[1] {
			t.Errorf("profile %q: %+v, want payload types %v", profile, c.Picture, want)
		}
	}
	for codec, want := range map[kvsmedia.Codec]uint8{kvsmedia.Opus: 111, kvsmedia.PCMU: 0, kvsmedia.PCMA: 8} {
		c := choose(t, d, Source{Tracks: []*kvsmedia.Track{{Codec: codec}}})
		if !c.Sound.On || c.Sound.PT != want || len(c.Voice) != 3 {
			t.Errorf("%v: %+v, voices %v", codec, c.Sound, c.Voice)
		}
	}
}

func TestBestRenditionThatTheViewerTakes(t *testing.T) {
	tracks := []*kvsmedia.Track{{Codec: kvsmedia.H265, Name: "main"}, {Codec: kvsmedia.H264, Name: "sub"},
		{Codec: kvsmedia.AAC, Name: "record"}, {Codec: kvsmedia.PCMA, Name: "talk"}}
	source := Source{Tracks: tracks}
	chrome := offerOf(t, chromeOffer)
	if c := choose(t, chrome, source); c.Picture.Lane != 1 || c.Sound.Lane != 3 || c.Sound.PT != 8 {
		t.Errorf("a browser without H265 gets %+v and %+v", c.Picture, c.Sound)
	}
	hevc := offerOf(t, strings.ReplaceAll(chromeOffer, "VP8/90000", "H265/90000"))
	if c := choose(t, hevc, source); c.Picture.Lane != 0 {
		t.Errorf("a browser with H265 gets %+v", c.Picture)
	}
	source.Tracks = tracks[:1]
	_, err := Choose(chrome, source, nil)
	var refusal *signaling.Refusal
	if !errors.As(err, &refusal) || refusal.Code != "no common codec" || !strings.Contains(refusal.Reason, "H265") {
		t.Errorf("H265 alone: %v", err)
	}
}

func TestRefusalReachesTheViewer(t *testing.T) {
	want := signaling.Refusal{Code: "viewer limit", Reason: "the camera serves 10\r\nviewers: too many"}
	d, err := Parse(offerOf(t, chromeOffer).Refuse(&want), "answer")
	if err != nil {
		t.Fatal(err)
	}
	var got *signaling.Refusal
	if !errors.As(d.Refused(), &got) || got.Code != want.Code || got.Reason != "the camera serves 10 viewers: too many" {
		t.Errorf("got %+v", got)
	}
	if len(d.Media) != 2 {
		t.Errorf("%d media sections", len(d.Media))
	}
}

func TestOffersOfOneSessionHaveOneIdentity(t *testing.T) {
	a := offerOf(t, chromeOffer)
	restart := offerOf(t, strings.ReplaceAll(strings.ReplaceAll(chromeOffer, "336 2 IN", "336 3 IN"), "abcd", "efgh"))
	other := offerOf(t, strings.ReplaceAll(chromeOffer, "4611731400430051336", "4611731400430051337"))
	if a.Identity != restart.Identity || a.Identity == other.Identity {
		t.Errorf("identities %q, %q, %q", a.Identity, restart.Identity, other.Identity)
	}
}

// FuzzOffer takes arbitrary offers. Whatever is chosen is answered, and the answer
// stands its own check.
func FuzzOffer(f *testing.F) {
	for _, o := range sdptest.All {
		f.Add(Marshal("offer", o.Text()))
	}
	f.Add([]byte(`{"type":"offer","sdp":"v=0\r\nm=video 9 x 102\r\n"}`))
	source := Source{Tracks: []*kvsmedia.Track{h264, {Codec: kvsmedia.Opus}}}
	f.Fuzz(func(t *testing.T, payload []byte) {
		d, err := Parse(payload, "offer")
		if err != nil {
			return
		}
		if answer := d.Refuse(&signaling.Refusal{Code: "c", Reason: "r"}); !json.Valid(answer) {
			t.Errorf("answer is not JSON: %q", answer)
		}
		for _, current := range []*Transport{nil, {}, {Fragment: "abcd"}} {
			c, err := Choose(d, source, current)
			if err != nil {
				continue
			}
			_ = c.Remote(true)
			if _, err := c.Answer(local); err != nil && !odd(d) {
				t.Errorf("%v: %q", err, payload)
			}
		}
	})
}

// odd reports whether an offer is such that no answer to it can be right: what it
// says twice with a different meaning.
func odd(d *Description) bool {
	seen := map[string]bool{}
	for _, m := range d.Media {
		if m.MID != "" && seen[m.MID] {
			return true
		}
		seen[m.MID] = true
		types := map[uint8]bool{}
		for _, c := range m.Codecs {
			if c.RTX != 0 && types[c.RTX] {
				return true
			}
			types[c.RTX] = true
		}
	}
	return false
}

// FuzzCandidate takes arbitrary candidates.
func FuzzCandidate(f *testing.F) {
	f.Add([]byte(`{"candidate":"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host","sdpMid":"0","sdpMLineIndex":0}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"candidate":""}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := ParseCandidate(payload)
		if err != nil {
			return
		}
		if again, err := parseCandidate(c.Line()); err != nil || again.Address != c.Address || again.Type != c.Type {
			t.Errorf("%q became %q: %v", payload, c.Line(), err)
		}
	})
}

func TestHostileDescriptions(t *testing.T) {
	for name, payload := range map[string][]byte{
		"huge":       bytes.Repeat([]byte("x"), 10<<20),
		"not JSON":   []byte("x=0"),
		"an answer":  []byte(`{"type":"answer","sdp":"v=0"}`),
		"cut":        []byte(`{"type":"offer","sdp":"v=0\r\no=- 1"}`),
		"no media":   []byte(`{"type":"offer","sdp":"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"}`),
		"many media": []byte(`{"type":"offer","sdp":"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n` + strings.Repeat(`m=video 9 x 96\r\n`, 100) + `"}`),
	} {
		if _, err := Parse(payload, "offer"); err == nil || len(err.Error()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
