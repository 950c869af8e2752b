package bitstream

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A 640 x 360 constrained baseline SPS of x264, with cropping.
func sps264(t testing.TB) []byte {
	return unhex(t, "6742c01ed9 00a0 2ff9 7011 0000 0303e9 0000 bb80 0f162e48")
}

func TestParseSPSH264(t *testing.T) {
	s, err := ParseSPS(H264, sps264(t))
	if err != nil {
		t.Fatal(err)
	}
	want := SPS{
		Codec: H264, Profile: 66, Level: 30, Width: 640, Height: 360,
		ChromaFormat: 1, BitDepthLuma: 8, BitDepthChroma: 8, Constraints: 0xc0, Columns: 40, Rows: 23, Direct8x8: true,
	}
	if d := cmp.Diff(want, s, cmpopts.IgnoreUnexported(SPS{})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if id := s.ProfileLevelID(); id != "42c01e" {
		t.Errorf("profile-level-id %s", id)
	}
	if id := (SPS{Codec: H265}).ProfileLevelID(); id != "" {
		t.Errorf("H.265 has profile-level-id %q", id)
	}
}

// x265's Main 320 x 180, level 2, as in ISO/IEC 23008-2 with cropping of 4 rows, cut
// off where the order of the pictures would follow.
func TestParseSPSH265(t *testing.T) {
	s, err := ParseSPS(H265, unhex(t, "420101 01600000030090000003000003003c a00a080b9f79 65"))
	if err != nil {
		t.Fatal(err)
	}
	want := SPS{
		Codec: H265, Profile: 1, Level: 60, Width: 320, Height: 180,
		ChromaFormat: 1, BitDepthLuma: 8, BitDepthChroma: 8,
		Constraints: 0x900000000000, Reorder: -1, Compatibility: 0x60000000, TemporalLayers: 1, TemporalNesting: true,
	}
	if d := cmp.Diff(want, s, cmpopts.IgnoreUnexported(SPS{}), cmpopts.IgnoreFields(SPS{}, "Tree")); d != "" { // cut off within it
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestParseSPSErrors(t *testing.T) {
	whole := sps264(t)
	for n := range 9 {
		if s, err := ParseSPS(H264, whole[:n]); err == nil {
			t.Errorf("%d bytes: no error, %+v", n, s)
		}
	}
	for name, c := range map[string]struct {
		codec Codec
		nalu  []byte
	}{
		"a PPS":          {H264, []byte{0x68, 1, 2, 3}},
		"of H.265":       {H264, unhex(t, "4201 0101")},
		"too large":      {H264, append(bytes.Clone(whole), make([]byte, maxSet)...)},
		"all cropped":    {H264, unhex(t, "6742c01e f4ff 0030 00c1")},
		"endless zeros":  {H264, append(unhex(t, "6742c01e"), make([]byte, 100)...)},
		"unknown codec":  {0, whole},
		"H.265 too few":  {H265, unhex(t, "420101 0160")},
		"H.265 no width": {H265, unhex(t, "420101 01600000030090000003000003003c a0ff")},
	} {
		if s, err := ParseSPS(c.codec, c.nalu); err == nil {
			t.Errorf("%s: no error, %+v", name, s)
		}
	}
}

func TestParameterSets(t *testing.T) {
	sps, pps, aud, idr := sps264(t), unhex(t, "68ce3c80"), []byte{9, 0x10}, []byte{0x65, 0x88}
	p := ParameterSets{Codec: H264}
	if p.Complete() || p.Update([][]byte{aud, idr}) {
		t.Error("complete or changed without sets")
	}
	if _, err := p.Record(); err == nil {
		t.Error("a record without sets")
	}
	if _, err := p.SPS(); err == nil {
		t.Error("an SPS without sets")
	}
	if d := cmp.Diff([][]byte{aud, idr}, p.AppendKey(nil, [][]byte{aud, idr})); d != "" {
		t.Errorf("key frame before any set (-want +got)\n%s", d)
	}
	if !p.Update([][]byte{aud, sps, pps, idr}) || !p.Complete() {
		t.Error("sets were not taken")
	}
	if p.Update([][]byte{sps, pps}) {
		t.Error("the same sets are a change")
	}
	if p.Update([][]byte{{0x67}, {0x68}, make([]byte, maxSet+1)}) {
		t.Error("sets that cannot be read are a change")
	}
	if d := cmp.Diff([][]byte{sps, pps}, p.Append(nil)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for name, c := range map[string]struct{ in, want [][]byte }{
		"none":    {[][]byte{idr}, [][]byte{sps, pps, idr}},
		"aud":     {[][]byte{aud, idr}, [][]byte{aud, sps, pps, idr}},
		"sps":     {[][]byte{aud, sps, idr}, [][]byte{aud, sps, pps, idr}},
		"pps":     {[][]byte{pps, idr}, [][]byte{sps, pps, idr}},
		"both":    {[][]byte{aud, {6, 1}, sps, pps, idr}, [][]byte{aud, {6, 1}, sps, pps, idr}},
		"swapped": {[][]byte{pps, sps, idr}, [][]byte{pps, sps, idr}},
	} {
		if d := cmp.Diff(c.want, p.AppendKey(nil, c.in)); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}

	other := bytes.Clone(pps)
	other[3] = 0xc0
	second := unhex(t, "685ce3c8") // id 1
	if !p.Update([][]byte{second, other}) {
		t.Error("new sets are no change")
	}
	other[3] = 0 // Update has made copies
	if d := cmp.Diff([][]byte{sps, unhex(t, "68ce3cc0"), second}, p.Append(nil)); d != "" {
		t.Errorf("replaced and added (-want +got)\n%s", d)
	}
	r, err := p.Record()
	if err != nil {
		t.Fatal(err)
	}
	size, sets, err := ParseRecord(H264, r)
	if err != nil || size != 4 || cmp.Diff(p.Append(nil), sets) != "" {
		t.Errorf("record read back: %d %x %v", size, sets, err)
	}
	for n := range r {
		if size, sets, err := ParseAVCC(r[:n]); err == nil {
			t.Fatalf("%d bytes of %d: no error, %d %x", n, len(r), size, sets)
		}
	}
}

// Some programs write parameter sets as Annex B where Matroska has a record.
func TestRecordInAnnexB(t *testing.T) {
	sets := [][]byte{sps264(t), unhex(t, "68ce3c80")}
	for _, b := range [][]byte{AppendAnnexB(nil, sets), AppendAnnexB(nil, sets)[1:]} {
		size, got, err := ParseRecord(H264, b)
		if size != 0 || !errors.Is(err, ErrAnnexB) || cmp.Diff(sets, got) != "" {
			t.Errorf("%x: %d, %x, %v", b, size, got, err)
		}
	}
}

func TestAudioSpecificConfig(t *testing.T) {
	for in, want := range map[string]AudioSpecificConfig{
		"1190":       {2, 48000, 2},
		"1188":       {2, 48000, 1},
		"1208":       {2, 44100, 1},
		"1588":       {2, 8000, 1},
		"11b8":       {2, 48000, 8},
		"2b118800":   {2, 24000, 2},  // explicit SBR, 24 kHz core
		"17805dc008": {2, 48000, 1},  // rate in full
		"f94c40":     {42, 24000, 2}, // escaped object type
	} {
		got, err := ParseAudioSpecificConfig(unhex(t, in))
		if err != nil || got != want {
			t.Errorf("%s: %+v %v, want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "11", "1688", "0190", "11f8"} {
		if got, err := ParseAudioSpecificConfig(unhex(t, in)); err == nil {
			t.Errorf("%s: no error, %+v", in, got)
		}
	}
	for _, c := range []AudioSpecificConfig{{2, 48000, 1}, {2, 16000, 2}, {2, 7350, 6}, {23, 96000, 8}} {
		b, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseAudioSpecificConfig(b); err != nil || got != c {
			t.Errorf("%+v read back as %+v, %v", c, got, err)
		}
	}
	for _, c := range []AudioSpecificConfig{{2, 12345, 1}, {0, 48000, 1}, {31, 48000, 1}, {2, 48000, 7}, {2, 48000, -1}} {
		if b, err := c.Marshal(); err == nil {
			t.Errorf("%+v: no error, %x", c, b)
		}
	}
}
