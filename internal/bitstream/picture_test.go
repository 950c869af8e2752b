package bitstream

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bitString writes bits: "1", and numbers as Exp-Golomb codes, "ue5", "se-2", or with
// their width, "u4:5". Spaces part them; a stop bit follows.
func bitString(t testing.TB, text string) []byte {
	t.Helper()
	var all strings.Builder
	for _, f := range strings.Fields(text) {
		var n, v int
		if _, err := fmt.Sscanf(f, "se%d", &v); err == nil {
			f = fmt.Sprintf("ue%d", max(2*v-1, -2*v))
		}
		if _, err := fmt.Sscanf(f, "ue%d", &v); err == nil {
			b := fmt.Sprintf("%b", v+1)
			all.WriteString(strings.Repeat("0", len(b)-1) + b)
		} else if _, err := fmt.Sscanf(f, "u%d:%d", &n, &v); err == nil {
			fmt.Fprintf(&all, "%0*b", n, v)
		} else {
			all.WriteString(f)
		}
	}
	all.WriteString("1")
	s := all.String()
	s += strings.Repeat("0", (8-len(s)%8)%8)
	b := make([]byte, len(s)/8)
	for i := range s {
		b[i/8] |= (s[i] - '0') << (7 - i%8)
	}
	return b
}

// nal writes a NAL unit with its emulation prevention bytes.
func nal(t testing.TB, header, text string) []byte {
	t.Helper()
	b, zeros := unhex(t, header), 0
	for _, x := range bitString(t, text) {
		if zeros >= 2 && x <= 3 {
			b, zeros = append(b, 3), 0
		}
		if zeros++; x != 0 {
			zeros = 0
		}
		b = append(b, x)
	}
	return b
}

// sps264of makes an SPS: High, frame numbers of 4 bits, 64x64 pixels. poc is its order
// of pictures, fields is "1" for frames alone, "00" for fields, vui what follows.
func sps264of(t testing.TB, profile, poc, fields, vui string) []byte {
	high := ""
	if profile == "64" {
		high = "ue1 ue0 ue0 0 0"
	}
	return nal(t, "67"+profile+"001e", fmt.Sprintf("ue0 %s ue0 %s ue1 0 ue3 ue3 %s 1 0 %s", high, poc, fields, vui))
}

// Orders of pictures, and what an SPS says of reordering.
const (
	poc0     = "ue0 ue0" // pic_order_cnt_lsb of 4 bits
	poc2     = "ue2"
	silent   = "0"
	reorder0 = "1 0 0 0 0 0 0 0 0 1 1 ue0 ue0 ue0 ue0 ue0 ue1"
	reorder2 = "1 1 u8:255 u16:4 u16:3 1 0 1 u3:5 0 1 u8:1 u8:1 u8:1 1 ue0 ue0 1 u32:1 u32:50 1 1 ue0 u4:0 u4:0 ue9 ue9 0 u5:1 u5:1 u5:1 u5:1 0 0 0 1 1 ue0 ue0 ue0 ue0 ue2 ue3"
)

func sets264(t testing.TB, sps []byte) *ParameterSets {
	t.Helper()
	p := &ParameterSets{Codec: H264}
	p.Update([][]byte{sps, nal(t, "68", "ue0 ue0 0 0 ue0 ue0 ue0 0 00 ue0 ue0 ue0 0 0 0")})
	if !p.Complete() {
		t.Fatalf("the sets cannot be read: %x", sps)
	}
	return p
}

func sps265(t testing.TB, reorder int) []byte {
	return nal(t, "4201", fmt.Sprintf("u4:0 u3:0 1 u8:1 u32:0 u32:0 u16:0 u8:60 ue0 ue1 ue64 ue64 0 ue0 ue0 ue0 1 ue4 ue%d ue0 ue0 ue1 ue0 ue0", reorder))
}

// sets265 has blocks of 16 pixels, so addresses of 4 bits, and dependent slices.
func sets265(t testing.TB, reorder int) *ParameterSets {
	t.Helper()
	p := &ParameterSets{Codec: H265}
	p.Update([][]byte{unhex(t, "40010c"), sps265(t, reorder), nal(t, "4401", "ue0 ue0 1 0 u3:2 0 0 ue0")})
	if !p.Complete() {
		t.Fatal("the sets cannot be read")
	}
	return p
}

// slices makes NAL units of lines "header: bits", parted by commas.
func slices264(t testing.TB, text string) (nalus [][]byte) {
	t.Helper()
	for line := range strings.SplitSeq(text, ",") {
		header, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		nalus = append(nalus, nal(t, header, rest+" 1010 1010 1010"))
	}
	return nalus
}

func TestInspectH264(t *testing.T) {
	const (
		idr  = "65: ue0 ue7 ue0 u4:0 ue0 u4:0"
		p1   = "41: ue0 ue5 ue0 u4:1 u4:2"
		p1b  = "41: ue8 ue5 ue0 u4:1 u4:2"
		b2   = "01: ue0 ue6 ue0 u4:2 u4:1"
		iNon = "41: ue0 ue7 ue0 u4:1 u4:2"
	)
	key, p, b := Picture{Key: true, IDR: true}, Picture{}, Picture{B: true, Reordered: true}
	for name, c := range map[string]struct {
		sps, nalus string
		want       Picture
		err        string
	}{
		"IDR":                      {"64 " + poc0, idr, key, ""},
		"P":                        {"64 " + poc0, p1, p, ""},
		"delimiter and message":    {"64 " + poc0, "09: 111, 06: u8:5 u8:1 u8:7, " + p1, p, ""},
		"slices":                   {"64 " + poc0, p1 + "," + p1b, p, ""},
		"slices of other PPS":      {"64 " + poc0, p1 + ", 41: ue8 ue5 ue1 u4:1 u4:2", p, ""},
		"prefix before each slice": {"64 " + poc0, "6e: 1010, " + p1 + ", 6e: 1010, " + p1b + ", 74: 1010 1010", p, ""},
		"B":                        {"64 " + poc0, b2, b, ""},
		"a slice of B":             {"64 " + poc0, p1 + ", 41: ue8 ue6 ue0 u4:1 u4:2", b, ""},
		"B in order":               {"64 " + poc0 + " reorder0", b2, Picture{B: true}, ""},
		"B, reordered":             {"64 " + poc0 + " reorder2", b2, b, ""},
		"B of type 2":              {"64 " + poc2, "01: ue0 ue6 ue0 u4:2", Picture{B: true}, ""},
		"recovery on I":            {"64 " + poc0, "06: u8:6 u8:1 ue0 1 0 00, " + iNon, Picture{Key: true}, ""},
		"recovery after others":    {"64 " + poc0, "06: u8:255 u8:1 u8:1 u8:0 u8:6 u8:1 ue0 1 0 00, " + iNon, Picture{Key: true}, ""},
		"recovery on P":            {"64 " + poc0, "06: u8:6 u8:1 ue0 1 0 00, " + p1, Picture{Gradual: true}, ""},
		"recovery later":           {"64 " + poc0, "06: u8:6 u8:2 ue9 1 0 00, " + iNon, Picture{Gradual: true}, ""},
		"I alone":                  {"64 " + poc0, iNon, p, ""},
		"two fields":               {"64 " + poc0 + " fields", "65: ue0 ue7 ue0 u4:0 1 0 ue0 u4:0, 41: ue0 ue5 ue0 u4:0 1 1 u4:1", key, ""},
		"two fields of slices":     {"64 " + poc0 + " fields", "41: ue0 ue5 ue0 u4:3 1 0 u4:0, 41: ue4 ue5 ue0 u4:3 1 0 u4:0, 41: ue0 ue5 ue0 u4:3 1 1 u4:1, 41: ue4 ue5 ue0 u4:3 1 1 u4:1", p, ""},
		"recovery on an I field":   {"64 " + poc0 + " fields", "06: u8:6 u8:1 ue0 1 0 00, 41: ue0 ue7 ue0 u4:0 1 0 u4:0, 41: ue0 ue5 ue0 u4:0 1 1 u4:1", Picture{Key: true}, ""},
		"a field":                  {"64 " + poc0 + " fields", "41: ue0 ue5 ue0 u4:3 1 0 u4:0", Picture{Field: true}, ""},
		"a frame of fields":        {"64 " + poc0 + " fields", "41: ue0 ue5 ue0 u4:3 0 u4:0, 41: ue4 ue5 ue0 u4:3 0 u4:0", p, ""},
		"redundant":                {"42 " + poc0, p1 + "," + p1, p, ""},
		"slices in any order":      {"42 " + poc0, p1b + "," + p1, p, ""},

		"nothing":               {"64 " + poc0, "09: 111", p, "no picture"},
		"sets alone":            {"64 " + poc0, "67: 1, 68: 1", p, "no picture"},
		"message alone":         {"64 " + poc0, "06: u8:5 u8:255 u8:1 0000", p, "no picture"},
		"half":                  {"64 " + poc0, p1b, p, "middle of a picture"},
		"half of a field":       {"64 " + poc0 + " fields", "41: ue0 ue5 ue0 u4:3 1 0 u4:0, 41: ue4 ue5 ue0 u4:3 1 1 u4:1", p, "middle of a picture"},
		"twice":                 {"64 " + poc0, p1 + "," + p1, p, "more than one"},
		"two":                   {"64 " + poc0, p1 + ", 41: ue0 ue5 ue0 u4:2 u4:4", p, "more than one"},
		"one and a half":        {"64 " + poc0, p1 + ", 41: ue8 ue5 ue0 u4:2 u4:4", p, "more than one"},
		"two that are not kept": {"64 " + poc0, "01: ue0 ue5 ue0 u4:2 u4:4, 01: ue0 ue5 ue0 u4:2 u4:6", p, "more than one"},
		"two IDR":               {"64 " + poc0, idr + ", 65: ue0 ue7 ue0 u4:0 ue1 u4:0", p, "more than one"},
		"two of one field":      {"64 " + poc0 + " fields", "41: ue0 ue5 ue0 u4:3 1 0 u4:0, 41: ue0 ue5 ue0 u4:4 1 0 u4:2", p, "more than one"},
		"three fields":          {"64 " + poc0 + " fields", "41: ue0 ue5 ue0 u4:3 1 0 u4:0, 41: ue0 ue5 ue0 u4:3 1 1 u4:1, 41: ue0 ue5 ue0 u4:3 1 0 u4:0", p, "more than one"},
		"no such type":          {"64 " + poc0, "41: ue0 ue10 ue0 u4:1 u4:2", p, "header"},
		"partitions":            {"58 " + poc0, "42: ue0 ue5 ue0 u4:1 u4:2", p, "no picture"},
		"H.265":                 {"64 " + poc0, "4001: 1, 2601: 1 1 1 1", p, "it is H265, its track says H264"},
		"H.265, P":              {"64 " + poc0, "0201: 1 1 1 1 1", p, "it is H265, its track says H264"},
	} {
		f := strings.Fields(c.sps)
		fields, vui := "1", silent
		for _, word := range f[1:] {
			switch word {
			case "fields":
				fields = "00"
			case "reorder0":
				vui = reorder0
			case "reorder2":
				vui = reorder2
			}
		}
		poc := strings.Join(f[1:min(len(f), 3)], " ")
		if f[1] == poc2 {
			poc = poc2
		}
		check(t, name, sets264(t, sps264of(t, f[0], poc, fields, vui)), slices264(t, c.nalus), c.want, c.err)
	}
}

func check(t *testing.T, name string, p *ParameterSets, nalus [][]byte, want Picture, wantErr string) {
	t.Helper()
	got, err := p.Inspect(nalus)
	if wantErr != "" {
		if err == nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("%s: %+v, %v; want an error of %q", name, got, err, wantErr)
		}
		return
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%s: %v (-want +got)\n%s", name, err, d)
	}
}

func TestInspectH265(t *testing.T) {
	const (
		idr  = "2601: 1 1 ue0 00 ue2"
		p1   = "0201: 1 ue0 00 ue1 u8:1"
		p1b  = "0201: 0 ue0 0 u4:7 00 ue1 u8:1"
		dep  = "0201: 0 ue0 1 u4:8"
		b1   = "0201: 1 ue0 00 ue0 u8:1"
		p1bB = "0201: 0 ue0 0 u4:7 00 ue0 u8:1"
	)
	for name, c := range map[string]struct {
		reorder int
		nalus   string
		want    Picture
		err     string
	}{
		"IDR":                 {2, "4001: 1, " + idr, Picture{Key: true}, ""},
		"IDR alone":           {2, "2801: 1 1 ue0 00 ue2", Picture{Key: true, IDR: true}, ""},
		"CRA":                 {2, "2a01: 1 1 ue0 00 ue2 u8:1", Picture{Key: true}, ""},
		"RASL":                {2, "1001: 1 ue0 00 ue0 u8:1", Picture{Leading: true, B: true, Reordered: true}, ""},
		"P":                   {2, p1, Picture{}, ""},
		"slices":              {2, p1 + "," + p1b + "," + dep + ", 5001: 1 1 1 1", Picture{}, ""},
		"B":                   {2, b1, Picture{B: true, Reordered: true}, ""},
		"B in a later slice":  {2, p1 + "," + p1bB, Picture{B: true, Reordered: true}, ""},
		"B in order":          {0, b1, Picture{B: true}, ""},
		"a second layer":      {2, p1 + ", 0209: 1 ue0 00 ue1 u8:1", Picture{}, ""},
		"recovery":            {2, "4e01: u8:6 u8:1 1 1 0, 0201: 1 ue0 00 ue2 u8:1", Picture{Gradual: true}, ""},
		"nothing":             {2, "4601: u3:1", Picture{}, "no picture"},
		"half":                {2, p1b, Picture{}, "middle of a picture"},
		"two":                 {2, p1 + "," + p1, Picture{}, "more than one"},
		"a reserved type":     {2, "1401: 1 ue0 00 ue1 u8:1", Picture{}, "no picture"},
		"no such type":        {2, "0201: 1 ue0 00 ue3 u8:1", Picture{}, "header"},
		"H.264":               {2, "65: ue0 ue7 ue0 u4:0 ue0 u4:0", Picture{}, "it is H264, its track says H265"},
		"H.264, sets, P":      {2, "67: 1, 68: 1, 41: ue0 ue5 ue0 u4:1 u4:2", Picture{}, "it is H264, its track says H265"},
		"H.264 after message": {2, "06: u8:5 u8:255 u8:1, 41: ue0 ue5 ue0 u4:1 u4:2", Picture{}, "it is H264, its track says H265"},
	} {
		check(t, name, sets265(t, c.reorder), slices264(t, c.nalus), c.want, c.err)
	}
}

// Before its parameter sets have come less is known of a stream; nothing that may be
// right is refused.
func TestInspectWithoutSets(t *testing.T) {
	p, field := "41: ue0 ue5 ue0 u4:1 u4:2", "41: ue0 ue5 ue0 u4:1 u4:3"
	none := &ParameterSets{Codec: H264}
	check(t, "P", none, slices264(t, p), Picture{}, "")
	check(t, "two fields", none, slices264(t, p+","+field), Picture{}, "")
	check(t, "three", none, slices264(t, p+","+field+","+p), Picture{}, "more than one")
	check(t, "half", none, slices264(t, "41: ue9 ue5 ue0"), Picture{}, "middle")
	check(t, "B", none, slices264(t, "41: ue0 ue6 ue0"), Picture{B: true, Reordered: true}, "")
	check(t, "H.265", &ParameterSets{Codec: H265}, slices264(t, "0201: 1 ue0 00 ue0"), Picture{}, "")
}

func TestInspectErrors(t *testing.T) {
	for _, p := range []*ParameterSets{sets264(t, sps264of(t, "64", poc0, "1", silent)), sets265(t, 0)} {
		for _, cut := range [][]byte{{0x41, 0x9a}, {0x02, 1, 0xc0}, {0x41}, {2, 1}} {
			if got, err := p.Inspect([][]byte{cut}); err == nil {
				t.Errorf("%v %x: %+v", p.Codec, cut, got)
			}
		}
	}
	p := &ParameterSets{Codec: H264}
	for text, want := range map[string]error{"67: 1": ErrNoPicture, "41: ue9 ue5 ue0": ErrHalf, "65: ue0 ue7 ue0, 65: ue0 ue7 ue0": ErrTwo} {
		if _, err := p.Inspect(slices264(t, text)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

func TestReorderOfSPS(t *testing.T) {
	for name, c := range map[string]struct {
		sps  []byte
		want int
	}{
		"no VUI":              {sps264of(t, "64", poc0, "1", silent), -1},
		"none":                {sps264of(t, "64", poc0, "1", reorder0), 0},
		"all of the VUI":      {sps264of(t, "64", poc0, "1", reorder2), 2},
		"VUI without":         {sps264of(t, "64", poc0, "1", "1 0 0 0 0 0 0 0 0 0"), -1},
		"VUI that ends":       {sps264of(t, "64", poc0, "1", "1 1 u8:255"), -1},
		"order as decoded":    {sps264of(t, "64", poc2, "1", reorder2), 0},
		"intra profile":       {nal(t, "676e101e", "ue0 ue1 ue0 ue0 0 0 ue0 ue0 ue0 ue1 0 ue3 ue3 1 1 0 0"), 0},
		"H.265":               {sps265(t, 3), 3},
		"H.265, three layers": {nal(t, "4201", "u4:0 u3:2 1 u8:1 u32:0 u32:0 u16:0 u8:60 u16:0 ue0 ue1 ue64 ue64 0 ue0 ue0 ue0 1 ue4 ue0 ue0 ue4 ue1 ue0 ue4 ue2 ue0 ue0 ue1"), 2},
	} {
		codec := H264
		if c.sps[0] == 0x42 {
			codec = H265
		}
		s, err := ParseSPS(codec, c.sps)
		if err != nil || s.Reorder != c.want {
			t.Errorf("%s: %d, %v; want %d", name, s.Reorder, err, c.want)
		}
	}
}

func TestInspectAllocatesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		p     *ParameterSets
		nalus string
	}{
		"H264": {sets264(t, sps264of(t, "64", poc0, "1", reorder2)), "09: 111, 06: u8:6 u8:1 ue0 1 0 00, 41: ue0 ue5 ue0 u4:1 u4:2, 41: ue8 ue5 ue0 u4:1 u4:2"},
		"H265": {sets265(t, 2), "4601: u3:1, 0201: 1 ue0 00 ue1 u8:1, 0201: 0 ue0 0 u4:7 00 ue1 u8:1"},
	} {
		nalus := slices264(t, c.nalus)
		if n := testing.AllocsPerRun(100, func() {
			c.p.Update(nalus)
			if _, err := c.p.Inspect(nalus); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkInspect(b *testing.B) {
	for name, c := range map[string]struct {
		p     *ParameterSets
		nalus string
	}{
		"H264": {sets264(b, sps264of(b, "64", poc0, "1", reorder2)), "41: ue0 ue5 ue0 u4:1 u4:2"},
		"H265": {sets265(b, 2), "0201: 1 ue0 00 ue1 u8:1"},
	} {
		b.Run(name, func(b *testing.B) {
			nalus := slices264(b, c.nalus)
			nalus[0] = append(nalus[0], bytes.Repeat([]byte{0x55}, 16_000)...)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.p.Inspect(nalus); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Whatever an access unit holds, inspecting it ends, and does not depend on what stands
// behind the beginnings of its slices.
func FuzzInspect(f *testing.F) {
	seeds(f)
	for _, p := range []*ParameterSets{sets264(f, sps264of(f, "64", poc0, "00", reorder2)), sets265(f, 2)} {
		nalus := append(p.Append(nil), slices264(f, "41: ue0 ue5 ue0 u4:3 1 0 u4:0, 41: ue0 ue5 ue0 u4:3 1 1 u4:1, 0201: 1 ue0 00 ue1 u8:1")...)
		f.Add(AppendAnnexB(nil, nalus))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range codecs() {
			p := ParameterSets{Codec: c}
			nalus := Split(nil, b)
			p.Update(nalus)
			got, err := p.Inspect(nalus)
			if err == nil && (got.Reordered && !got.B || got.IDR && !got.Key || got.Gradual && got.Key) {
				t.Fatalf("%v: %+v", c, got)
			}
			for _, x := range p.AppendSlices(nil, nalus) {
				if x.QPKnown && (x.QP < -48 || x.QP > 51) || x.At < 0 || x.At >= 1 || x.Bytes < 1 {
					t.Fatalf("%v: %+v", c, x)
				}
			}
			for i, n := range nalus {
				if len(n) >= sliceHead && !c.IsSEI(n) && !c.IsParameterSet(n) {
					nalus[i] = append(bytes.Clone(n), 0x55, 0xaa)
				}
			}
			again, err2 := p.Inspect(nalus)
			if again != got || (err == nil) != (err2 == nil) {
				t.Fatalf("%v: %+v %v became %+v %v", c, got, err, again, err2)
			}
		}
	})
}
