package macroblock

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// scene is something for an encoder to do: things that move over noise, cuts, a still half.
const scene = "testsrc2=s=144x128:r=15:d=1.4,noise=alls=12:allf=t,split[a][b];[a]crop=144:64:0:0[c];[b]crop=144:64:0:64,loop=20:1:5,setpts=N/15/TB[d];[c][d]vstack,trim=end_frame=21"

// What x264 wrote is what ffmpeg sees: each macroblock's type and quantiser. That each
// slice ends with its data, and each picture with its last macroblock, Picture checks
// itself.
func TestAgainstFFmpeg(t *testing.T) {
	for i, c := range []struct{ name, flags string }{
		{"CAVLC", "-profile:v baseline"},
		{"CAVLC, 4 references, slices", "-profile:v baseline -preset veryslow -refs 4 -x264-params slices=3"},
		{"CAVLC, ultrafast", "-preset ultrafast"},
		{"CAVLC, 8x8", "-preset slow -coder vlc -bf 0"},
		{"CAVLC, 8x8, B", "-preset slow -coder vlc -bf 3"},
		{"CAVLC, Main, B, weights", "-profile:v main -preset slow -coder vlc -bf 3 -x264-params weightp=2:weightb=1"},
		{"CAVLC, fine", "-profile:v baseline -crf 5"},
		{"CAVLC, near lossless", "-preset veryslow -coder vlc -qp 1"},
		{"CAVLC, intra", "-preset slow -coder vlc -g 1"},
		{"CAVLC, VBV, slices of few bytes", "-coder vlc -b:v 100k -maxrate 100k -bufsize 30k -x264-params slice-max-size=300"},
		{"CABAC, Main", "-profile:v main -bf 0"},
		{"CABAC, High", "-preset slow -bf 0"},
		{"CABAC, 5 references, slices", "-preset slow -bf 0 -refs 5 -x264-params slices=4"},
		{"CABAC, coarse", "-bf 0 -crf 45"},
		{"CABAC, fine", "-bf 0 -crf 5 -preset slow"},
		{"CABAC, near lossless", "-preset veryslow -qp 1 -bf 0"},
		{"CABAC, intra", "-preset slow -g 1"},
		{"CABAC, VBV, slices of few bytes", "-b:v 100k -maxrate 100k -bufsize 30k -bf 0 -x264-params slice-max-size=300"},
		{"CABAC, B", "-bf 3 -preset slow"},
		{"CABAC, B, temporal direct", "-bf 3 -preset slow -x264-params direct=temporal"},
		{"CABAC, B, no 8x8", "-bf 3 -profile:v main -preset veryslow"},
		{"CABAC, B pyramid, 16 references, weights", "-bf 5 -preset placebo -refs 16 -x264-params b-pyramid=normal:weightp=2:weightb=1"},
		{"CABAC, fading", "-bf 2 -x264-params weightp=2:weightb=1 -vf fade=in:0:20:color=red"},
		{"CABAC, B, fine", "-bf 3 -preset veryslow -crf 5"},
		{"CABAC, intra refresh", "-bf 0 -x264-params intra-refresh=1:keyint=15"},
		{"CABAC, open GOP, delimiters, HRD", "-b:v 200k -maxrate 200k -bufsize 200k -g 15 -x264-params open-gop=1:aud=1:nal-hrd=vbr"},
		{"CABAC, cropped", "-s 134x118 -preset slow"},
	} {
		if testing.Short() && i%6 > 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			film := filepath.Join(t.TempDir(), "film.mp4")
			testtools.FFmpeg(t, "-threads 1 -f lavfi -i", append(append([]string{scene, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-threads", "1"}, strings.Fields(c.flags)...), film)...)
			maps := parseFile(t, film)
			want := debugOf(t, film)
			if len(want) != len(maps) || len(maps) != 21 {
				t.Fatalf("%d pictures, ffmpeg sees %d", len(maps), len(want))
			}
			kinds := map[string]int{}
			for i, m := range maps {
				if d := differ(m, want[i], kinds); d != "" {
					t.Fatalf("picture %d: %s", i, d)
				}
			}
			t.Log(kinds)
		})
	}
}

// seenBlock is what ffmpeg says of a macroblock.
type seenBlock struct {
	qp         int
	type_, how byte
}

// differ compares a picture with what ffmpeg sees.
func differ(m *Map, want []seenBlock, kinds map[string]int) string {
	if len(want) != len(m.Blocks) {
		return fmt.Sprintf("%d macroblocks, ffmpeg sees %d", len(m.Blocks), len(want))
	}
	for i, b := range m.Blocks {
		w := want[i]
		kinds[fmt.Sprintf("%c %d %c%c", "IPB"[m.Prediction-kindI], b.Kind, w.type_, w.how)]++
		if b.Kind != IntraPCM && int(b.QP) != w.qp {
			return fmt.Sprintf("macroblock %d: %+v, ffmpeg sees QP %d", i, b, w.qp)
		}
		if !slices.Contains(kindsOf(w), b.Kind) {
			return fmt.Sprintf("macroblock %d: %+v, ffmpeg sees %c%c", i, b, w.type_, w.how)
		}
	}
	return ""
}

// kindsOf are the kinds that ffmpeg's letters stand for.
func kindsOf(b seenBlock) []Kind {
	switch b.type_ {
	case 'P':
		return []Kind{IntraPCM}
	case 'i':
		return []Kind{IntraNxN}
	case 'I':
		return []Kind{Intra16x16}
	case 'S', 'd':
		return []Kind{Skipped}
	case 'D':
		if b.how == '+' {
			return []Kind{Direct, Inter8x8}
		}
		return []Kind{Direct}
	case '>', '<', 'X':
		return []Kind{map[byte]Kind{' ': Inter16x16, '-': Inter16x8, '|': Inter8x16, '+': Inter8x8}[b.how]}
	}
	return nil
}

// debugOf returns what ffmpeg sees of the pictures of a film, in the order of decoding.
func debugOf(t *testing.T, film string) [][]seenBlock {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testtools.Need(t, "ffmpeg"), "-nostats", "-v", "debug", "-threads", "1", "-debug", "qp+mb_type", "-i", film, "-f", "null", "-vsync", "passthrough", "-")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var shown [][]seenBlock
	for line := range strings.Lines(string(out)) {
		if _, rest, ok := strings.Cut(line, "] "); ok && strings.HasPrefix(line, "[h264") {
			line = rest
		}
		if strings.HasPrefix(line, "New frame, type: ") {
			shown = append(shown, nil)
			continue
		}
		line = strings.TrimRight(line, "\n")
		if len(shown) == 0 || len(line) == 0 || len(line)%5 != 0 {
			continue
		}
		var row []seenBlock
		for i := 0; i < len(line); i += 5 {
			qp, err := strconv.Atoi(strings.TrimSpace(line[i : i+2]))
			if err != nil || !strings.ContainsRune("PAiIdDgGS><X", rune(line[i+2])) {
				row = nil
				break
			}
			row = append(row, seenBlock{qp, line[i+2], line[i+3]})
		}
		shown[len(shown)-1] = append(shown[len(shown)-1], row...)
	}
	// They are shown in the order of their times; packets stand in that of decoding.
	type packet struct{ pts, at int }
	var packets []packet
	for line := range strings.Lines(output(t, "ffprobe", "-v", "error", "-show_entries", "packet=pts", "-of", "csv=p=0", film)) {
		pts, err := strconv.Atoi(strings.Trim(line, ",\n"))
		if err != nil { // a stream without times is in their order
			pts = len(packets)
		}
		packets = append(packets, packet{pts, len(packets)})
	}
	slices.SortFunc(packets, func(a, b packet) int { return cmp.Compare(a.pts, b.pts) })
	if len(packets) > len(shown) {
		t.Fatalf("%d packets, %d pictures", len(packets), len(shown))
	}
	shown = shown[len(shown)-len(packets):] // those before were shown to find out what the film is
	decoded := make([][]seenBlock, len(shown))
	for i, p := range packets {
		decoded[p.at] = shown[i]
	}
	return decoded
}

func output(t testing.TB, tool string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testtools.Need(t, tool), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, stderr.Bytes())
	}
	return string(out)
}

// annexB returns the stream of a film.
func annexB(t testing.TB, film string) []byte {
	t.Helper()
	return []byte(output(t, "ffmpeg", "-v", "error", "-i", film, "-c", "copy", "-bsf:v", "h264_mp4toannexb", "-f", "h264", "-"))
}

// parseFile parses all pictures of a film.
func parseFile(t testing.TB, film string) []*Map {
	t.Helper()
	maps, err := parseAll(annexB(t, film))
	if err != nil {
		t.Fatal(err)
	}
	return maps
}

// OpenH264, the other encoder at hand, by way of GStreamer, which has it use CAVLC.
func TestOpenH264(t *testing.T) {
	const script = `
import sys, gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
if not Gst.ElementFactory.find("openh264enc"): sys.exit("no openh264enc")
if len(sys.argv) > 1:
    p = Gst.parse_launch(sys.argv[1])
    p.set_state(Gst.State.PLAYING)
    m = p.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    p.set_state(Gst.State.NULL)
    if m.type == Gst.MessageType.ERROR: sys.exit(str(m.parse_error()))
`
	python := testtools.NeedRun(t, "/usr/bin/python3", "-c", script)
	for _, c := range []struct{ name, caps, flags string }{
		{"Baseline", "constrained-baseline", "bitrate=200000"},
		{"slices", "constrained-baseline", "bitrate=100000 slice-mode=1 num-slices=3"},
		{"High", "high", "bitrate=300000 gop-size=10"},
		{"coarse", "high", "bitrate=40000 complexity=high"},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := filepath.Join(t.TempDir(), "film.h264")
			pipeline := "videotestsrc pattern=smpte num-buffers=45 motion=wavy animation-mode=frames ! video/x-raw,width=176,height=144,framerate=15/1 ! openh264enc " +
				c.flags + " ! video/x-h264,stream-format=byte-stream,profile=" + c.caps + " ! filesink location=" + raw
			if out, err := exec.CommandContext(t.Context(), python, "-c", script, pipeline).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			stream, err := os.ReadFile(raw)
			if err != nil {
				t.Fatal(err)
			}
			maps, err := parseAll(stream)
			if err != nil {
				t.Fatal(err)
			}
			want := debugOf(t, raw)
			kinds := map[string]int{}
			for i, m := range maps {
				if d := differ(m, want[i], kinds); d != "" {
					t.Fatalf("picture %d: %s", i, d)
				}
			}
			t.Log(len(maps), kinds)
		})
	}
}

// What moves by a known number of pixels has vectors of four times as many quarters, also
// where macroblocks are skipped.
func TestVectors(t *testing.T) {
	for _, flags := range []string{"-profile:v baseline", "-profile:v baseline -x264-params slices=3", "-bf 0 -preset slow", "-bf 0 -preset veryslow -refs 4"} {
		film := filepath.Join(t.TempDir(), "film.mp4")
		testtools.FFmpeg(t, "-f lavfi -i", append([]string{"nullsrc=s=640x176:r=15:d=2,geq=lum='random(1)*255':cb=128:cr=128,trim=end_frame=1,gblur=sigma=2,loop=30:1,crop=176:144:x='6*n':y='2*n'",
			"-pix_fmt", "yuv420p", "-c:v", "libx264", "-threads", "1", "-frames:v", "12"}, append(strings.Fields(flags), film)...)...)
		moved, skipped, all := 0, 0, 0
		for _, m := range parseFile(t, film) {
			if m.Prediction != kindP {
				continue
			}
			for i, b := range m.Blocks {
				if x := i % m.Width; x == m.Width-1 || i/m.Width == m.Height-1 {
					continue // what is new comes from there
				}
				all++
				if b.Motion == 24 {
					moved++
					if b.Kind == Skipped {
						skipped++
					}
				}
			}
		}
		if t.Logf("%s: %d of %d moved by 24, of these %d skipped", flags, moved, all, skipped); moved < all*9/10 || skipped == 0 {
			t.Errorf("%s: of %d macroblocks %d moved by 24 quarters of a pixel, of these %d skipped", flags, all, moved, skipped)
		}
	}
}

// What is not parsed is said to be so.
func TestUnsupported(t *testing.T) {
	for _, flags := range []string{
		"-flags +ilme+ildct -x264-params tff=1",
		"-pix_fmt yuv422p",
		"-pix_fmt yuv444p",
		"-pix_fmt gray",
		"-pix_fmt yuv420p10le",
	} {
		film := filepath.Join(t.TempDir(), "film.mp4")
		testtools.FFmpeg(t, "-f lavfi -i testsrc2=s=176x144:r=15:d=1 -c:v libx264", append(append([]string{"-pix_fmt", "yuv420p"}, strings.Fields(flags)...), film)...)
		if _, err := parseAll(annexB(t, film)); !isUnsupported(err) {
			t.Errorf("%s: %v", flags, err)
		}
	}
}
