package rtc

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/ring"
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

func description1(t testing.TB, sdp string) *description {
	t.Helper()
	payload, err := marshalDescription("offer", sdp)
	if err != nil {
		t.Fatal(err)
	}
	d, err := parseDescription(payload, "offer")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestChoosesTheCodecOfTheStream(t *testing.T) {
	d := description1(t, chromeOffer)
	if !d.trickle {
		t.Error("trickle was not seen")
	}
	for profile, want := range map[string][2]uint8{
		"42constrained": {108, 109}, "42": {102, 103}, "4d": {39, 0}, "64": {102, 103}, "": {102, 103},
	} {
		c := d.section("video").match(kvsmedia.H264, profile)
		if c == nil || c.pt != want[0] || c.rtx != want[1] {
			t.Errorf("profile %q: %+v, want payload types %v", profile, c, want)
		}
	}
	if c := d.section("video").match(kvsmedia.H265, "1"); c != nil {
		t.Errorf("H265 was not offered, got %+v", c)
	}
	for codec, want := range map[kvsmedia.Codec]uint8{kvsmedia.Opus: 111, kvsmedia.PCMU: 0, kvsmedia.PCMA: 8} {
		if c := d.section("audio").match(codec, ""); c == nil || c.pt != want {
			t.Errorf("%v: %+v", codec, c)
		}
	}
}

func TestBestRenditionThatTheViewerTakes(t *testing.T) {
	tracks := []*kvsmedia.Track{{Codec: kvsmedia.H265, Name: "main"}, {Codec: kvsmedia.H264, Name: "sub"},
		{Codec: kvsmedia.AAC, Name: "record"}, {Codec: kvsmedia.PCMA, Name: "talk"}}
	source := Source{Tracks: tracks, Profile: func(int) string { return "" }}
	chrome := description1(t, chromeOffer)
	if lane, _, err := source.chooseVideo(chrome); lane != 1 || err != nil {
		t.Errorf("a browser without H265 gets lane %d, %v", lane, err)
	}
	hevc := description1(t, strings.ReplaceAll(chromeOffer, "VP8/90000", "H265/90000"))
	if lane, _, err := source.chooseVideo(hevc); lane != 0 || err != nil {
		t.Errorf("a browser with H265 gets lane %d, %v", lane, err)
	}
	if lane, codecs := source.chooseAudio(chrome); lane != 3 || codecs[0].codec != kvsmedia.PCMA || len(codecs) != 3 {
		t.Errorf("audio lane %d, %+v", lane, codecs)
	}
	source.Tracks = tracks[:1]
	_, _, err := source.chooseVideo(chrome)
	var refusal *signaling.Refusal
	if !errors.As(err, &refusal) || refusal.Code != "no common codec" || !strings.Contains(refusal.Reason, "H265") {
		t.Errorf("H265 alone: %v", err)
	}
}

func TestRefusalReachesTheViewer(t *testing.T) {
	offer, err := marshalDescription("offer", chromeOffer)
	if err != nil {
		t.Fatal(err)
	}
	want := signaling.Refusal{Code: "viewer limit", Reason: "the camera serves 10\r\nviewers: too many"}
	answer, err := Refuse(offer, &want)
	if err != nil {
		t.Fatal(err)
	}
	d, err := parseDescription(answer, "answer")
	if err != nil {
		t.Fatal(err)
	}
	var got *signaling.Refusal
	if !errors.As(d.refused(), &got) || got.Code != want.Code || got.Reason != "the camera serves 10 viewers: too many" {
		t.Errorf("got %+v", got)
	}
	if len(d.media) != 2 {
		t.Errorf("%d media sections", len(d.media))
	}
}

func TestOffersOfOneSessionHaveOneIdentity(t *testing.T) {
	a := description1(t, chromeOffer)
	restart := description1(t, strings.ReplaceAll(strings.ReplaceAll(chromeOffer, "336 2 IN", "336 3 IN"), "abcd", "efgh"))
	other := description1(t, strings.ReplaceAll(chromeOffer, "4611731400430051336", "4611731400430051337"))
	if a.identity != restart.identity || a.identity == other.identity {
		t.Errorf("identities %q, %q, %q", a.identity, restart.identity, other.identity)
	}
}

// FuzzDescription takes arbitrary offers, as they come and through a whole
// answer.
func FuzzDescription(f *testing.F) {
	offer, _ := marshalDescription("offer", chromeOffer)
	f.Add(offer)
	f.Add(offer[:len(offer)/2])
	f.Add([]byte(`{"type":"offer","sdp":"v=0\r\nm=video 9 x 102\r\n"}`))
	source := Source{Ring: ring.New[*Unit](ring.Config{}), Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}},
		Profile: func(int) string { return "" }}
	cert, err := NewCertificate()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		_, _ = Identity(payload)
		if answer, err := Refuse(payload, &signaling.Refusal{Code: "c", Reason: "r"}); err == nil && !json.Valid(answer) {
			t.Errorf("answer is not JSON: %q", answer)
		}
		if d, err := parseDescription(payload, "offer"); err != nil || !d.trickle {
			return // a peer without trickle waits for candidates: too slow here
		}
		if s, _, err := Answer(t.Context(), Config{Certificate: cert}, payload, source); err == nil {
			s.Close()
		}
	})
}

// FuzzCandidate takes arbitrary candidates.
func FuzzCandidate(f *testing.F) {
	f.Add([]byte(`{"candidate":"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host","sdpMid":"0","sdpMLineIndex":0}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"candidate":""}`))
	s, _, err := Offer(Config{Certificate: must(NewCertificate())}, Source{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := parseCandidate(payload)
		if err == nil {
			_, _ = readCandidate(c.Candidate)
		}
		_ = s.AddCandidate(payload)
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestHostileDescriptions(t *testing.T) {
	for name, payload := range map[string][]byte{
		"huge":       bytes.Repeat([]byte("x"), 10<<20),
		"not JSON":   []byte("v=0"),
		"an answer":  []byte(`{"type":"answer","sdp":"v=0"}`),
		"cut":        []byte(`{"type":"offer","sdp":"v=0\r\no=- 1"}`),
		"no media":   []byte(`{"type":"offer","sdp":"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"}`),
		"many media": []byte(`{"type":"offer","sdp":"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n` + strings.Repeat(`m=video 9 x 96\r\n`, 100) + `"}`),
	} {
		if _, err := Identity(payload); err == nil || len(err.Error()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
