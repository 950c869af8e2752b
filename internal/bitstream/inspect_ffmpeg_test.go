package bitstream

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// seen is what Inspect finds in the pictures of a stream.
type seen struct{ Pictures, Keys, IDR, Leading, Gradual, B, Reordered int }

// What x264 and x265 are told to make is what the headers of their slices say; the
// B-frames are those that ffprobe finds.
func TestInspectAgainstFFmpeg(t *testing.T) {
	ffmpeg, ffprobe := testtools.Need(t, "ffmpeg"), testtools.Need(t, "ffprobe")
	const b = -1 // as many as ffprobe says
	for _, c := range []struct {
		name  string
		codec Codec
		flags string
		want  seen
	}{
		{"baseline", H264, "-profile:v baseline -g 10", seen{50, 5, 5, 0, 0, 0, 0}},
		{"zerolatency, slices", H264, "-tune zerolatency -g 10 -x264-params sliced-threads=0:slices=4", seen{50, 5, 5, 0, 0, 0, 0}},
		{"slices of few bytes", H264, "-bf 0 -g 10 -x264-params slice-max-size=400", seen{50, 5, 5, 0, 0, 0, 0}},
		{"B-frames", H264, "-bf 3 -g 12 -x264-params b-adapt=0", seen{50, 5, 5, 0, 0, b, b}},
		{"pyramid, delimiters, HRD", H264, "-bf 4 -g 20 -b:v 200k -maxrate 200k -bufsize 200k -x264-params b-adapt=0:b-pyramid=normal:aud=1:nal-hrd=vbr", seen{50, 3, 3, 0, 0, b, b}},
		{"open GOP", H264, "-bf 2 -g 10 -x264-params b-adapt=0:open-gop=1:scenecut=0", seen{50, 5, 1, 0, 0, b, b}},
		{"gradual refresh", H264, "-bf 0 -g 10 -x264-params intra-refresh=1", seen{50, 1, 1, 0, 4, 0, 0}},
		{"interlaced", H264, "-bf 0 -g 10 -flags +ildct+ilme -x264-params tff=1", seen{50, 5, 5, 0, 0, 0, 0}},
		{"constrained intra, cropping", H264, "-bf 0 -g 10 -s 318x178", seen{50, 5, 5, 0, 0, 0, 0}},
		{"H.265", H265, "-x265-params log-level=none:bframes=0:keyint=10:min-keyint=10:scenecut=0", seen{50, 5, 1, 0, 0, 0, 0}},
		{"H.265, slices", H265, "-x265-params log-level=none:bframes=0:keyint=10:min-keyint=10:scenecut=0:slices=3:aud=1", seen{50, 5, 1, 0, 0, 0, 0}},
		{"H.265, B-frames", H265, "-x265-params log-level=none:bframes=3:b-adapt=0:keyint=10:min-keyint=10:open-gop=0:scenecut=0", seen{50, 5, 5, 0, 0, b, b}},
		{"H.265, CRA and RASL", H265, "-x265-params log-level=none:bframes=3:b-adapt=0:keyint=12:min-keyint=12:open-gop=1:scenecut=0", seen{50, 5, 1, 12, 0, b, b}},
		{"H.265, temporal layers", H265, "-x265-params log-level=none:bframes=3:b-adapt=0:temporal-layers=3:keyint=10:min-keyint=10:open-gop=0:scenecut=0", seen{50, 5, 5, 0, 0, b, b}},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := filepath.Join(t.TempDir(), "clip."+map[Codec]string{H264: "h264", H265: "hevc"}[c.codec])
			lib := map[Codec]string{H264: "libx264", H265: "libx265"}[c.codec]
			args := append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc=rate=25:duration=2:size=320x192", "-pix_fmt", "yuv420p", "-c:v", lib}, strings.Fields(c.flags)...)
			run(t, ffmpeg, append(args, raw)...)
			want := c.want
			if want.B == b {
				types := run(t, ffprobe, "-v", "error", "-show_entries", "frame=pict_type", "-of", "csv=p=0", raw)
				want.B = strings.Count(types, "B")
				if want.Reordered = want.B; want.B < 20 {
					t.Fatalf("ffprobe finds %d B-frames", want.B)
				}
			}
			f, err := os.Open(raw)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if d := cmp.Diff(want, inspectAll(t, NewAccessUnits(f, c.codec))); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// inspectAll counts what is in the access units of a stream.
func inspectAll(t *testing.T, units *AccessUnits) (s seen) {
	sets := ParameterSets{Codec: units.cut.sets.Codec}
	count := func(n *int, is bool) {
		if is {
			*n++
		}
	}
	for {
		au, err := units.Next()
		if err != nil {
			return s
		}
		nalus := Split(nil, bytes.Clone(au))
		sets.Update(nalus)
		pic, err := sets.Inspect(nalus)
		if err != nil {
			t.Errorf("picture %d: %v", s.Pictures, err)
		}
		s.Pictures++
		count(&s.Keys, pic.Key)
		count(&s.IDR, pic.IDR)
		count(&s.Leading, pic.Leading)
		count(&s.Gradual, pic.Gradual)
		count(&s.B, pic.B)
		count(&s.Reordered, pic.Reordered)
	}
}
