package kvsmedia_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestMain(m *testing.M) {
	if os.Getenv(serviceEnv) != "" {
		serve()
		return
	}
	goleak.VerifyTestMain(m)
}

const ms = time.Millisecond

// mux writes frames and returns the stream.
func mux(t testing.TB, relative bool, frames []kvsmedia.Frame, tracks ...*kvsmedia.Track) []byte {
	t.Helper()
	var b bytes.Buffer
	m := kvsmedia.NewMuxer(&b, tracks...)
	m.Relative = relative
	for _, f := range frames {
		if slices.Contains(tracks, f.Track) {
			if err := m.WriteFrame(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read returns what a Reader makes of b.
func read(t testing.TB, b []byte) []kvsmedia.Frame {
	t.Helper()
	r := kvsmedia.NewReader(bytes.NewReader(b))
	frames := slices.Collect(r.Frames())
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return frames
}

// elements returns a line for each part of a stream but blocks that are not
// key frames of track 1.
func elements(t testing.TB, b []byte) (list []string) {
	t.Helper()
	r := mkv.NewReader(bytes.NewReader(b))
	for {
		e, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := e.(type) {
		case *mkv.Header:
			list = append(list, "document")
		case mkv.Tracks:
			for _, tr := range e {
				list = append(list, fmt.Sprintf("track %d %s %q %dx%d %x", tr.Number, tr.CodecID, tr.Name, tr.PixelWidth, tr.PixelHeight, tr.CodecPrivate))
			}
		case *mkv.Cluster:
			list = append(list, fmt.Sprintf("cluster %d", e.Timestamp.Milliseconds()))
		case *mkv.Block:
			if e.Key && e.Number == 1 {
				list = append(list, fmt.Sprintf("key %d", e.Time.Milliseconds()))
			}
		case mkv.Tags:
			for _, tag := range e {
				for _, s := range tag.Simple {
					list = append(list, s.Name+"="+s.String)
				}
			}
		}
	}
}

func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("%s: got\n%s\nwant\n%s", what, g, w)
	}
}

// find returns a clip's track.
func find(c *clips.Clip, name string) *kvsmedia.Track {
	return c.Tracks[slices.IndexFunc(c.Tracks, func(t *kvsmedia.Track) bool { return t.Name == name })]
}

// prefixed returns a clip's video track and frames length-prefixed, with lengths
// of n bytes.
func prefixed(t testing.TB, c *clips.Clip, n int) (*kvsmedia.Track, []kvsmedia.Frame) {
	t.Helper()
	sets := bitstream.ParameterSets{Codec: bitstream.H264}
	at := 4
	if c.Tracks[0].Codec == kvsmedia.H265 {
		sets.Codec, at = bitstream.H265, 21
	}
	track := &kvsmedia.Track{Codec: c.Tracks[0].Codec, Name: c.Tracks[0].Name}
	var frames []kvsmedia.Frame
	for _, f := range c.Frames {
		if f.Track != c.Tracks[0] {
			continue
		}
		nalus := bitstream.Split(nil, f.Data)
		sets.Update(nalus)
		f.Track, f.Data = track, nil
		for _, nalu := range nalus {
			for shift := 8 * (n - 1); shift >= 0; shift -= 8 {
				f.Data = append(f.Data, byte(len(nalu)>>shift))
			}
			f.Data = append(f.Data, nalu...)
		}
		frames = append(frames, f)
	}
	var err error
	if track.Private, err = sets.Record(); err != nil {
		t.Fatal(err)
	}
	track.Private[at] = track.Private[at]&^3 | byte(n-1)
	return track, frames
}
