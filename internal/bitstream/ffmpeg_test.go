package bitstream

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// What x264 and x265 write, ffmpeg counts and ffmpeg's MP4 muxer records is
// what we find.
func TestAgainstFFmpeg(t *testing.T) {
	ffmpeg, ffprobe := testtools.Need(t, "ffmpeg"), testtools.Need(t, "ffprobe")
	for _, c := range []struct {
		name   string
		codec  Codec
		size   string
		flags  string
		w, h   int
		layout string
	}{
		{"baseline", H264, "642x362", "-c:v libx264 -profile:v baseline -g 10", 642, 362, "avcC"},
		{"high with B frames and slices", H264, "320x240", "-c:v libx264 -profile:v high -bf 3 -g 12 -x264-params slices=4:aud=1:sliced-threads=1", 320, 240, "avcC"},
		{"high 4:4:4", H264, "318x178", "-c:v libx264 -pix_fmt yuv444p -g 10", 318, 178, "avcC"},
		{"interlaced", H264, "320x240", "-c:v libx264 -flags +ildct+ilme -g 10 -x264-params tff=1", 320, 240, "avcC"},
		{"intra high 10", H264, "320x180", "-c:v libx264 -pix_fmt yuv422p10le -g 1", 320, 180, "avcC"},
		{"main", H265, "322x182", "-c:v libx265 -g 10 -x265-params log-level=none", 322, 182, "hvcC"},
		{"main 10 with slices", H265, "320x240", "-c:v libx265 -pix_fmt yuv420p10le -g 10 -x265-params log-level=none:slices=3:aud=1:bframes=3:hrd=1:vbv-maxrate=500:vbv-bufsize=500", 320, 240, "hvcC"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			raw, mp4 := filepath.Join(dir, "clip."+map[Codec]string{H264: "h264", H265: "hevc"}[c.codec]), filepath.Join(dir, "clip.mp4")
			args := append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc=rate=25:duration=2:size=" + c.size}, strings.Fields(c.flags)...)
			if !strings.Contains(c.flags, "pix_fmt") {
				args = append(args, "-pix_fmt", "yuv420p")
			}
			run(t, ffmpeg, append(args, raw)...)
			run(t, ffmpeg, "-v", "error", "-i", raw, "-c", "copy", mp4)
			n, err := strconv.Atoi(strings.TrimSpace(run(t, ffprobe, "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", mp4)))
			if err != nil {
				t.Fatal(err)
			}
			stream, err := os.ReadFile(raw)
			if err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(raw)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()

			var all [][]byte
			sets := ParameterSets{Codec: c.codec}
			a, aus := NewAccessUnits(f, c.codec), 0
			for {
				au, err := a.Next()
				if err != nil {
					break
				}
				aus++
				nalus := Split(nil, bytes.Clone(au))
				sets.Update(nalus)
				all = append(all, nalus...)
			}
			if aus != n {
				t.Errorf("%d access units, ffprobe counts %d", aus, n)
			}
			if d := cmp.Diff(Split(nil, stream), all); d != "" {
				t.Error("NAL units are not those of the stream")
			}
			sps, err := sets.SPS()
			if err != nil || sps.Width != c.w || sps.Height != c.h {
				t.Errorf("picture of %d x %d, want %d x %d: %v", sps.Width, sps.Height, c.w, c.h, err)
			}
			checkRecord(t, c.codec, &sets, box(t, mp4, c.layout))
		})
	}
}

// checkRecord compares our record with ffmpeg's.
func checkRecord(t *testing.T, codec Codec, sets *ParameterSets, theirs []byte) {
	t.Helper()
	ours, err := sets.Record()
	if err != nil {
		t.Fatal(err)
	}
	size, got, err := ParseRecord(codec, theirs)
	if err != nil || size != 4 {
		t.Fatalf("ffmpeg's record: length size %d, %v", size, err)
	}
	var params [][]byte
	for _, n := range got {
		if codec.IsParameterSet(n) {
			params = append(params, n)
		}
	}
	if d := cmp.Diff(params, sets.Append(nil)); d != "" {
		t.Errorf("parameter sets (-ffmpeg +ours)\n%s", d)
	}
	if codec == H264 && !bytes.Equal(ours, theirs) {
		t.Errorf("avcC\n  ours %x\nffmpeg %x", ours, theirs)
	}
	if codec == H265 {
		// Of the fixed part, ffmpeg also fills in the segmentation and
		// parallelism hints, which are optional.
		for _, i := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 17, 18, 19, 20, 21} {
			if ours[i] != theirs[i] {
				t.Errorf("hvcC byte %d is %#x, ffmpeg has %#x", i, ours[i], theirs[i])
			}
		}
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &stderr)
	}
	return string(out)
}

// box returns the contents of the first MP4 box of the given type.
func box(t *testing.T, file, kind string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(b, []byte(kind))
	if i < 4 {
		t.Fatalf("no %s box", kind)
	}
	return b[i+4 : i-4+int(binary.BigEndian.Uint32(b[i-4:]))]
}
