package codingtree

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/macroblock"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// scene is something for an encoder to do: things that move over noise, cuts, a still half.
const scene = "testsrc2=s=128x128:r=15:d=1,noise=alls=12:allf=t,split[a][b];[a]crop=128:64:0:0[c];[b]crop=128:64:0:64,loop=20:1:5,setpts=N/15/TB[d];[c][d]vstack,trim=end_frame=14"

// What x265 counted while it wrote a stream is what is found in it: of each picture how many
// coding units of each size are skipped, merged, otherwise predicted from other pictures, and
// from within. That each slice ends with its data, and each picture with its last coding tree,
// Picture checks itself.
func TestAgainstX265(t *testing.T) {
	for _, c := range []struct {
		name, preset, params, flags string
		qp                          bool // x265 tells the mean quantiser, of pictures of whole coding trees without VBV
	}{
		{"camera", "ultrafast", "bframes=0:vbv-maxrate=150:vbv-bufsize=100:bitrate=150", "-tune zerolatency", false},
		{"B, all tools", "medium", "bframes=3:rect=1:amp=1:tskip=1:tu-inter-depth=3:tu-intra-depth=3:ref=4:max-merge=5:weightb=1:rd=6", "", true},
		{"slices, rows, coding trees of 16", "medium", "ctu=16:qg-size=8:max-tu-size=8:wpp=1:pools=2:slices=2", "", true},
		{"coding trees of 32, fine", "fast", "ctu=32:min-cu-size=16:tu-inter-depth=3:crf=2:qg-size=16", "", true},
		{"some lossless", "fast", "cu-lossless=1:crf=12:rd=5", "", true},
		{"plain, layers", "medium", "sao=0:signhide=0:deblock=0:temporal-mvp=0:max-merge=1:temporal-layers=3:bframes=3:open-gop=1:keyint=10:aud=1", "", true},
		{"fading, coarse", "fast", "weightp=1:crf=40", "-vf fade=in:0:20:color=red", true},
		{"main 10, cropped", "fast", "constrained-intra=1", "-pix_fmt yuv420p10le -s 134x118", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			film, counts := filepath.Join(dir, "film.hevc"), filepath.Join(dir, "counts.csv")
			params := "log-level=none:csv-log-level=2:csv=" + counts + ":"
			if !strings.Contains(c.params, "pools") {
				params += "pools=none:frame-threads=1:wpp=0:"
			}
			flags := c.flags
			if !strings.Contains(flags, "pix_fmt") {
				flags += " -pix_fmt yuv420p"
			}
			args := append([]string{scene, "-c:v", "libx265", "-preset", c.preset, "-x265-params", strings.TrimSuffix(params+c.params, ":")}, strings.Fields(flags)...)
			testtools.FFmpeg(t, "-threads 1 -f lavfi -i", append(args, film)...)
			compare(t, film, counted(t, counts), c.qp)
		})
	}
}

// units are how many coding units there are of a size, by what they are.
type units struct{ skipped, inter, intra [4]int }

func compare(t *testing.T, film string, want []map[string]float64, ofQP bool) {
	t.Helper()
	b, err := os.ReadFile(film)
	if err != nil {
		t.Fatal(err)
	}
	var p parser
	var m macroblock.Map
	n := 0
	for i, au := range accessUnits(b) {
		var u units
		all, quarters, area, qp := 0, 0, 0, 0
		p.s.counted = func(log2 int, kind macroblock.Kind, parts partMode) {
			all++
			area += 1 << (2 * log2)
			qp += p.s.qp << (2 * log2)
			switch {
			case kind == macroblock.Skipped:
				u.skipped[6-log2]++
			case kind.Intra() && parts == partNxN:
				quarters++
			case kind.Intra():
				u.intra[6-log2]++
			case parts == part2Nx2N:
				u.inter[6-log2]++
			}
		}
		if err := p.Picture(au, &m); err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		if i >= len(want) {
			t.Fatalf("more pictures than x265 wrote, %d", len(want))
		}
		n++
		got := map[string]float64{"4x4": share(quarters, all)}
		for k, size := range []string{"64x64", "32x32", "16x16", "8x8"} {
			got["Skip "+size], got["Inter "+size], got["Intra "+size] = share(u.skipped[k], all), share(u.inter[k], all), share(u.intra[k], all)
		}
		if mean := float64(qp) / float64(area); ofQP && math.Abs(mean-want[i]["QP"]) > 0.006 {
			t.Errorf("picture %d: the mean quantiser is %.3f, x265 says %.2f", i, mean, want[i]["QP"])
		}
		for name, v := range got {
			if math.Abs(v-want[i][name]) > 0.03 { // sums of rounded ones
				t.Errorf("picture %d of %d units: %s %.2f %%, x265 says %.2f", i, all, name, v, want[i][name])
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if n != len(want) || n != 14 {
		t.Errorf("%d pictures, x265 wrote %d", n, len(want))
	}
}

func share(n, of int) float64 { return 100 * float64(n) / float64(of) }

// counted reads the shares of coding units that x265 tells of each picture, in the order of
// coding, in percent.
func counted(t *testing.T, file string) (pictures []map[string]float64) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if _, err := strconv.Atoi(row[0]); err != nil {
			break
		}
		p := map[string]float64{}
		for i, name := range rows[0][:min(len(rows[0]), len(row))] {
			if _, again := p[name]; again || !strings.HasSuffix(row[i], "%") && name != "QP" {
				continue // the shares of the area come second
			}
			v, err := strconv.ParseFloat(strings.TrimSuffix(row[i], "%"), 64)
			if err != nil {
				t.Fatal(err)
			}
			p[name] = v
		}
		for _, size := range []string{"64x64", "32x32", "16x16", "8x8"} {
			p["Skip "+size] += p["Merge "+size] // without and with motion
			p["Intra "+size] = p["Intra "+size+" DC"] + p["Intra "+size+" Planar"] + p["Intra "+size+" Ang"]
		}
		pictures = append(pictures, p)
	}
	if len(pictures) == 0 {
		t.Fatal(fmt.Errorf("no pictures in %q", rows))
	}
	return pictures
}
