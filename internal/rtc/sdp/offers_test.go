package sdp

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

var local = Local{Session: 1, Version: 1, Fragment: "ufra", Password: "passwordpasswordpassword", Fingerprint: "sha-256 AA:BB",
	Candidates: []string{"candidate:1 1 udp 2130706431 192.0.2.9 5000 typ host"}, Picture: 11, Repair: 12, Sound: 13}

// offer is an offer of the table: a file, or the offer av with changes made to it.
type offer struct {
	name    string
	file    string
	changes []string // pairs of old and new text
	append  string
	tracks  []*kvsmedia.Track // H264 and Opus if nil
	further bool              // an offer of a session that is there

	// want is what each section is answered: its direction, "data", or 0 for port
	// 0; or the code of the refusal, behind an exclamation mark.
	want  string
	types [2]int // payload types of picture and sound that are sent; 0 for the first H264 and any
}

func (o offer) text(t testing.TB) string {
	text := av
	if o.file != "" {
		b, err := os.ReadFile(filepath.Join("testdata", o.file))
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
	for i := 0; i < len(o.changes); i += 2 {
		if !strings.Contains(text, o.changes[i]) {
			t.Fatalf("%s: the offer has no %q", o.name, o.changes[i])
		}
		text = strings.ReplaceAll(text, o.changes[i], o.changes[i+1])
	}
	return text + o.append
}

const transport = "c=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=ice-options:trickle\r\n" +
	"a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=rtcp-mux\r\n"

// av offers a picture, a sound and a voice.
const av = "v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" + video + audio

const video = "m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n" + transport + "a=mid:0\r\na=recvonly\r\n" +
	"a=extmap:4 " + twccURI + "\r\na=rtpmap:102 H264/90000\r\na=rtcp-fb:102 nack\r\na=rtcp-fb:102 transport-cc\r\n" +
	"a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\na=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n"

const audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\r\n" + transport + "a=mid:1\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\n"

const data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" + transport + "a=mid:2\r\na=sctp-port:5000\r\n"

// as returns a section of av under another mid and direction.
func as(section, mid, direction string) string {
	old := map[bool]string{true: "a=mid:0\r\na=recvonly\r\n", false: "a=mid:1\r\na=sendrecv\r\n"}[strings.HasPrefix(section, "m=video")]
	return strings.Replace(section, old, "a=mid:"+mid+"\r\na="+direction+"\r\n", 1)
}

// of is an offer of these sections, bundled.
func of(sections ...string) []string {
	var mids []string
	for _, s := range sections {
		_, rest, _ := strings.Cut(s, "a=mid:")
		mid, _, _ := strings.Cut(rest, "\r\n")
		mids = append(mids, mid)
	}
	return []string{"a=group:BUNDLE 0 1\r\n" + video + audio, "a=group:BUNDLE " + strings.Join(mids, " ") + "\r\n" + strings.Join(sections, "")}
}

var (
	h265 = &kvsmedia.Track{Codec: kvsmedia.H265, Name: "big"}
	opus = &kvsmedia.Track{Codec: kvsmedia.Opus, Name: "sound"}
	pcma = &kvsmedia.Track{Codec: kvsmedia.PCMA, Name: "telephone"}
	aac  = &kvsmedia.Track{Codec: kvsmedia.AAC, Name: "archive"}
)

var offers = []offer{
	// Files of the issue.
	{name: "Echo Show", file: "cases/echo-show-offer.sdp", want: "sendrecv sendonly", types: [2]int{99, 96}},
	{name: "GStreamer without a group", file: "cases/gstreamer-default-video.sdp", want: "sendonly", types: [2]int{96}},
	{name: "GStreamer max-bundle", file: "cases/gstreamer-maxbundle-passes.sdp", want: "sendonly sendonly", types: [2]int{96, 97}},
	{name: "pause and resume 2", file: "cases/pause-resume-02.sdp", want: "sendonly sendonly", types: [2]int{102, 111}},
	{name: "pause and resume 3", file: "cases/pause-resume-03.sdp", further: true, want: "inactive sendonly", types: [2]int{0, 111}},
	{name: "pause and resume 4", file: "cases/pause-resume-04.sdp", further: true, want: "sendonly sendonly", types: [2]int{102, 111}},
	{name: "no mid", file: "cases/synthetic-nomid-videoonly.sdp", want: "sendonly", types: [2]int{102}},
	{name: "Opus with one channel", file: "cases/synthetic-opus-mono.sdp", want: "sendonly sendrecv", types: [2]int{102, 111}},
	{name: "payload types without rtpmap", file: "cases/synthetic-pt-no-rtpmap-audio.sdp", want: "sendonly sendrecv", types: [2]int{102, 111}},
	{name: "setup:passive", file: "cases/synthetic-setup-passive.sdp", want: "sendonly sendrecv", types: [2]int{102, 111}},
	{name: "own camera first", file: "cases/synthetic-two-video.sdp", want: "inactive sendonly", types: [2]int{102}},

	// What Chromium, GStreamer and aiortc offer.
	{name: "aiortc, sound", file: "offers/aiortc-1.4-audio-data.sdp", want: "sendonly data"},
	{name: "aiortc", file: "offers/aiortc-1.4-av-data.sdp", want: "sendonly sendonly data", types: [2]int{99, 96}},
	{name: "aiortc, talk", file: "offers/aiortc-1.4-talk.sdp", want: "sendonly sendrecv"},
	{name: "Chromium balanced", file: "offers/chromium-156-bundle-balanced-av.sdp", want: "sendonly sendonly"},
	{name: "Chromium balanced, talk", file: "offers/chromium-156-bundle-balanced-talk-data.sdp", want: "sendrecv sendonly data"},
	{name: "Chromium max-bundle", file: "offers/chromium-156-bundle-max-bundle-av.sdp", want: "sendonly sendonly"},
	{name: "Chromium max-bundle, talk", file: "offers/chromium-156-bundle-max-bundle-talk-data.sdp", want: "sendrecv sendonly data"},
	{name: "Chromium max-bundle, gathered", file: "offers/chromium-156-bundle-max-bundle-talk-data-gathered.sdp", want: "sendrecv sendonly data"},
	{name: "Chromium max-compat", file: "offers/chromium-156-bundle-max-compat-av.sdp", want: "sendonly sendonly"},
	{name: "Chromium max-compat, talk", file: "offers/chromium-156-bundle-max-compat-talk-data.sdp", want: "sendrecv sendonly data"},
	{name: "Chromium max-compat, gathered", file: "offers/chromium-156-bundle-max-compat-talk-data-gathered.sdp", want: "sendrecv sendonly data"},
	{name: "GStreamer balanced", file: "offers/gstreamer-1.22-bundle-balanced-av.sdp", want: "sendonly 0"},
	{name: "GStreamer balanced, talk", file: "offers/gstreamer-1.22-bundle-balanced-talk.sdp", want: "sendonly 0"},
	{name: "GStreamer max-bundle, sound", file: "offers/gstreamer-1.22-bundle-max-bundle-av.sdp", want: "sendonly sendonly"},
	{name: "GStreamer max-bundle, talk", file: "offers/gstreamer-1.22-bundle-max-bundle-talk.sdp", want: "sendonly sendrecv"},
	{name: "GStreamer max-bundle, talk and data", file: "offers/gstreamer-1.22-bundle-max-bundle-talk-data.sdp", want: "sendonly sendrecv data"},
	{name: "GStreamer max-compat", file: "offers/gstreamer-1.22-bundle-max-compat-av.sdp", want: "sendonly sendonly"},
	{name: "GStreamer max-compat, talk", file: "offers/gstreamer-1.22-bundle-max-compat-talk.sdp", want: "sendonly sendrecv"},
	{name: "GStreamer none, sound alone", file: "offers/gstreamer-1.22-bundle-none-audio.sdp", want: "sendonly"},
	{name: "GStreamer none", file: "offers/gstreamer-1.22-bundle-none-av.sdp", want: "sendonly 0"},
	{name: "GStreamer none, Opus without channels", file: "offers/gstreamer-1.22-bundle-none-av-opus-without-channels.sdp", want: "sendonly 0"},
	{name: "GStreamer none, talk", file: "offers/gstreamer-1.22-bundle-none-talk.sdp", want: "sendonly 0"},
	{name: "GStreamer none, talk and data", file: "offers/gstreamer-1.22-bundle-none-talk-data.sdp", want: "sendonly 0 0"},
	{name: "GStreamer none, picture alone", file: "offers/gstreamer-1.22-bundle-none-video.sdp", want: "sendonly"},

	// Groups.
	{name: "plain", want: "sendonly sendrecv", types: [2]int{102, 111}},
	{name: "no group", changes: []string{"a=group:BUNDLE 0 1\r\n", ""}, want: "sendonly 0"},
	{name: "another group first", changes: []string{"a=group:BUNDLE 0 1", "a=group:LS 0 1\r\na=group:BUNDLE 0 1"}, want: "sendonly sendrecv"},
	{name: "the picture is not in the group", changes: []string{"BUNDLE 0 1", "BUNDLE 1"}, want: "sendonly 0"},
	{name: "two groups", changes: []string{"a=group:BUNDLE 0 1", "a=group:BUNDLE 0\r\na=group:BUNDLE 1"}, want: "sendonly 0"},
	{name: "a group with an unknown mid first", changes: []string{"BUNDLE 0 1", "BUNDLE x 0 1"}, want: "sendonly sendrecv"},
	{name: "no group and no picture", changes: append(of(as(video, "0", "inactive"), audio, data), "a=group:BUNDLE 0 1 2\r\n", ""), want: "0 sendrecv 0"},

	// Directions.
	{name: "own microphone before the camera's sound", changes: of(as(audio, "m", "sendonly"), video, as(audio, "1", "recvonly")), want: "recvonly sendonly sendonly"},
	{name: "inactive section before", changes: of(as(video, "x", "inactive"), video, audio), want: "inactive sendonly sendrecv"},
	{name: "section of port 0 before", changes: of(strings.Replace(as(video, "x", "recvonly"), "video 9", "video 0", 1), video, audio), want: "0 sendonly sendrecv"},
	{name: "a second picture", changes: of(video, as(video, "x", "recvonly"), audio), want: "sendonly 0 sendrecv"},
	{name: "picture first offered sendrecv", changes: []string{"a=recvonly", "a=sendrecv"}, want: "sendonly sendrecv"},
	{name: "direction of the session", changes: []string{"t=0 0", "t=0 0\r\na=recvonly", "a=mid:0\r\na=recvonly", "a=mid:0", "a=mid:1\r\na=sendrecv", "a=mid:1"}, want: "sendonly sendonly"},
	{name: "talk alone", changes: of(as(audio, "1", "sendonly")), want: "recvonly"},
	{name: "data alone", changes: of(data), want: "data"},
	{name: "all inactive", changes: of(as(video, "0", "inactive"), as(audio, "1", "inactive")), want: "!nothing to serve"},
	{name: "all inactive, later", changes: of(as(video, "0", "inactive"), as(audio, "1", "inactive")), further: true, want: "inactive inactive"},
	{name: "sendrecv to sendonly", changes: of(video, as(audio, "1", "sendonly")), further: true, want: "sendonly recvonly"},
	{name: "own camera alone", changes: of(as(video, "0", "sendonly")), want: "!nothing to serve"},
	{name: "picture paused, data", changes: of(as(video, "0", "inactive"), data), want: "inactive data"},

	// Codecs.
	{name: "H264 of mode 0 alone", changes: []string{"packetization-mode=1", "packetization-mode=0"}, want: "sendonly sendrecv"},
	{name: "H264 interleaved", changes: []string{"packetization-mode=1", "packetization-mode=2"}, want: "!no common codec"},
	{name: "none stated before mode 0", changes: []string{"102 103\r\n", "98 99 102 103\r\n",
		"a=rtpmap:102", "a=rtpmap:98 H264/90000\r\na=fmtp:98 packetization-mode=0\r\na=rtpmap:99 H264/90000\r\na=rtpmap:102",
		"packetization-mode=1", "packetization-mode=7"}, want: "sendonly sendrecv", types: [2]int{99, 111}},
	{name: "mode 1 before none stated", changes: []string{"102 103\r\n", "99 102 103\r\n", "a=rtpmap:102", "a=rtpmap:99 H264/90000\r\na=rtpmap:102"}, want: "sendonly sendrecv", types: [2]int{102, 111}},
	{name: "H265 for a camera of H264", changes: []string{"H264", "H265"}, want: "!no common codec"},
	{name: "H265", changes: []string{"H264", "H265"}, tracks: []*kvsmedia.Track{h265, h264, pcma}, want: "sendonly sendrecv", types: [2]int{102, 8}},
	{name: "upper and lower case", changes: []string{"H264/90000", "h264/90000", "opus", "OPUS"}, want: "sendonly sendrecv"},
	{name: "a camera without sound", tracks: []*kvsmedia.Track{h264}, want: "sendonly recvonly"},
	{name: "a camera with AAC", tracks: []*kvsmedia.Track{h264, aac}, want: "sendonly recvonly"},
	{name: "a camera without picture", tracks: []*kvsmedia.Track{opus}, want: "0 sendrecv"},
	{name: "sound of G.722 alone", changes: []string{"111 0 8\r\n", "9\r\n", "a=rtpmap:111 opus/48000/2", "a=rtpmap:9 G722/8000"}, want: "sendonly 0"},
	{name: "G.711 at 16 kHz", changes: []string{"111 0 8\r\n", "96\r\n", "a=rtpmap:111 opus/48000/2", "a=rtpmap:96 PCMA/16000"}, tracks: []*kvsmedia.Track{h264, pcma}, want: "sendonly 0"},
	{name: "sound without picture in common", changes: []string{"H264", "VP8"}, want: "!no common codec"},

	// Odd lines.
	{name: "LF line ends", changes: []string{"\r\n", "\n"}, want: "sendonly sendrecv"},
	{name: "CR line ends", changes: []string{"\r\n", "\r"}, want: "sendonly sendrecv"},
	{name: "trailing blanks", changes: []string{"\r\n", " \t\r\n"}, want: "sendonly sendrecv"},
	{name: "c= after t=", changes: []string{"t=0 0\r\n", "t=0 0\r\nc=IN IP4 0.0.0.0\r\n"}, want: "sendonly sendrecv"},
	{name: "negative origin ids", changes: []string{"o=- 46117 2", "o=- -46117 -2"}, want: "sendonly sendrecv"},
	{name: "origin ids of 30 digits", changes: []string{"o=- 46117 2", "o=- 461174611746117461174611746117 2"}, want: "sendonly sendrecv"},
	{name: "no origin", changes: []string{"o=- 46117 2 IN IP4 127.0.0.1\r\n", ""}, want: "sendonly sendrecv"},
	{name: "unknown kinds of media", changes: of("m=text 9 UDP/TLS/RTP/SAVPF 98\r\n"+transport+"a=mid:t\r\n", video, "m=image 0 udptl t38\r\na=mid:i\r\n", audio), want: "0 sendonly 0 sendrecv"},
	{name: "lines that are none", changes: []string{"s=-\r\n", "s=-\r\nhello\r\n=\r\n\r\nz\r\na\r\na=\r\na=:\r\n"}, want: "sendonly sendrecv"},
	{name: "odd attributes", append: "a=rtpmap:x y\r\na=rtpmap\r\na=fmtp:300 a\r\na=rtcp-fb:\r\na=extmap:99 z\r\na=extmap\r\na=ssrc:x\r\na=candidate:\r\n", want: "sendonly sendrecv"},
	{name: "candidates with host names", append: "a=candidate:1 1 udp 1 a.local 5000 typ host\r\na=candidate:2 1 udp 1 192.0.2.1 5000 typ host\r\na=candidate:3 1 udp 1 host.example 5000 typ srflx\r\n", want: "sendonly sendrecv"},
	{name: "plain RTP", changes: []string{"UDP/TLS/RTP/SAVPF", "RTP/AVP"}, want: "!nothing to serve"},
	{name: "the profile of old browsers", changes: []string{"UDP/TLS/RTP/SAVPF", "RTP/SAVPF"}, want: "sendonly sendrecv"},
	{name: "data channels before RFC 8841", changes: of(video, "m=application 9 DTLS/SCTP 5000\r\n"+transport+"a=mid:2\r\na=sctpmap:5000 webrtc-datachannel 1024\r\n"), want: "sendonly data"},
	{name: "no fingerprint", changes: []string{"a=fingerprint:sha-256 AA:BB\r\n", ""}, want: "!nothing to serve"},
	{name: "no ICE password", changes: []string{"a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n", ""}, want: "!nothing to serve"},
	{name: "no setup", changes: []string{"a=setup:actpass\r\n", ""}, want: "sendonly sendrecv"},
	{name: "setup:active", changes: []string{"a=setup:actpass", "a=setup:active"}, want: "sendonly sendrecv"},
}

func (o offer) source() Source {
	tracks := o.tracks
	if tracks == nil {
		tracks = []*kvsmedia.Track{h264, opus}
	}
	return Source{Tracks: tracks, Profile: func(int) string { return "" }}
}

// TestOffers says of each offer what is answered and what will be sent. An offer
// of which nothing is taken is a refusal, so that it holds no place.
func TestOffers(t *testing.T) {
	if len(offers) < 60 {
		t.Fatalf("%d offers, want at least 60", len(offers))
	}
	for _, o := range offers {
		t.Run(o.name, func(t *testing.T) {
			if got := o.answer(t); got != o.want {
				t.Errorf("answered %q, want %q", got, o.want)
			}
		})
	}
}

// answer returns what the sections are answered, in the words of offer.want.
func (o offer) answer(t *testing.T) string {
	d := offerOf(t, o.text(t))
	c, err := Choose(d, o.source(), o.further)
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
		if want := o.types[i]; want != 0 && (!f.on || f.pt != want) {
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
		text := strings.ReplaceAll(av, "a=setup:actpass\r\n", map[bool]string{true: "a=setup:" + offered + "\r\n"}[offered != ""])
		if got := choose(t, offerOf(t, text), Source{Tracks: []*kvsmedia.Track{h264}}).Setup(); got != want {
			t.Errorf("%q is answered %q, want %q", offered, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	for line, want := range map[string]int{
		"b=AS:2500": 2_500_000, "b=TIAS:300000": 300_000, "b=CT:5": 0, "b=AS:": 0, "b=AS:x": 0, "b=AS:999999999": 1 << 30, "b=TIAS:-5": 0,
	} {
		for _, at := range []string{"a=mid:0", "a=group:BUNDLE 0 1"} {
			d := offerOf(t, strings.Replace(av, at, line+"\r\n"+at, 1))
			if c := choose(t, d, Source{Tracks: []*kvsmedia.Track{h264}}); c.Picture.Limit != want {
				t.Errorf("%s before %s: %d bit/s", line, at, c.Picture.Limit)
			}
		}
	}
}

// What peers write for an offer or a candidate.
func TestPayloadsAsPeersWriteThem(t *testing.T) {
	quoted := fmt.Sprintf("%q", av)
	for _, payload := range []string{
		`{"type":"offer","sdp":` + quoted + `}`, `{"type":"OFFER","sdp":` + quoted + `}`, `{"sdp":` + quoted + `}`,
		`{"type":"offer","sdp":` + quoted + "}\x00", "\xef\xbb\xbf" + `{"type":"offer","sdp":` + quoted + `}` + "\n", av, av + "\x00\x00", " " + av,
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
	good := func() *Choice { return choose(t, offerOf(t, av), source) }
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
