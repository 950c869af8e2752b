package rtsp

import (
	"errors"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdp"
)

const (
	sessionLines = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=Media\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
	videoLines   = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:v\r\n"
	soundLines   = "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:a\r\n"
)

// streams reads a description as gortsplib does after Mend.
func streams(t *testing.T, text string) (*Description, []*Stream, error) {
	t.Helper()
	var d Description
	res := &base.Response{Header: base.Header{"Content-Type": base.HeaderValue{"application/sdp; charset=utf-8"}}, Body: []byte(text)}
	d.Mend(res)
	var s sdp.SessionDescription
	var session description.Session
	if err := errors.Join(s.Unmarshal(res.Body)); err != nil {
		return &d, nil, err
	}
	if err := session.Unmarshal(&s); err != nil {
		return &d, nil, err
	}
	return &d, d.Streams(&session), nil
}

func TestDescriptions(t *testing.T) {
	for name, c := range map[string]struct {
		sdp     string
		want    string // codecs and clocks
		problem string
	}{
		"usual":       {videoLines + soundLines, "H264 90000, PCMA 8000", ""},
		"lines of LF": {strings.ReplaceAll(videoLines+soundLines, "\r\n", "\n"), "H264 90000, PCMA 8000", ""},
		"AAC without configuration": {videoLines + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000\r\na=control:a\r\n",
			"H264 90000", `medium 2 of the description ("m=audio 0 RTP/AVP 97") is left out: config is missing`},
		"a payload type that is none": {"m=application 0 RTP/AVP x\r\na=control:x\r\n" + videoLines,
			"H264 90000", `("m=application 0 RTP/AVP x") is left out`},
		"a line that cannot be read": {"m=audio port RTP/AVP 8\r\n" + videoLines, "H264 90000", `("m=audio port RTP/AVP 8") is left out`},
		"groups":                     {"a=group:FEC 1 2\r\n" + "m=audio 0 RTP/AVP\r\na=mid:2\r\n" + videoLines + "a=mid:1\r\n", "H264 90000", `medium 1`},
		"metadata": {videoLines + "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:m\r\n",
			"H264 90000", "the application stream (Generic) is left out: its codec is none that a camera can use"},
		"H.265 with empty sets": {"m=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\na=fmtp:97 sprop-vps=;sprop-sps=;sprop-pps=\r\na=control:v\r\n" + soundLines,
			"H265 90000, PCMA 8000", ""},
		"H.265 with broken sets": {"m=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\na=fmtp:97 profile-id=1; sprop-vps=%%; sprop-sps=QgE; sprop-max-don-diff=0\r\na=control:v\r\n",
			"H265 90000", ""},
		"H.264 with broken sets": {strings.Replace(videoLines, "mode=1", "mode=1;sprop-parameter-sets=%%,%%", 1), "H264 90000", ""},
		"H.264, interleaved":     {strings.Replace(videoLines, "mode=1", "mode=2", 1) + soundLines, "PCMA 8000", "the video stream (H264) is left out"},
		"G.711 at 16 kHz": {videoLines + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 PCMU/16000\r\na=control:a\r\nm=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/16000/1\r\n",
			"H264 90000, PCMU 16000, PCMU 16000", ""},
		"HE-AAC": {videoLines + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/48000/2\r\na=fmtp:97 streamtype=5; mode=AAC-hbr; config=13100000; SizeLength=13; IndexLength=3; IndexDeltaLength=3\r\n",
			"H264 90000, AAC 48000", ""},
		"AAC of another rate": {videoLines + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/8000/2\r\na=fmtp:97 streamtype=5; mode=AAC-hbr; config=1310; SizeLength=13; IndexLength=3; IndexDeltaLength=3\r\n",
			"H264 90000", "8000 Hz (rtpmap) for AAC of 24000 Hz (config)"},
	} {
		d, list, err := streams(t, sessionLines+c.sdp)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, s := range list {
			rate := map[bool]string{true: " 90000", false: ""}[s.Track.Codec.Video() && s.Rate == 90000]
			if !s.Track.Codec.Video() {
				rate = " " + map[int]string{8000: "8000", 16000: "16000", 48000: "48000"}[s.Rate]
			}
			got = append(got, s.Track.Codec.String()+rate)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %v, want %s; %v", name, got, c.want, d.Problems)
		}
		switch {
		case c.problem == "" && len(d.Problems) > 0, c.problem != "" && len(d.Problems) != 1,
			c.problem != "" && !strings.Contains(d.Problems[0].Error(), c.problem):
			t.Errorf("%s: problems %v, want %q", name, d.Problems, c.problem)
		}
	}
}

// What nothing can be made of is left to gortsplib to refuse, and other responses are not touched.
func TestMendLeavesAlone(t *testing.T) {
	if d, _, err := streams(t, sessionLines+"m=audio 0 RTP/AVP x\r\n"); err == nil || len(d.Problems) != 1 {
		t.Errorf("%v, %v", err, d.Problems)
	}
	d64, _, _ := streams(t, sessionLines+strings.Repeat(soundLines, maxMedia+1))
	_, many, err := streams(t, sessionLines+strings.Repeat(soundLines, maxMedia))
	if len(d64.Problems) < 1 || !strings.Contains(d64.Problems[0].Error(), "65 media") || err != nil || len(many) != maxStreams {
		t.Errorf("%d streams, %v, %v", len(many), err, d64.Problems)
	}
	for _, body := range []string{"", "garbage", strings.Repeat("m=video\r\n", maxSDP)} {
		if _, _, err := streams(t, body); err == nil {
			t.Errorf("%.20q was taken", body)
		}
	}
	var d Description
	res := &base.Response{Header: base.Header{"Content-Type": base.HeaderValue{"text/parameters"}}, Body: []byte(sessionLines + "m=audio 0 RTP/AVP x\r\n")}
	before := string(res.Body)
	if d.Mend(res); string(res.Body) != before || d.Problems != nil {
		t.Errorf("changed to %q", res.Body)
	}
}

func FuzzMend(f *testing.F) {
	f.Add([]byte(sessionLines + videoLines + soundLines))
	f.Add([]byte("m=audio 0 RTP/AVP 97\na=rtpmap:97 H265/90000\na=fmtp:97 sprop-vps=;sprop-sps=\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _, _ = streams(t, string(body))
	})
}
