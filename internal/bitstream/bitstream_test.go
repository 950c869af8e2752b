package bitstream

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"no start code", "67 42 00 1e", ""},
		{"three bytes", "000001 6742", "6742"},
		{"four bytes", "00000001 6742", "6742"},
		{"mixed", "00000001 67 000001 68 00000001 65aa", "67 68 65aa"},
		{"more zeros before", "0000000000 000001 67 00000000 000001 68", "67 68"},
		{"zeros at the end", "000001 67 000000", "67"},
		{"zeros within", "000001 670000 03 01", "6700000301"},
		{"empty unit", "000001 000001 67", "67"},
		{"only a start code", "000001", ""},
		{"garbage before", "ffff 000001 67", "67"},
		{"ones", "000001 010101010101", "010101010101"},
	} {
		got := Split(nil, unhex(t, c.in))
		var want [][]byte
		for _, n := range strings.Fields(c.want) {
			want = append(want, unhex(t, n))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, d)
		}
	}
	b := unhex(t, "000001 67 000001 68")
	n := Split(nil, b)
	_ = append(n[0], 0xff)
	if !bytes.Equal(b, unhex(t, "000001 67 000001 68")) {
		t.Error("appending to a NAL unit wrote over the next one")
	}
}

func TestSplitPrefixed(t *testing.T) {
	want := [][]byte{{0x67, 1}, {0x68}, {0x65, 2, 3}}
	for size, in := range map[int]string{
		1: "02 6701 01 68 00 03 650203",
		2: "0002 6701 0001 68 0000 0003 650203",
		3: "000002 6701 000001 68 000003 650203",
		4: "00000002 6701 00000001 68 00000003 650203",
	} {
		got, err := SplitPrefixed(nil, unhex(t, in), size)
		if err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("length size %d: %x, %v", size, got, err)
		}
	}
	for _, in := range []string{"00000003 6701", "00000002 6701 0000", "ffffffff 67"} {
		got, err := SplitPrefixed(nil, unhex(t, in), 4)
		if err == nil {
			t.Errorf("%s: no error, %x", in, got)
		}
	}
	for _, size := range []int{-1, 0, 5} {
		if _, err := SplitPrefixed(nil, nil, size); err == nil {
			t.Errorf("length size %d: no error", size)
		}
	}
}

func TestDetect(t *testing.T) {
	for in, want := range map[string]Framing{
		"":                                       UnknownFraming,
		"00000001 0910 00000001 65aa":            AnnexB,
		"0000000001 0910":                        AnnexB,
		"000001 65aabb":                          AnnexB,
		"00000003 65aabb":                        LengthPrefixed,
		"00000002 0910 00000001 65":              LengthPrefixed,
		"00000002 0910 00000009 65":              UnknownFraming,
		"65aabbccddee":                           UnknownFraming,
		"00000001 0a 00000002 6588":              LengthPrefixed, // begins with a NAL unit of one byte
		"00000001 0a":                            AnnexB,
		"00000001 0a 00000001 6588":              AnnexB,
		"00000000 00000002 6588":                 LengthPrefixed, // begins with an empty one
		"00000002 6588 00000000":                 LengthPrefixed,
		"00000000":                               UnknownFraming,
		"0000":                                   UnknownFraming,
		"00000101" + strings.Repeat("65", 0x101): LengthPrefixed, // begins like a start code
	} {
		if got := Detect(unhex(t, in)); got != want {
			t.Errorf("%.40s: got %d, want %d", in, got, want)
		}
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct {
		codec                   Codec
		nalu                    string
		vcl, key, set, aud, sei bool
	}{
		{H264, "65", true, true, false, false, false},
		{H264, "41", true, false, false, false, false},
		{H264, "67", false, false, true, false, false},
		{H264, "68", false, false, true, false, false},
		{H264, "09", false, false, false, true, false},
		{H264, "06", false, false, false, false, true},
		{H264, "0c", false, false, false, false, false},
		{H264, "", false, false, false, false, false},
		{H265, "2601", true, true, false, false, false}, // IDR_W_RADL
		{H265, "2a01", true, true, false, false, false}, // CRA
		{H265, "0201", true, false, false, false, false},
		{H265, "4001", false, false, true, false, false},
		{H265, "4201", false, false, true, false, false},
		{H265, "4401", false, false, true, false, false},
		{H265, "4601", false, false, false, true, false},
		{H265, "4e01", false, false, false, false, true},
		{H265, "5001", false, false, false, false, true},
		{H265, "2600", false, false, false, false, false}, // forbidden header
		{H265, "26", false, false, false, false, false},
	} {
		n := unhex(t, c.nalu)
		got := []bool{c.codec.IsVCL(n), c.codec.IsKey(n), c.codec.IsParameterSet(n), c.codec.IsAUD(n), c.codec.IsSEI(n)}
		if want := []bool{c.vcl, c.key, c.set, c.aud, c.sei}; !slices.Equal(got, want) {
			t.Errorf("%v %s: got %v, want %v", c.codec, c.nalu, got, want)
		}
		if c.codec.HasKey([][]byte{{0x0c}, n}) != c.key {
			t.Errorf("%v %s: HasKey is not %v", c.codec, c.nalu, c.key)
		}
	}
}

// Access units of one, two and three slices, with everything that may stand
// between them.
var streams = map[Codec][]string{
	H264: {
		"0910 6742 68ce 06ff 6588 6541 6542",
		"419a 4155",
		"0910 419b 0c 0c",
		"06aa 419c 0b",
		"6742 68ce 65b0",
		"419d",
		"0e40 41ff 7480",      // prefix NAL unit, slice, slice extension
		"0e40 41fe 06bb 7481", // a message before the extension
		"0e40 41fd 0e40 415d 7482",
	},
	H265: {
		"460150 4001aa 4201bb 4401cc 4e0101 2601af 260120",
		"0201d0 020150 5001aa",
		"460150 0201d1 4c01ff",
		"4e01aa 0201d2 020950", // the last one of layer 1
		"2a01d3",
		"0201d4 4801 4a01",
	},
}

func TestAccessUnits(t *testing.T) {
	for codec, aus := range streams {
		var stream []byte
		var want [][][]byte
		for i, au := range aus {
			var nalus [][]byte
			for j, n := range strings.Fields(au) {
				nalus = append(nalus, unhex(t, n))
				stream = append(stream, make([]byte, (i*3+j)%4)...) // zero bytes
				stream = append(stream, 0, 0, 1)
				stream = append(stream, unhex(t, n)...)
			}
			want = append(want, nalus)
		}
		stream = append([]byte("garbage"), stream...)
		readers := map[string]io.Reader{
			"at once":       bytes.NewReader(stream),
			"byte by byte":  iotest.OneByteReader(bytes.NewReader(stream)),
			"data with EOF": iotest.DataErrReader(bytes.NewReader(stream)),
			"with a tail":   bytes.NewReader(append(slices.Clip(stream), unhex(t, "000001"+map[Codec]string{H264: "6742", H265: "4201aa"}[codec])...)),
		}
		for how, r := range readers {
			var got [][][]byte
			a := NewAccessUnits(r, codec)
			for {
				au, err := a.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, Split(nil, bytes.Clone(au)))
				if !bytes.HasPrefix(bytes.TrimLeft(au, "\x00"), []byte{1}) || au[len(au)-1] == 0 {
					t.Errorf("%v %s: not trimmed: %x", codec, how, au)
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%v %s: (-want +got)\n%s", codec, how, d)
			}
		}
	}
}

// Fields of a frame are one access unit, whatever stands between them; the slices of
// pictures that are not referred to, which have one frame_num, are not taken for fields of
// one frame.
func TestAccessUnitsOfFields(t *testing.T) {
	const (
		sei    = "06: u8:5 u8:1 u8:7, "
		top    = "65: ue0 ue7 ue0 u4:0 1 0 ue0 u4:0, 65: ue4 ue7 ue0 u4:0 1 0 ue0 u4:0, "
		bottom = "41: ue0 ue5 ue0 u4:0 1 1 u4:1, 41: ue4 ue5 ue0 u4:0 1 1 u4:1"
		loose  = "01: ue0 ue5 ue0 u4:1 1 0 u4:%d, 09: 111, 01: ue0 ue5 ue0 u4:1 1 1 u4:%d"
		frame  = "41: ue0 ue5 ue0 u4:1 0 u4:8"
		alone  = "41: ue0 ue5 ue0 u4:2 1 0 u4:10"
	)
	sets := sets264(t, sps264of(t, "64", poc0, "00", silent))
	want := [][][]byte{append(sets.Append(nil), slices264(t, sei+top+sei+bottom)...)}
	for _, text := range []string{fmt.Sprintf(loose, 2, 3), fmt.Sprintf(loose, 4, 5), frame, alone, alone, frame} {
		want = append(want, slices264(t, text))
	}
	var stream []byte
	for _, au := range want {
		stream = AppendAnnexB(stream, au)
	}
	for how, r := range map[string]io.Reader{"at once": bytes.NewReader(stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(stream))} {
		var got [][][]byte
		a := NewAccessUnits(r, H264)
		for {
			au, err := a.Next()
			if err != nil {
				break
			}
			got = append(got, Split(nil, bytes.Clone(au)))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", how, d)
		}
	}
	u := Units{Codec: H264}
	var got [][][]byte
	for i, au := range want {
		for _, n := range au {
			if au, ok := u.Push(n, int64(i)); ok {
				got = append(got, Split(nil, bytes.Clone(au.Data)))
			}
		}
	}
	if d := cmp.Diff(want[:len(want)-1], got); d != "" {
		t.Errorf("with timestamps: (-want +got)\n%s", d)
	}
}

func TestAccessUnitsErrors(t *testing.T) {
	au := unhex(t, "000001 6588 000001 419a")
	for _, broken := range []error{errors.New("pipe broke"), io.ErrUnexpectedEOF} {
		a := NewAccessUnits(io.MultiReader(bytes.NewReader(au), iotest.ErrReader(broken)), H264)
		if got, err := a.Next(); err != nil || !bytes.Equal(got, au[:5]) {
			t.Errorf("whole access unit before an error: %x %v", got, err)
		}
		for range 2 {
			if got, err := a.Next(); err != broken {
				t.Errorf("broken access unit: %x %v, want %v", got, err, broken)
			}
		}
	}

	endless := io.MultiReader(bytes.NewReader(au[:5]), iotest.OneByteReader(endlessOnes{}))
	a := NewAccessUnits(endless, H264)
	a.max = 100 << 10
	if _, err := a.Next(); err == nil || err == io.EOF {
		t.Errorf("an access unit without end: %v", err)
	}
	if cap(a.buf) > 4*a.max {
		t.Errorf("%d bytes were buffered for at most %d", cap(a.buf), a.max)
	}

	a = NewAccessUnits(io.LimitReader(endlessOnes{}, 10<<20), H264)
	if got, err := a.Next(); err != io.EOF || cap(a.buf) > 1<<20 {
		t.Errorf("a stream without start codes: %d bytes, %v, buffer %d", len(got), err, cap(a.buf))
	}
}

type endlessOnes struct{}

func (endlessOnes) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 1
	}
	return len(b), nil
}

func TestNoAllocations(t *testing.T) {
	au := AppendAnnexB(nil, [][]byte{{0x67, 1, 2}, {0x68, 1}, bytes.Repeat([]byte{0x65}, 10_000)})
	var nalus [][]byte
	var out []byte
	p := ParameterSets{Codec: H264}
	p.Update([][]byte{sps264(t), {0x68, 0xce, 0x3c, 0x80}})
	run := func() {
		nalus = Split(nalus[:0], au)
		out = AppendPrefixed(out[:0], nalus)
		nalus, _ = SplitPrefixed(nalus[:0], out, 4)
		nalus = p.AppendKey(nalus, nalus)
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations per access unit", n)
	}
}

func BenchmarkSplit(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	slice := make([]byte, 16_000)
	for i := range slice {
		slice[i] = byte(rnd.Uint32()) | 1
	}
	au := AppendAnnexB(nil, [][]byte{{0x67, 1, 2}, {0x68, 1}, {0x06, 5}, slice})
	var nalus [][]byte
	b.SetBytes(int64(len(au)))
	b.ReportAllocs()
	for b.Loop() {
		nalus = Split(nalus[:0], au)
	}
}

func TestHead(t *testing.T) {
	for _, c := range []struct {
		codec    Codec
		in, want string
	}{
		{H264, "00000001 6742c01e 00000001 68ce3c80 000001 65 88 000001 65 44", "6742c01e 68ce3c80 6588 000001 6544"},
		{H264, "00000001 0910 00000001 419a", "0910 419a"},
		{H264, "000001 06 0000", "06"},
		{H265, "00000001 4001 0c 000001 2601 af", "40010c 2601af"},
		{H264, "6588", ""},
	} {
		got := c.codec.Head(nil, unhex(t, c.in))
		if all := bytes.Join(got, nil); !bytes.Equal(all, unhex(t, c.want)) {
			t.Errorf("%v %s: %x, want %s", c.codec, c.in, got, c.want)
		}
		whole := Split(nil, unhex(t, c.in))
		if c.codec.HasKey(got) != c.codec.HasKey(whole) {
			t.Errorf("%v %s: the head and the whole differ in whether it is a key frame", c.codec, c.in)
		}
	}
}
