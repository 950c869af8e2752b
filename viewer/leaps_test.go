package viewer

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/epoch"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// What a camera sends and what the viewer says goes on where PTS is set back or leaps;
// pictures that come in another order than they are shown keep it.
func TestPTSGoesOn(t *testing.T) {
	const frame = 40 * time.Millisecond
	video, voice := &kvsmedia.Track{Codec: kvsmedia.H264}, &kvsmedia.Track{Codec: kvsmedia.Opus}
	v := &Viewer{
		cfg: Config{Talk: voice}, first: make(chan struct{}),
		frames: ring.New[kvsmedia.Frame](ring.Config{Bytes: 1 << 20, Keep: time.Hour, Lanes: lanes}), clock: epoch.New(0, 0),
		talk: ring.New[*packet.Unit](ring.Config{Bytes: 1 << 20, Keep: time.Hour}), voice: epoch.New(0),
	}
	said := v.talk.Reader(1)
	now, last := time.Now(), -frame
	for i, pts := range []time.Duration{0, frame, 2 * frame, time.Hour, time.Hour + frame, frame, 2 * frame, 3 * frame} {
		now = now.Add(frame)
		v.take(kvsmedia.Frame{Track: video, Key: true, PTS: pts, Time: now, Data: []byte{1}})
		if err := v.WriteFrame(kvsmedia.Frame{Track: voice, PTS: pts, Data: []byte{1}}); err != nil {
			t.Fatal(err)
		}
		it, _, _ := said.TryNext()
		if got := it.Value.Frame.PTS; got <= last || got > last+2*frame || it.At != got {
			t.Errorf("packet %d of the voice is at %v, after %v", i, got, last)
		}
		last = it.At
	}
	if err := v.WriteFrame(kvsmedia.Frame{Track: voice, PTS: 3 * frame, Data: []byte{1}}); err == nil {
		t.Error("a PTS was taken twice")
	}
	v.take(kvsmedia.Frame{Track: video, PTS: 6 * frame, Time: now.Add(frame), Data: []byte{1}})
	v.take(kvsmedia.Frame{Track: video, PTS: 4 * frame, Time: now.Add(2 * frame), Data: []byte{1}})
	want := []time.Duration{0, 1, 2, 3, 4, 5, 6, 7, 10, 8}
	for f := range v.Frames(t.Context()) {
		if f.PTS != want[0]*frame {
			t.Errorf("a picture is at %v, want %v", f.PTS, want[0]*frame)
		}
		if want = want[1:]; len(want) == 0 {
			break
		}
	}
}
