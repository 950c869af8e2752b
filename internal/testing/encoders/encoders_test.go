package encoders_test

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/encoders"
	"github.com/smartcam-sdk/smartcam/internal/testing/scenes"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// programs are the encoders with their names of the format in ffmpeg.
var programs = map[encoders.Program]string{encoders.X264: "h264", encoders.X265: "hevc", encoders.OpenH264: "h264"}

func scene() scenes.Scene {
	return scenes.Scene{Length: 4 * time.Second, Noise: 1, Walkers: []scenes.Walker{{Share: 0.05}}}
}

// Each encoder in each mode makes what it was asked for: frames, key frames, slices, no
// B-frames, and pictures that ffmpeg decodes.
func TestEncode(t *testing.T) {
	for program, format := range programs {
		for _, control := range []encoders.Control{encoders.Quality, encoders.VBR, encoders.Capped, encoders.CBR} {
			if program == encoders.OpenH264 && control > encoders.VBR {
				continue
			}
			for _, e := range []encoders.Encoder{{GOP: 10}, {GOP: 1}, {GOP: 300, Slices: 4}} {
				e.Program, e.Control = program, control
				t.Run(e.String(), func(t *testing.T) {
					t.Parallel()
					check(t, e, format)
				})
			}
		}
	}
}

func check(t *testing.T, e encoders.Encoder, format string) {
	codec := bitstream.H264
	if e.Program == encoders.X265 {
		codec = bitstream.H265
	}
	sets := bitstream.ParameterSets{Codec: codec}
	var stream []byte
	n := 0
	for f := range encoders.Encode(t, scene().Film(), e) {
		nalus := bitstream.Split(nil, f.Data)
		sets.Update(nalus)
		pic, err := sets.Inspect(nalus)
		slices := 0
		for _, u := range nalus {
			if codec.IsVCL(u) {
				slices++
			}
		}
		if err != nil || pic.Key != f.Key || f.Key != (n%e.GOP == 0) || pic.B || slices != max(1, e.Slices) {
			t.Errorf("frame %d: %+v, key %v, %d slices, %v", n, pic, f.Key, slices, err)
		}
		if want := time.Duration(n) * time.Second / 15; f.PTS != want || f.Track.Codec != e.Codec() {
			t.Errorf("frame %d: %v at %v", n, f.Track.Codec, f.PTS)
		}
		stream = append(stream, f.Data...)
		n++
	}
	if n != 60 {
		t.Errorf("%d frames, want 60", n)
	}
	if got := len(testtools.AnnexBFrameMD5(t, format, stream)); got != n {
		t.Errorf("ffmpeg decodes %d pictures of %d", got, n)
	}
}

// rate returns the bitrate of a film in each second, without the first.
func rates(t *testing.T, s scenes.Scene, e encoders.Encoder) (rates []float64, filling int) {
	t.Helper()
	for f := range encoders.Encode(t, s.Film(), e) {
		second := int(f.PTS / time.Second)
		for len(rates) <= second {
			rates = append(rates, 0)
		}
		rates[second] += 8 * float64(len(f.Data))
		for _, u := range bitstream.Split(nil, f.Data) {
			if f.Track.Codec == kvsmedia.H264 && bitstream.H264.Type(u) == 12 {
				filling += len(u)
			}
		}
	}
	return rates[1:], filling
}

// A constant bitrate is constant, also of a still picture; constant quality is not: a
// walker takes more.
func TestControls(t *testing.T) {
	s := scenes.Scene{Length: 16 * time.Second, Noise: 1, Walkers: []scenes.Walker{{At: 8 * time.Second, Share: 0.05}}}
	for program := range programs {
		for _, control := range []encoders.Control{encoders.Quality, encoders.VBR, encoders.Capped, encoders.CBR} {
			if program == encoders.OpenH264 && control > encoders.VBR {
				continue
			}
			e := encoders.Encoder{Program: program, Control: control, GOP: 15}
			t.Run(e.String(), func(t *testing.T) {
				t.Parallel()
				got, filling := rates(t, s, e)
				text := fmt.Sprintf("%.0f kbit/s", scale(got))
				t.Log(text, filling, "bytes of filling")
				still, walked := got[5], max(got[8], got[9])
				switch {
				case control == encoders.Quality && walked < 1.2*still:
					t.Error("a walker takes no more than a still picture")
				case control == encoders.CBR && (walked > 1.5*still || still > 1.5*walked):
					t.Error("the bitrate is not constant")
				case control == encoders.CBR && program == encoders.X264 && filling == 0:
					t.Error("there is no filling")
				}
			})
		}
	}
}

func scale(rates []float64) (out []float64) {
	for _, r := range rates {
		out = append(out, r/1000)
	}
	return out
}

// Who has seen enough leaves nothing running.
func TestEnough(t *testing.T) {
	for program := range programs {
		n := 0
		for range encoders.Encode(t, scenes.Scene{Length: 100 * time.Hour}.Film(), encoders.Encoder{Program: program}) {
			if n++; n == 5 {
				break
			}
		}
	}
}

// A real film gives its pieces with what changes in them.
func TestCrop(t *testing.T) {
	for n := range encoders.Crops {
		c := encoders.Crop(t, n)
		moving, still := 0, 0
		for _, share := range c.Changed {
			if share > 0.004 {
				moving++
			}
			if share < 0.0004 {
				still++
			}
		}
		t.Logf("crop %d: %d pictures, %d moving, %d still", n, len(c.Changed), moving, still)
		if len(c.Changed) < cropLeast || moving+still == 0 {
			t.Errorf("crop %d: %d pictures", n, len(c.Changed))
		}
	}
}

const cropLeast = 10
