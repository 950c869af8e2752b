package sdp

import (
	"net/url"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// TestTrackNames writes names into answers and reads them, and reads what no camera of
// this SDK writes.
func TestTrackNames(t *testing.T) {
	for name, want := range map[string]string{
		"main": "main", "": "", "front, größer": "front, größer", "a/b:c=d": "a/b:c=d",
		"two\nlines": "", "\xff": "", // which must not spoil a log
		strings.Repeat("x", 256): strings.Repeat("x", 256), strings.Repeat("x", 257): "",
	} {
		offer, err := Parse(Marshal("offer", viewerOffer), "offer")
		if err != nil {
			t.Fatal(err)
		}
		choice, err := Choose(offer, Source{Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: name}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := choice.Answer(Local{Fragment: "u", Password: "p", Fingerprint: "sha-256 AA", Picture: 1})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := Parse(payload, "answer")
		if err != nil || answer.Media[0].track != want {
			t.Errorf("%q becomes %q: %v", name, answer.Media[0].track, err)
		}
	}
	for value, want := range map[string]string{"%": "", "%zz": "", "%0a": "", "%ff": "", "a%20b": "a b", url.PathEscape(strings.Repeat("ä", 200)): ""} {
		if got := trackName(value); got != want {
			t.Errorf("%.20q is read as %q", value, got)
		}
	}
}

const viewerOffer = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AA\r\na=setup:actpass\r\na=ice-options:trickle\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f\r\n"
