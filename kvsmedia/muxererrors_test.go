package kvsmedia_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

type failing struct{ left int }

var errDisk = errors.New("disk full")

func (w *failing) Write(b []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, errDisk
	}
	return len(b), nil
}

func TestMuxerErrors(t *testing.T) {
	day := clips.Day()
	video, aac := find(day, "main"), find(day, "aac")
	key := day.Frames[0]
	avcc, frames := prefixed(t, day, 4)
	later := func(f kvsmedia.Frame, by time.Duration) kvsmedia.Frame {
		f.PTS += by
		return f
	}
	with := func(f kvsmedia.Frame, data ...byte) kvsmedia.Frame {
		f.Data = data
		return f
	}
	sound := kvsmedia.Frame{Track: aac, Data: []byte{1}}
	negative := key
	negative.Time = time.Unix(-5, 0)
	for name, c := range map[string]struct {
		frames []kvsmedia.Frame
		want   string
	}{
		"foreign":      {[]kvsmedia.Frame{{Track: &kvsmedia.Track{Name: "x"}}}, `track "x", which the muxer was not made with`},
		"no track":     {[]kvsmedia.Frame{{}}, "the muxer was not made with"},
		"empty":        {[]kvsmedia.Frame{key, with(later(key, 40*ms))}, `frame 2 of track 1 "main" at 40ms: it has 0 bytes`},
		"huge":         {[]kvsmedia.Frame{with(key, make([]byte, 17<<20)...)}, "bytes, want 1 to"},
		"not Annex B":  {[]kvsmedia.Frame{with(key, 1, 2, 3)}, "no start code"},
		"no sets":      {[]kvsmedia.Frame{with(key, 0, 0, 1, 0x65, 1)}, "without parameter sets"},
		"not prefixed": {[]kvsmedia.Frame{frames[0], with(frames[1], 0, 0, 0, 1)}, "not length-prefixed"},
		"ADTS":         {[]kvsmedia.Frame{key, with(sound, 0xff, 0xf1, 0, 0, 1, 0, 0, 1)}, "ADTS header; AAC frames are to be raw: cut its 7 bytes off"},
		"back":         {[]kvsmedia.Frame{key, later(key, -ms)}, "a clock that starts anew"},
		"same time":    {[]kvsmedia.Frame{key, key}, "a clock that starts anew"},
		"much too old": {[]kvsmedia.Frame{key, later(key, time.Minute), later(sound, 20*time.Second)}, "it is 40000 ms older than its fragment"},
		"before 1970":  {[]kvsmedia.Frame{negative}, "negative"},
	} {
		tracks := []*kvsmedia.Track{video, aac}
		if name == "not prefixed" {
			tracks = []*kvsmedia.Track{avcc}
		}
		m := kvsmedia.NewMuxer(io.Discard, tracks...)
		var err error
		for _, f := range c.frames {
			if err != nil {
				t.Errorf("%s: early: %v", name, err)
			}
			err = m.WriteFrame(f)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}

	// A refused frame takes with it the rest of its GOP, and nothing else.
	var b bytes.Buffer
	m := kvsmedia.NewMuxer(&b, video, aac)
	errs := 0
	for i, f := range day.Frames {
		if f.Track == video && f.PTS == 5*time.Second {
			f.Data = nil
		}
		if f.Track.Name == "opus" {
			continue
		}
		if err := m.WriteFrame(f); err != nil {
			if errs++; i < 10 {
				t.Fatal(err)
			}
		}
	}
	if err := m.Close(); err != nil || errs != 1 {
		t.Errorf("%v, %d errors", err, errs)
	}
	pictures, sounds := 0, 0
	for _, f := range read(t, b.Bytes()) {
		if f.Track.Codec == kvsmedia.AAC {
			sounds++
		} else if pictures++; f.PTS >= 5*time.Second && f.PTS < 6*time.Second {
			t.Errorf("picture at %v", f.PTS)
		}
	}
	if pictures != 300-15 || sounds != 625 {
		t.Errorf("%d pictures and %d sounds", pictures, sounds)
	}

	for name, c := range map[string]struct {
		tracks []*kvsmedia.Track
		want   string
	}{
		"none":          {nil, "muxer of 0 tracks"},
		"nil":           {[]*kvsmedia.Track{nil}, "track 1: it is nil"},
		"twice":         {[]*kvsmedia.Track{video, video}, `track 2 "main": it is named twice`},
		"no codec":      {[]*kvsmedia.Track{{}}, "unknown codec"},
		"AAC":           {[]*kvsmedia.Track{{Codec: kvsmedia.AAC}}, "Private or SampleRate"},
		"AAC rate":      {[]*kvsmedia.Track{{Codec: kvsmedia.AAC, SampleRate: 1}}, "AudioSpecificConfig"},
		"AAC Private":   {[]*kvsmedia.Track{{Codec: kvsmedia.AAC, Private: []byte{1}}}, "AudioSpecificConfig"},
		"Opus channels": {[]*kvsmedia.Track{{Codec: kvsmedia.Opus, Channels: 6}}, "6 channels"},
		"Opus Private":  {[]*kvsmedia.Track{{Codec: kvsmedia.Opus, Private: []byte("OpusHead")}}, "not an OpusHead"},
		"rate":          {[]*kvsmedia.Track{{Codec: kvsmedia.PCMA, SampleRate: -1}}, "-1 Hz"},
		"channels":      {[]*kvsmedia.Track{{Codec: kvsmedia.PCMA, Channels: math.MaxInt}}, "channels"},
		"avcC":          {[]*kvsmedia.Track{{Codec: kvsmedia.H264, Private: []byte{1}}}, "record"},
		"empty avcC":    {[]*kvsmedia.Track{{Codec: kvsmedia.H264, Private: []byte{1, 1, 1, 1, 255, 0xe0, 0}}}, "no parameter sets"},
	} {
		m := kvsmedia.NewMuxer(io.Discard, c.tracks...)
		if err := m.WriteFrame(key); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}

	for left := range 3 {
		m := kvsmedia.NewMuxer(&failing{left}, video)
		var err error
		for i := 0; err == nil && i < 10; i++ {
			err = m.WriteFrame(later(key, time.Duration(i)*time.Second))
		}
		if !errors.Is(err, errDisk) || !strings.Contains(err.Error(), fmt.Sprintf(`frame %d of track 1 "main"`, left+1)) {
			t.Errorf("after %d writes: %v", left, err)
		}
		if again := m.WriteFrame(key); again != err || m.Tag("a", "b") != err || m.EndFragment() != err || !errors.Is(m.Close(), errDisk) {
			t.Errorf("then %v", again)
		}
	}
}
