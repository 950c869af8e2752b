package bitstream

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// The quantisers of slices are those that ffmpeg's reader of headers finds, whatever
// stands before them.
func TestQuantisersAgainstFFmpeg(t *testing.T) {
	ffmpeg := testtools.Need(t, "ffmpeg")
	const h265 = "-x265-params log-level=none:scenecut=0:"
	for _, c := range []struct {
		name  string
		codec Codec
		flags string
		least int // slices
	}{
		{"baseline", H264, "-profile:v baseline -g 10", 50},
		{"constant bitrate, slices", H264, "-tune zerolatency -g 10 -b:v 100k -maxrate 100k -bufsize 30k -x264-params sliced-threads=0:slices=4:nal-hrd=cbr", 190},
		{"many references, weights", H264, "-bf 0 -refs 8 -x264-params weightp=2:keyint=100 -vf fade=in:0:40", 50},
		{"B-frames, weights, pyramid", H264, "-bf 4 -refs 6 -b:v 150k -x264-params b-adapt=0:b-pyramid=normal:weightb=1:weightp=2 -vf fade=in:0:40", 50},
		{"CAVLC", H264, "-coder vlc -bf 2 -g 12", 50},
		{"interlaced", H264, "-bf 2 -g 10 -flags +ildct+ilme -x264-params tff=1", 50},
		{"4:4:4", H264, "-pix_fmt yuv444p -bf 1", 50},
		{"ten bits", H264, "-pix_fmt yuv420p10le -crf 5", 50},
		{"H.265", H265, h265 + "bframes=0:keyint=10", 50},
		{"H.265, constant bitrate, slices", H265, "-b:v 100k " + h265 + "bframes=0:keyint=20:slices=3:vbv-maxrate=100:vbv-bufsize=50", 140},
		{"H.265, B-frames, references, weights", H265, "-vf fade=in:0:40 " + h265 + "bframes=4:ref=5:weightp=1:weightb=1:b-pyramid=1", 50},
		{"H.265, open GOP, layers", H265, h265 + "bframes=3:keyint=12:min-keyint=12:open-gop=1:temporal-layers=3", 50},
		{"H.265, no SAO, scaling lists", H265, h265 + "sao=0:scaling-list=default:bframes=2", 50},
		{"H.265, ten bits", H265, "-pix_fmt yuv420p10le -crf 2 " + h265 + "bframes=0", 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := filepath.Join(t.TempDir(), "clip."+map[Codec]string{H264: "h264", H265: "hevc"}[c.codec])
			lib := map[Codec]string{H264: "libx264", H265: "libx265"}[c.codec]
			args := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc=rate=25:duration=2:size=320x192"}
			if !strings.Contains(c.flags, "-pix_fmt") {
				args = append(args, "-pix_fmt", "yuv420p")
			}
			args = append(args, "-c:v", lib)
			run(t, ffmpeg, append(append(args, strings.Fields(c.flags)...), raw)...)
			log, err := exec.Command(ffmpeg, "-v", "trace", "-i", raw, "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-").CombinedOutput()
			if err != nil {
				t.Fatal(err)
			}
			want := tracedQPs(string(log))
			got := slicesOf(t, raw, c.codec)
			if len(got) < c.least {
				t.Fatalf("%d slices, want at least %d", len(got), c.least)
			}
			var qps []int
			for _, s := range got {
				if !s.QPKnown {
					t.Fatalf("the quantiser of slice %d is not known", len(qps))
				}
				qps = append(qps, s.QP)
			}
			if d := cmp.Diff(want, qps); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

var traced = regexp.MustCompile(`(pic_init_qp_minus26|init_qp_minus26|slice_qp_delta)\s+[01]+ = (-?\d+)`)

// tracedQPs returns the quantisers of slices that ffmpeg has seen, by the last picture
// parameter set before them.
func tracedQPs(log string) (qps []int) {
	base := 26
	for _, m := range traced.FindAllStringSubmatch(log, -1) {
		n, _ := strconv.Atoi(m[2])
		if m[1] == "slice_qp_delta" {
			qps = append(qps, base+n)
		} else {
			base = 26 + n
		}
	}
	return qps
}

func slicesOf(t *testing.T, file string, c Codec) (list []Slice) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	units, sets := NewAccessUnits(f, c), ParameterSets{Codec: c}
	for {
		au, err := units.Next()
		if err != nil {
			return list
		}
		nalus := Split(nil, bytes.Clone(au))
		sets.Update(nalus)
		list = sets.AppendSlices(list, nalus)
	}
}
