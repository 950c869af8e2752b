package kvsmedia_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Firmware whose encoder writes to a pipe makes frames of it.
func ExampleAccessUnits() {
	pipe := bytes.NewReader([]byte{
		0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 1, 0x65, 0x88, // SPS, PPS, IDR
		0, 0, 0, 1, 0x41, 0x9a, // P
	})
	for data, err := range kvsmedia.AccessUnits(pipe, kvsmedia.H264) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%x\n", data)
	}
	// Output:
	// 0000000167420000000168ce0000016588
	// 00000001419a
}

func TestAccessUnits(t *testing.T) {
	s := testmedia.NewNoise()
	var stream []byte
	var want [][]byte
	for range 30 {
		f := s.Next()
		want, stream = append(want, f.Data), append(stream, f.Data...)
	}
	broken := errors.New("the encoder has died")
	var got [][]byte
	units := kvsmedia.AccessUnits(io.MultiReader(iotest.HalfReader(bytes.NewReader(stream)), iotest.ErrReader(broken)), kvsmedia.H264)
	for data, err := range units {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, data); len(got) == 10 {
			break
		}
	}
	var last error
	for data, err := range units { // goes on
		if last = err; err == nil {
			got = append(got, data)
		}
	}
	if !errors.Is(last, broken) || len(got) != 29 {
		t.Errorf("%d access units, then %v", len(got), last)
	}
	for i, data := range got { // all are still what they were
		if !bytes.Equal(data, want[i]) {
			t.Errorf("access unit %d is another", i)
		}
	}

	n := 0
	for data, err := range kvsmedia.AccessUnits(bytes.NewReader(stream), kvsmedia.H264) {
		if n++; err != nil || data == nil {
			t.Fatalf("access unit %d: %v", n, err)
		}
	}
	if n != 30 {
		t.Errorf("%d access units up to the end, want 30", n)
	}
}

func TestAccessUnitsRefuse(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("\x00\x00\x01\x65"), io.LimitReader(ones{}, 40<<20))
	noise := testmedia.NewNoise()
	var picture, mkv bytes.Buffer
	track := &kvsmedia.Track{Codec: kvsmedia.H264}
	movie := func(yield func(kvsmedia.Frame) bool) {
		for i := range 30 {
			if !yield(kvsmedia.Frame{Track: track, PTS: time.Duration(i) * 40 * time.Millisecond, Data: noise.Next().Data}) {
				return
			}
		}
	}
	var mp4 bytes.Buffer
	if err := errors.Join(kvsmedia.WriteMP4(&mp4, movie, track), kvsmedia.WriteMKV(&mkv, movie, track)); err != nil {
		t.Fatal(err)
	}
	picture.Write(noise.Next().Data)
	sets := []byte{0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0xce}
	prefixed := bitstream.AppendPrefixed(nil, [][]byte{{0x67, 0x42, 0, 30}, {0x68, 0xce}, make([]byte, 300)})
	for name, c := range map[string]struct {
		r     io.Reader
		codec kvsmedia.Codec
		want  string
	}{
		"sound":                 {strings.NewReader("x"), kvsmedia.Opus, "want H264 or H265"},
		"no end":                {endless, kvsmedia.H264, "more than 8388608 bytes"},
		"nothing":               {strings.NewReader(""), kvsmedia.H264, ""},
		"MP4":                   {bytes.NewReader(mp4.Bytes()), kvsmedia.H264, "the stream is MP4: want H264 in Annex B"},
		"MP4, byte by byte":     {iotest.OneByteReader(bytes.NewReader(mp4.Bytes())), kvsmedia.H265, "the stream is MP4"},
		"Matroska":              {bytes.NewReader(mkv.Bytes()), kvsmedia.H264, "the stream is Matroska"},
		"MPEG-TS":               {bytes.NewReader(bytes.Repeat(append([]byte{0x47, 0, 0, 1, 0x65}, make([]byte, 183)...), 9)), kvsmedia.H264, "the stream is MPEG-TS"},
		"AVCC":                  {bytes.NewReader(prefixed), kvsmedia.H264, "the stream is length-prefixed (AVCC)"},
		"text":                  {strings.NewReader("no video"), kvsmedia.H264, "no Annex B start code in the first 8 bytes: is it MP4"},
		"text, with the end":    {iotest.DataErrReader(strings.NewReader("no video")), kvsmedia.H264, "no Annex B start code in the first 8 bytes"},
		"zeros":                 {io.LimitReader(zeros{}, 9<<20), kvsmedia.H264, "no Annex B start code in the first 65536 bytes"},
		"another codec":         {bytes.NewReader(picture.Bytes()), kvsmedia.H265, "no picture of H265"},
		"parameter sets alone":  {bytes.NewReader(sets), kvsmedia.H264, "no picture of H264"},
		"a late start code":     {io.MultiReader(io.LimitReader(ones{}, 70_000), bytes.NewReader(picture.Bytes())), kvsmedia.H264, "no Annex B start code"},
		"an error at the begin": {iotest.ErrReader(io.ErrClosedPipe), kvsmedia.H264, "closed pipe"},
	} {
		var errs []string
		for data, err := range kvsmedia.AccessUnits(c.r, c.codec) {
			if err == nil || data != nil {
				t.Fatalf("%s: %d bytes", name, len(data))
			}
			errs = append(errs, err.Error())
		}
		if all := strings.Join(errs, "; "); !strings.Contains(all, c.want) || (c.want == "") != (all == "") || len(errs) > 1 {
			t.Errorf("%s: %q, want %q", name, all, c.want)
		}
	}
}

// zeros is an endless stream of zeros.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// ones is an endless stream of ones.
type ones struct{}

func (ones) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 1
	}
	return len(b), nil
}

// A stream that is joined in the midst of a picture begins with the next one.
func TestAccessUnitsAfterPreamble(t *testing.T) {
	want := []byte{0, 0, 1, 0x65, 0x88}
	for name, before := range map[string]string{
		"a rest": "rest of a picture", "zeros": strings.Repeat("\x00", 60_000), "much": strings.Repeat("x", 65_000), "like lengths": "\x00\x00\x00\x04\x67\x42\x00\x1e",
	} {
		n := 0
		for data, err := range kvsmedia.AccessUnits(iotest.HalfReader(strings.NewReader(before+string(want))), kvsmedia.H264) {
			if n++; err != nil || !bytes.HasSuffix(data, want) {
				t.Errorf("%s: %x, %v", name, data, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d access units", name, n)
		}
	}
}

// A stream cut into access units and written as Matroska has the pictures that ffmpeg
// finds in the stream itself: slices, prefix NAL units before each of them (type 14, as
// of SVC), fields' macroblocks, parameter sets and messages.
func TestAccessUnitsHoldAllPictures(t *testing.T) {
	ffmpeg := testtools.Need(t, "ffmpeg")
	for _, c := range []struct {
		name, flags string
		codec       kvsmedia.Codec
		svc         bool
	}{
		{"slices", "-c:v libx264 -bf 0 -g 10 -x264-params slices=4:sliced-threads=0:aud=1", kvsmedia.H264, false},
		{"SVC", "-c:v libx264 -bf 0 -g 10 -x264-params slices=2:sliced-threads=0", kvsmedia.H264, true},
		{"interlaced", "-c:v libx264 -bf 0 -g 10 -flags +ildct+ilme -x264-params tff=1", kvsmedia.H264, false},
		{"gradual refresh", "-c:v libx264 -bf 0 -x264-params intra-refresh=1:keyint=10", kvsmedia.H264, false},
		{"H.265", "-c:v libx265 -x265-params log-level=none:bframes=0:slices=2:aud=1:keyint=10", kvsmedia.H265, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := filepath.Join(t.TempDir(), "in."+map[kvsmedia.Codec]string{kvsmedia.H264: "h264", kvsmedia.H265: "hevc"}[c.codec])
			args := append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc=rate=25:duration=2:size=320x192", "-pix_fmt", "yuv420p"}, strings.Fields(c.flags)...)
			run(t, ffmpeg, append(args, raw)...)
			stream, err := os.ReadFile(raw)
			if err != nil {
				t.Fatal(err)
			}
			track := &kvsmedia.Track{Codec: c.codec}
			want := pictures(run(t, ffmpeg, "-v", "error", "-i", raw, "-f", "framemd5", "-"))
			if c.svc {
				var with [][]byte
				for _, nalu := range bitstream.Split(nil, stream) {
					if bitstream.H264.IsVCL(nalu) {
						with = append(with, []byte{nalu[0]&0x60 | 14, 0x80, 0x80, 0x07, 0x20})
					}
					with = append(with, nalu)
				}
				stream = bitstream.AppendAnnexB(nil, with)
			}
			var mkv bytes.Buffer
			n := 0
			err = kvsmedia.WriteMKV(&mkv, func(yield func(kvsmedia.Frame) bool) {
				for au, err := range kvsmedia.AccessUnits(bytes.NewReader(stream), c.codec) {
					if err != nil {
						t.Error(err)
						return
					}
					if !yield(kvsmedia.Frame{Track: track, PTS: time.Duration(n) * 40 * time.Millisecond, Data: au}) {
						return
					}
					n++
				}
			}, track)
			if err != nil {
				t.Fatal(err)
			}
			got := pictures(run(t, ffmpeg, "-v", "error", "-i", save(t, "out.mkv", mkv.Bytes()), "-f", "framemd5", "-"))
			if d := cmp.Diff(want, got); d != "" || n != 50 {
				t.Errorf("%d access units (-ffmpeg +ours)\n%s", n, d)
			}
		})
	}
}

// pictures returns the hashes in what ffmpeg's framemd5 prints.
func pictures(text string) (hashes []string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(line, "#") {
			hashes = append(hashes, f[len(f)-1])
		}
	}
	return hashes
}
