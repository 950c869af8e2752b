// Package sdptest holds offers as peers write them, with what is right to answer:
// those of the programs that people watch cameras with, those that failed in the
// field, and oddities of each kind.
package sdptest

import (
	"embed"
	"fmt"
	"strings"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Offer is an offer of a peer: a file, or AV with changes made to it.
type Offer struct {
	Name    string
	Tracks  []*kvsmedia.Track // of the camera; H264 and Opus if nil
	Further bool              // an offer of a session that is there

	// Want is what each section is answered: its direction, "data", or 0 for port
	// 0; or the code of the refusal, behind an exclamation mark.
	Want  string
	Types [2]int // payload types of picture and sound that are sent; 0 for any

	file    string
	changes []string // pairs of old and new text
	append  string
}

//go:embed cases offers
var files embed.FS

// Text returns the SDP.
func (o Offer) Text() string {
	text := AV
	if o.file != "" {
		b, err := files.ReadFile(o.file)
		if err != nil {
			panic(err)
		}
		text = string(b)
	}
	for i := 0; i < len(o.changes); i += 2 {
		if !strings.Contains(text, o.changes[i]) {
			panic(fmt.Sprintf("%s: the offer has no %q", o.Name, o.changes[i]))
		}
		text = strings.ReplaceAll(text, o.changes[i], o.changes[i+1])
	}
	return text + o.append
}

const twcc = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

const transport = "c=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=ice-options:trickle\r\n" +
	"a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=rtcp-mux\r\n"

// AV offers a picture, a sound and a voice.
const AV = "v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" + video + audio

const video = "m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n" + transport + "a=mid:0\r\na=recvonly\r\n" +
	"a=extmap:4 " + twcc + "\r\na=rtpmap:102 H264/90000\r\na=rtcp-fb:102 nack\r\na=rtcp-fb:102 transport-cc\r\n" +
	"a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\na=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n"

const audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\r\n" + transport + "a=mid:1\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\n"

const data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" + transport + "a=mid:2\r\na=sctp-port:5000\r\n"

// as returns a section of AV under another mid and direction.
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
	h264 = &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}
	h265 = &kvsmedia.Track{Codec: kvsmedia.H265, Name: "big"}
	opus = &kvsmedia.Track{Codec: kvsmedia.Opus, Name: "sound"}
	pcma = &kvsmedia.Track{Codec: kvsmedia.PCMA, Name: "telephone"}
	aac  = &kvsmedia.Track{Codec: kvsmedia.AAC, Name: "archive"}
)

// All are the offers.
var All = []Offer{
	// Files of the issue.
	{Name: "Echo Show", file: "cases/echo-show-offer.sdp", Want: "sendrecv sendonly", Types: [2]int{99, 96}},
	{Name: "GStreamer without a group", file: "cases/gstreamer-default-video.sdp", Want: "sendonly", Types: [2]int{96}},
	{Name: "GStreamer max-bundle", file: "cases/gstreamer-maxbundle-passes.sdp", Want: "sendonly sendonly", Types: [2]int{96, 97}},
	{Name: "pause and resume 2", file: "cases/pause-resume-02.sdp", Want: "sendonly sendonly", Types: [2]int{102, 111}},
	{Name: "pause and resume 3", file: "cases/pause-resume-03.sdp", Further: true, Want: "inactive sendonly", Types: [2]int{0, 111}},
	{Name: "pause and resume 4", file: "cases/pause-resume-04.sdp", Further: true, Want: "sendonly sendonly", Types: [2]int{102, 111}},
	{Name: "no mid", file: "cases/synthetic-nomid-videoonly.sdp", Want: "sendonly", Types: [2]int{102}},
	{Name: "Opus with one channel", file: "cases/synthetic-opus-mono.sdp", Want: "sendonly sendrecv", Types: [2]int{102, 111}},
	{Name: "payload types without rtpmap", file: "cases/synthetic-pt-no-rtpmap-audio.sdp", Want: "sendonly sendrecv", Types: [2]int{102, 111}},
	{Name: "setup:passive", file: "cases/synthetic-setup-passive.sdp", Want: "sendonly sendrecv", Types: [2]int{102, 111}},
	{Name: "own camera first", file: "cases/synthetic-two-video.sdp", Want: "inactive sendonly", Types: [2]int{102}},

	// What Chromium, GStreamer and aiortc offer.
	{Name: "aiortc, sound", file: "offers/aiortc-1.4-audio-data.sdp", Want: "sendonly data"},
	{Name: "aiortc", file: "offers/aiortc-1.4-av-data.sdp", Want: "sendonly sendonly data", Types: [2]int{99, 96}},
	{Name: "aiortc, talk", file: "offers/aiortc-1.4-talk.sdp", Want: "sendonly sendrecv"},
	{Name: "Chromium balanced", file: "offers/chromium-156-bundle-balanced-av.sdp", Want: "sendonly sendonly"},
	{Name: "Chromium balanced, talk", file: "offers/chromium-156-bundle-balanced-talk-data.sdp", Want: "sendrecv sendonly data"},
	{Name: "Chromium max-bundle", file: "offers/chromium-156-bundle-max-bundle-av.sdp", Want: "sendonly sendonly"},
	{Name: "Chromium max-bundle, talk", file: "offers/chromium-156-bundle-max-bundle-talk-data.sdp", Want: "sendrecv sendonly data"},
	{Name: "Chromium max-bundle, gathered", file: "offers/chromium-156-bundle-max-bundle-talk-data-gathered.sdp", Want: "sendrecv sendonly data"},
	{Name: "Chromium max-compat", file: "offers/chromium-156-bundle-max-compat-av.sdp", Want: "sendonly sendonly"},
	{Name: "Chromium max-compat, talk", file: "offers/chromium-156-bundle-max-compat-talk-data.sdp", Want: "sendrecv sendonly data"},
	{Name: "Chromium max-compat, gathered", file: "offers/chromium-156-bundle-max-compat-talk-data-gathered.sdp", Want: "sendrecv sendonly data"},
	{Name: "Chromium again, paused", file: "offers/chromium-156-again-av-paused.sdp", Further: true, Want: "inactive inactive"},
	{Name: "Chromium again, resumed", file: "offers/chromium-156-again-av-resumed.sdp", Further: true, Want: "sendonly sendonly"},
	{Name: "Chromium again, sound later", file: "offers/chromium-156-again-sound-later.sdp", Further: true, Want: "sendonly sendonly"},
	{Name: "Chromium again, talk later", file: "offers/chromium-156-again-talk-later.sdp", Further: true, Want: "sendonly sendrecv"},
	{Name: "GStreamer balanced", file: "offers/gstreamer-1.22-bundle-balanced-av.sdp", Want: "sendonly 0"},
	{Name: "GStreamer balanced, talk", file: "offers/gstreamer-1.22-bundle-balanced-talk.sdp", Want: "sendonly 0"},
	{Name: "GStreamer max-bundle, sound", file: "offers/gstreamer-1.22-bundle-max-bundle-av.sdp", Want: "sendonly sendonly"},
	{Name: "GStreamer max-bundle, talk", file: "offers/gstreamer-1.22-bundle-max-bundle-talk.sdp", Want: "sendonly sendrecv"},
	{Name: "GStreamer max-bundle, talk and data", file: "offers/gstreamer-1.22-bundle-max-bundle-talk-data.sdp", Want: "sendonly sendrecv data"},
	{Name: "GStreamer max-compat", file: "offers/gstreamer-1.22-bundle-max-compat-av.sdp", Want: "sendonly sendonly"},
	{Name: "GStreamer max-compat, talk", file: "offers/gstreamer-1.22-bundle-max-compat-talk.sdp", Want: "sendonly sendrecv"},
	{Name: "GStreamer none, sound alone", file: "offers/gstreamer-1.22-bundle-none-audio.sdp", Want: "sendonly"},
	{Name: "GStreamer none", file: "offers/gstreamer-1.22-bundle-none-av.sdp", Want: "sendonly 0"},
	{Name: "GStreamer none, Opus without channels", file: "offers/gstreamer-1.22-bundle-none-av-opus-without-channels.sdp", Want: "sendonly 0"},
	{Name: "GStreamer none, talk", file: "offers/gstreamer-1.22-bundle-none-talk.sdp", Want: "sendonly 0"},
	{Name: "GStreamer none, talk and data", file: "offers/gstreamer-1.22-bundle-none-talk-data.sdp", Want: "sendonly 0 0"},
	{Name: "GStreamer none, picture alone", file: "offers/gstreamer-1.22-bundle-none-video.sdp", Want: "sendonly"},

	// Groups.
	{Name: "plain", Want: "sendonly sendrecv", Types: [2]int{102, 111}},
	{Name: "no group", changes: []string{"a=group:BUNDLE 0 1\r\n", ""}, Want: "sendonly 0"},
	{Name: "another group first", changes: []string{"a=group:BUNDLE 0 1", "a=group:LS 0 1\r\na=group:BUNDLE 0 1"}, Want: "sendonly sendrecv"},
	{Name: "the picture is not in the group", changes: []string{"BUNDLE 0 1", "BUNDLE 1"}, Want: "sendonly 0"},
	{Name: "two groups", changes: []string{"a=group:BUNDLE 0 1", "a=group:BUNDLE 0\r\na=group:BUNDLE 1"}, Want: "sendonly 0"},
	{Name: "a group with an unknown mid first", changes: []string{"BUNDLE 0 1", "BUNDLE x 0 1"}, Want: "sendonly sendrecv"},
	{Name: "no group and no picture", changes: append(of(as(video, "0", "inactive"), audio, data), "a=group:BUNDLE 0 1 2\r\n", ""), Want: "0 sendrecv 0"},

	// Directions.
	{Name: "own microphone before the camera's sound", changes: of(as(audio, "m", "sendonly"), video, as(audio, "1", "recvonly")), Want: "recvonly sendonly sendonly"},
	{Name: "inactive section before", changes: of(as(video, "x", "inactive"), video, audio), Want: "inactive sendonly sendrecv"},
	{Name: "section of port 0 before", changes: of(strings.Replace(as(video, "x", "recvonly"), "video 9", "video 0", 1), video, audio), Want: "0 sendonly sendrecv"},
	{Name: "a second picture", changes: of(video, as(video, "x", "recvonly"), audio), Want: "sendonly 0 sendrecv"},
	{Name: "picture first offered sendrecv", changes: []string{"a=recvonly", "a=sendrecv"}, Want: "sendonly sendrecv"},
	{Name: "direction of the session", changes: []string{"t=0 0", "t=0 0\r\na=recvonly", "a=mid:0\r\na=recvonly", "a=mid:0", "a=mid:1\r\na=sendrecv", "a=mid:1"}, Want: "sendonly sendonly"},
	{Name: "talk alone", changes: of(as(audio, "1", "sendonly")), Want: "recvonly"},
	{Name: "data alone", changes: of(data), Want: "data"},
	{Name: "all inactive", changes: of(as(video, "0", "inactive"), as(audio, "1", "inactive")), Want: "!nothing to serve"},
	{Name: "all inactive, later", changes: of(as(video, "0", "inactive"), as(audio, "1", "inactive")), Further: true, Want: "inactive inactive"},
	{Name: "sendrecv to sendonly", changes: of(video, as(audio, "1", "sendonly")), Further: true, Want: "sendonly recvonly"},
	{Name: "own camera alone", changes: of(as(video, "0", "sendonly")), Want: "!nothing to serve"},
	{Name: "picture paused, data", changes: of(as(video, "0", "inactive"), data), Want: "inactive data"},

	// Codecs.
	{Name: "H264 of mode 0 alone", changes: []string{"packetization-mode=1", "packetization-mode=0"}, Want: "sendonly sendrecv"},
	{Name: "H264 interleaved", changes: []string{"packetization-mode=1", "packetization-mode=2"}, Want: "!no common codec"},
	{Name: "none stated before mode 0", changes: []string{"102 103\r\n", "98 99 102 103\r\n",
		"a=rtpmap:102", "a=rtpmap:98 H264/90000\r\na=fmtp:98 packetization-mode=0\r\na=rtpmap:99 H264/90000\r\na=rtpmap:102",
		"packetization-mode=1", "packetization-mode=7"}, Want: "sendonly sendrecv", Types: [2]int{99, 111}},
	{Name: "mode 1 before none stated", changes: []string{"102 103\r\n", "99 102 103\r\n", "a=rtpmap:102", "a=rtpmap:99 H264/90000\r\na=rtpmap:102"}, Want: "sendonly sendrecv", Types: [2]int{102, 111}},
	{Name: "H265 for a camera of H264", changes: []string{"H264", "H265"}, Want: "!no common codec"},
	{Name: "H265", changes: []string{"H264", "H265"}, Tracks: []*kvsmedia.Track{h265, h264, pcma}, Want: "sendonly sendrecv", Types: [2]int{102, 8}},
	{Name: "upper and lower case", changes: []string{"H264/90000", "h264/90000", "opus", "OPUS"}, Want: "sendonly sendrecv"},
	{Name: "a camera without sound", Tracks: []*kvsmedia.Track{h264}, Want: "sendonly recvonly"},
	{Name: "a camera with AAC", Tracks: []*kvsmedia.Track{h264, aac}, Want: "sendonly recvonly"},
	{Name: "a camera without picture", Tracks: []*kvsmedia.Track{opus}, Want: "0 sendrecv"},
	{Name: "sound of G.722 alone", changes: []string{"111 0 8\r\n", "9\r\n", "a=rtpmap:111 opus/48000/2", "a=rtpmap:9 G722/8000"}, Want: "sendonly 0"},
	{Name: "G.711 at 16 kHz", changes: []string{"111 0 8\r\n", "96\r\n", "a=rtpmap:111 opus/48000/2", "a=rtpmap:96 PCMA/16000"}, Tracks: []*kvsmedia.Track{h264, pcma}, Want: "sendonly 0"},
	{Name: "sound without picture in common", changes: []string{"H264", "VP8"}, Want: "!no common codec"},

	// Odd lines.
	{Name: "LF line ends", changes: []string{"\r\n", "\n"}, Want: "sendonly sendrecv"},
	{Name: "CR line ends", changes: []string{"\r\n", "\r"}, Want: "sendonly sendrecv"},
	{Name: "trailing blanks", changes: []string{"\r\n", " \t\r\n"}, Want: "sendonly sendrecv"},
	{Name: "c= after t=", changes: []string{"t=0 0\r\n", "t=0 0\r\nc=IN IP4 0.0.0.0\r\n"}, Want: "sendonly sendrecv"},
	{Name: "negative origin ids", changes: []string{"o=- 46117 2", "o=- -46117 -2"}, Want: "sendonly sendrecv"},
	{Name: "origin ids of 30 digits", changes: []string{"o=- 46117 2", "o=- 461174611746117461174611746117 2"}, Want: "sendonly sendrecv"},
	{Name: "no origin", changes: []string{"o=- 46117 2 IN IP4 127.0.0.1\r\n", ""}, Want: "sendonly sendrecv"},
	{Name: "unknown kinds of media", changes: of("m=text 9 UDP/TLS/RTP/SAVPF 98\r\n"+transport+"a=mid:t\r\n", video, "m=image 0 udptl t38\r\na=mid:i\r\n", audio), Want: "0 sendonly 0 sendrecv"},
	{Name: "lines that are none", changes: []string{"s=-\r\n", "s=-\r\nhello\r\n=\r\n\r\nz\r\na\r\na=\r\na=:\r\n"}, Want: "sendonly sendrecv"},
	{Name: "odd attributes", append: "a=rtpmap:x y\r\na=rtpmap\r\na=fmtp:300 a\r\na=rtcp-fb:\r\na=extmap:99 z\r\na=extmap\r\na=ssrc:x\r\na=candidate:\r\n", Want: "sendonly sendrecv"},
	{Name: "candidates with host names", append: "a=candidate:1 1 udp 1 a.local 5000 typ host\r\na=candidate:2 1 udp 1 192.0.2.1 5000 typ host\r\na=candidate:3 1 udp 1 host.example 5000 typ srflx\r\n", Want: "sendonly sendrecv"},
	{Name: "plain RTP", changes: []string{"UDP/TLS/RTP/SAVPF", "RTP/AVP"}, Want: "!nothing to serve"},
	{Name: "the profile of old browsers", changes: []string{"UDP/TLS/RTP/SAVPF", "RTP/SAVPF"}, Want: "sendonly sendrecv"},
	{Name: "data channels before RFC 8841", changes: of(video, "m=application 9 DTLS/SCTP 5000\r\n"+transport+"a=mid:2\r\na=sctpmap:5000 webrtc-datachannel 1024\r\n"), Want: "sendonly data"},
	{Name: "no fingerprint", changes: []string{"a=fingerprint:sha-256 AA:BB\r\n", ""}, Want: "!nothing to serve"},
	{Name: "no ICE password", changes: []string{"a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n", ""}, Want: "!nothing to serve"},
	{Name: "no setup", changes: []string{"a=setup:actpass\r\n", ""}, Want: "sendonly sendrecv"},
	{Name: "setup:active", changes: []string{"a=setup:actpass", "a=setup:active"}, Want: "sendonly sendrecv"},
}

// Named returns the offer with a name; it panics if there is none.
func Named(name string) Offer {
	for _, o := range All {
		if o.Name == name {
			return o
		}
	}
	panic("sdptest: no offer " + name)
}
