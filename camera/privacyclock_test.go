package camera_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// A wall clock that is set back at the end of privacy does not make frames that were
// captured while it was on look new: a Time in the future tells as little as one long ago.
func TestPrivacyAndAClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, enc := offline(t, camera.Config{Privacy: true})
		c.SetPrivacy(false)
		video, audio := enc.next()
		video.Time, audio.Time = time.Now().Add(time.Hour), time.Now().Add(time.Hour)
		time.Sleep(10*time.Second - 1)
		if written(t, c, video) || written(t, c, audio) {
			t.Error("a frame of a time to come is taken")
		}
		time.Sleep(time.Nanosecond)
		if !written(t, c, video) || !written(t, c, audio) {
			t.Error("frames with a wrong Time are not taken")
		}
	})
}

// An encoder whose clock is ahead by a little is no reason to keep its frames out.
func TestPrivacyAndAClockAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, enc := offline(t, camera.Config{Privacy: true})
		c.SetPrivacy(false)
		video, _ := enc.next()
		if video.Time = time.Now().Add(time.Second); !written(t, c, video) {
			t.Error("a frame is not taken whose Time is a second ahead")
		}
	})
}

// Parameter sets that an encoder sends once count although privacy keeps out the frames
// that they come with: without them no key frame afterwards could be decoded.
func TestPrivacyKeepsParameterSets(t *testing.T) {
	s := testmedia.NewNoise()
	c, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{s.Track}, Privacy: true, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	var key kvsmedia.Frame
	for n := range 11 {
		f := s.Next()
		if n > 0 && f.Key {
			key = f
			break
		}
		if written(t, c, f) {
			t.Fatal("a frame is taken")
		}
	}
	const sets = 4 + 25 + 4 + 5 // SPS and PPS of Noise, and their start codes
	whole := key.Data
	key.Data = whole[sets:]
	c.SetPrivacy(false)
	if !written(t, c, key) {
		t.Fatal("the key frame is not taken")
	}
	for f := range c.Frames(t.Context(), time.Hour) {
		if len(f.Data) != len(whole) {
			t.Errorf("the key frame has %d bytes, want %d, parameter sets included", len(f.Data), len(whole))
		}
		return
	}
}
