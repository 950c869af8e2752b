package camera

import (
	"testing"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestHintsAreMerged(t *testing.T) {
	a, b := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "a"}, &kvsmedia.Track{Codec: kvsmedia.H264, Name: "b"}
	h := newHinter([]*kvsmedia.Track{a, b})
	h.keyframe(a)
	h.bitrate(b, 3)
	h.bitrate(a, 1)
	h.bitrate(a, 2)
	h.keyframe(b)
	h.keyframe(a) // too soon
	if got := <-h.ch; got != (EncoderHint{a, true, 2}) {
		t.Errorf("got %+v", got)
	}
	if got := <-h.ch; got != (EncoderHint{b, true, 3}) {
		t.Errorf("got %+v", got)
	}
	select {
	case got := <-h.ch:
		t.Errorf("and %+v", got)
	default:
	}
}
