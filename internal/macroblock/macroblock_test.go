package macroblock

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func isUnsupported(err error) bool { return errors.Is(err, errors.ErrUnsupported) }

// parser is a Parser with the parameter sets of its stream.
type parser struct {
	Parser
	sets bitstream.ParameterSets
}

func (p *parser) Picture(nalus [][]byte, dst *Map) error {
	p.sets.Codec = bitstream.H264
	p.sets.Update(nalus)
	return p.Parser.Picture(&p.sets, nalus, dst)
}

// parseAll parses the pictures of a stream in Annex B.
func parseAll(stream []byte) (maps []*Map, err error) {
	var p parser
	for _, au := range accessUnits(stream) {
		m := &Map{}
		if err := p.Picture(au, m); err != nil {
			return maps, fmt.Errorf("picture %d: %w", len(maps), err)
		}
		maps = append(maps, m)
	}
	return maps, nil
}

func accessUnits(stream []byte) [][][]byte { return testmedia.AccessUnits(stream, bitstream.H264) }

// clip returns the pictures of a clip.
func clip(c *clips.Clip) [][][]byte { return testmedia.NALUs(c.Frames, c.Tracks[0]) }

// sum is what the pictures of a stream hold.
type sum struct {
	Pictures [3]int // by Prediction
	Kinds    [9]int // macroblocks by Kind
	Coded    int    // macroblocks
	Bits     int    // of all
	Motion   [2]int // in all, and the largest
	Change   [2]int
	QP       [2]int // least, most
}

func sumOf(maps []*Map) (s sum) {
	s.QP[0] = 52
	for _, m := range maps {
		s.Pictures[m.Prediction-kindI]++
		for _, b := range m.Blocks {
			s.Kinds[b.Kind]++
			if b.Coded {
				s.Coded++
			}
			s.Bits += int(b.Bits)
			s.Motion = [2]int{s.Motion[0] + int(b.Motion), max(s.Motion[1], int(b.Motion))}
			s.Change = [2]int{s.Change[0] + int(b.Change), max(s.Change[1], int(b.Change))}
			s.QP = [2]int{min(s.QP[0], int(b.QP)), max(s.QP[1], int(b.QP))}
		}
	}
	return s
}

// The streams of testdata, which make.sh made. The sums are what this package found when
// the tests against ffmpeg passed, and when the vectors were those that ffmpeg exports
// (export_mvs), except for blocks smaller than 8x8, which it does not.
var streams = map[string]sum{
	"cavlc.h264":          {[3]int{1, 8}, [9]int{136, 0, 117, 40, 20, 21, 26, 18}, 176, 22259, [2]int{2029, 52}, [2]int{1377, 52}, [2]int{30, 42}},
	"cavlc-b.h264":        {[3]int{1, 3, 5}, [9]int{165, 6, 96, 35, 18, 12, 27, 19}, 154, 21753, [2]int{1844, 46}, [2]int{1597, 51}, [2]int{28, 42}},
	"cabac.h264":          {[3]int{1, 8}, [9]int{130, 0, 119, 33, 23, 31, 32, 10}, 163, 20683, [2]int{1868, 76}, [2]int{1183, 76}, [2]int{29, 42}},
	"cabac-b.h264":        {[3]int{1, 3, 5}, [9]int{156, 1, 115, 24, 18, 18, 36, 10}, 129, 20113, [2]int{1700, 64}, [2]int{1582, 64}, [2]int{28, 41}},
	"small.h264":          {[3]int{1, 8}, [9]int{1, 0, 62, 64, 55, 152, 32, 12}, 324, 58147, [2]int{5637, 130}, [2]int{4756, 123}, [2]int{19, 46}},
	"openh264-cabac.h264": {[3]int{1, 8}, [9]int{144, 0, 106, 19, 15, 23, 29, 42}, 190, 33896, [2]int{1088, 32}, [2]int{907, 32}, [2]int{28, 41}},
	"openh264.h264":       {[3]int{1, 9}, [9]int{275, 0, 55, 11, 12, 14, 12, 41}, 91, 18832, [2]int{497, 28}, [2]int{429, 28}, [2]int{12, 28}},
}

func TestStreams(t *testing.T) {
	for name, want := range streams {
		maps, err := parseAll(stream(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(want, sumOf(maps)); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
}

// The clips of 20 seconds, CAVLC.
func TestClips(t *testing.T) {
	for _, c := range []*clips.Clip{clips.Day(), clips.Night(), clips.Sub()} {
		var p parser
		var m Map
		for i, au := range clip(c) {
			if err := p.Picture(au, &m); err != nil {
				t.Fatalf("picture %d: %v", i, err)
			}
			bits, size := 0, 0
			for _, b := range m.Blocks {
				bits += int(b.Bits)
			}
			for _, n := range au {
				if bitstream.H264.IsVCL(n) {
					size += 8 * len(n)
				}
			}
			if bits > size || bits < size-size/20-400 {
				t.Fatalf("picture %d: macroblocks have %d bits, the slices %d", i, bits, size)
			}
		}
	}
}

// Once a picture has been parsed nothing is allocated.
func TestAllocations(t *testing.T) {
	for name := range streams {
		aus := accessUnits(stream(t, name))
		var p parser
		var m Map
		round := func() {
			for _, au := range aus {
				if err := p.Picture(au, &m); err != nil {
					t.Fatal(err)
				}
			}
		}
		round()
		if n := testing.AllocsPerRun(3, round); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// What is not whole is an error, and the next picture is parsed again.
func TestDamaged(t *testing.T) {
	for name := range streams {
		aus := accessUnits(stream(t, name))
		for i, au := range aus {
			var p parser
			var m Map
			for _, before := range aus[:i] {
				if err := p.Picture(before, &m); err != nil {
					t.Fatal(err)
				}
			}
			bad := func(what string, au [][]byte) {
				if err := p.Picture(au, &m); err == nil {
					t.Errorf("%s, picture %d: %s is no error", name, i, what)
				}
			}
			last := len(au) - 1
			n := au[last]
			bad("the last slice lost", au[:last])
			bad("the last slice twice", append(au[:last:last], n, n))
			for _, cut := range []int{1, 2, 3, len(n) / 2, len(n) - 1} {
				if cut < len(n) {
					bad(fmt.Sprintf("a slice of %d of %d bytes", cut, len(n)), append(au[:last:last], n[:cut]))
				}
			}
			bad("a slice with a byte behind it", append(au[:last:last], append(bytes.Clone(n), 0x5a)))
			for at := 1; at < len(n); at += 3 { // whatever comes of it
				broken := bytes.Clone(n)
				broken[at] ^= 1 << (at & 7)
				_ = p.Picture(append(au[:last:last], broken), &m)
			}
			if err := p.Picture(au, &m); err != nil {
				t.Errorf("%s, picture %d after damaged ones: %v", name, i, err)
			}
		}
	}
}

// Parameter sets that do not come, and parts of H.264 that no encoder at hand writes.
func TestRefused(t *testing.T) {
	sps := func(side int) []byte {
		return nal(0x67, u(8, 66), u(8, 0), u(8, 30), ue(0), ue(0), ue(2), ue(1), u(1, 0), ue(side-1), ue(side-1), u(1, 1), u(1, 1), u(1, 0), u(1, 0))
	}
	pps := func(groups int) []byte {
		return nal(0x68, ue(0), ue(0), u(1, 0), u(1, 0), ue(groups-1), ue(0), ue(0), u(3, 0), ue(0), ue(0), ue(0), u(3, 0))
	}
	slice := func(kind int) []byte { // SliceQP_Y is 26
		return nal(0x41, ue(0), ue(kind), ue(0), u(4, 0), u(1, 0), u(1, 0), u(1, 0), ue(0), ue(4))
	}
	for _, c := range []struct {
		what        string
		au          [][]byte
		unsupported bool
	}{
		{"nothing", nil, false},
		{"a slice without sets", [][]byte{slice(0)}, false},
		{"a slice without an SPS", [][]byte{pps(1), slice(0)}, false},
		{"sets alone", [][]byte{sps(2), pps(1)}, false},
		{"slice groups", [][]byte{sps(2), pps(2), slice(0)}, true},
		{"an SP slice", [][]byte{sps(2), pps(1), slice(3)}, true},
		{"a data partition", [][]byte{sps(2), pps(1), {0x42, 0x88}}, true},
		{"too large a picture", [][]byte{sps(193), pps(1), slice(0)}, true},
		{"an empty slice", [][]byte{sps(2), pps(1), {0x41}}, false},
	} {
		var m Map
		if err := new(parser).Picture(c.au, &m); err == nil || isUnsupported(err) != c.unsupported {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	var m Map
	if err := new(parser).Picture([][]byte{sps(2), pps(1), slice(0)}, &m); err != nil || len(m.Blocks) != 4 || m.Blocks[3] != (Block{QP: 26}) {
		t.Errorf("four skipped macroblocks: %v %+v", err, m)
	}
}

// nal makes a NAL unit of bits, with rbsp_trailing_bits.
func nal(header byte, parts ...string) []byte {
	bits := strings.Join(parts, "") + "1"
	for len(bits)%8 != 0 {
		bits += "0"
	}
	n := []byte{header}
	for ; bits != ""; bits = bits[8:] {
		x, _ := strconv.ParseUint(bits[:8], 2, 8)
		n = append(n, byte(x))
	}
	return n
}

func u(n, v int) string { return fmt.Sprintf("%0*b", n, v) }

func ue(v int) string { return strings.Repeat("0", bits.Len(uint(v+1))-1) + fmt.Sprintf("%b", v+1) }

func write(t testing.TB, path string, b []byte) {
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func stream(t testing.TB, name string) []byte { return read(t, "testdata/"+name) }
