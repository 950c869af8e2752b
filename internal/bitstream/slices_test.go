package bitstream

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What may stand before a slice's quantiser is passed over, and where the slice begins is
// told; what cannot be read leaves the quantiser unknown.
func TestAppendSlices(t *testing.T) {
	const (
		begin = "ue0 ue5 ue0 u4:1 u4:2 " // a P slice at the top, of the first PPS
		plain = "0 0 0 "                 // no count of references, no order of them, no marking
	)
	// 64x64 pixels: 16 macroblocks in 4 rows.
	withPPS := func(bits string) *ParameterSets {
		p := &ParameterSets{Codec: H264}
		p.Update([][]byte{sps264of(t, "64", poc0, "1", silent), nal(t, "68", bits)})
		return p
	}
	usual := withPPS("ue0 ue0 0 0 ue0 ue0 ue0 0 00 se3 se0 se0 0 0 0")
	weights := withPPS("ue0 ue0 1 1 ue0 ue1 ue0 1 01 se-3 se0 se0 0 0 1")
	for _, c := range []struct {
		name  string
		sets  *ParameterSets
		nalus string
		want  []Slice
	}{
		{"P", usual, "41: " + begin + plain + "se-4", []Slice{{Kind: KindP, QP: 25, QPKnown: true}}},
		{"P that nothing is predicted from", usual, "01: " + begin + "0 0 se2", []Slice{{Kind: KindP, QP: 31, QPKnown: true, Layer: 1}}},
		{"IDR", usual, "65: ue0 ue7 ue0 u4:0 ue1 u4:0 0 0 se0", []Slice{{Kind: KindI, QP: 29, QPKnown: true}}},
		{"two slices", usual, "41: " + begin + plain + "se0, 41: ue8 ue5 ue0 u4:1 u4:2 " + plain + "se1", []Slice{{Kind: KindP, QP: 29, QPKnown: true}, {Kind: KindP, QP: 30, QPKnown: true, At: 0.5}}},
		{"order, marking", usual, "41: " + begin + "1 ue2 1 ue0 ue5 ue2 ue1 ue3 1 ue1 ue0 ue3 ue1 ue2 ue0 se5", []Slice{{Kind: KindP, QP: 34, QPKnown: true}}},
		{"B with two lists and weights", weights, "41: ue0 ue1 ue0 u4:1 u4:2 se1 ue0 1 1 ue1 ue0 0 0 ue5 ue5 1 se3 se4 0 0 1 se1 se2 se3 se4 0 0 0 ue1 se-2",
			[]Slice{{Kind: KindB, QP: 21, QPKnown: true, Weighted: true}}},
		{"slice groups", withPPS("ue0 ue0 0 0 ue1 ue0 ue0 ue0 ue0 ue0 0 00 se3 se0 se0 0 0 0"), "41: " + begin + plain + "se0", []Slice{{Kind: KindP}}},
		{"no such step", usual, "41: " + begin + plain + "se40", []Slice{{Kind: KindP, QP: 69}}},
		{"unknown PPS", usual, "41: ue0 ue5 ue3 u4:1 u4:2 " + plain + "se0", []Slice{{}}},
		{"messages alone", usual, "09: 111, 06: u8:6 u8:1 ue0 1 0 00", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			nalus := slices264(t, c.nalus)
			got := c.sets.AppendSlices(nil, nalus)
			for i := range got {
				if got[i].Bytes != len(nalus[i]) {
					t.Errorf("slice %d has %d bytes, want %d", i, got[i].Bytes, len(nalus[i]))
				}
				got[i].Bytes = 0
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// The sets of reference pictures of H.265 are told by their difference from others
// (H.265 7.4.8).
func TestReadRefSet(t *testing.T) {
	r := readerOf(bitString(t, "ue2 ue1 ue0 1 ue1 0 ue3 1"+ // -1 used, -3 not, +4 used
		" 1 1 ue1 1 1 0 1 0 0")) // by 2 less: used, used, kept, left out
	first := readRefSet(&r, nil, false)
	if d := cmp.Diff(refSet{2, []int32{-1, -3, 4}, []bool{true, false, true}}, first, cmp.AllowUnexported(refSet{})); d != "" {
		t.Errorf("the first set (-want +got)\n%s", d)
	}
	second := readRefSet(&r, []refSet{first}, false)
	if d := cmp.Diff(refSet{2, []int32{-3, -5, 2}, []bool{true, true, false}}, second, cmp.AllowUnexported(refSet{})); d != "" {
		t.Errorf("the second set (-want +got)\n%s", d)
	}
	if second.uses() != 2 || r.Err() != nil {
		t.Errorf("%d pictures are used, bad %v", second.uses(), r.Err() != nil)
	}
}

// The quantisers of a picture are found without an allocation.
func TestAppendSlicesAllocatesNothing(t *testing.T) {
	p := sets264(t, sps264of(t, "64", poc0, "1", reorder2))
	nalus := slices264(t, "41: ue0 ue5 ue0 u4:1 u4:2 0 0 0 se0, 41: ue8 ue5 ue0 u4:1 u4:2 0 0 0 se0")
	var list []Slice
	if n := testing.AllocsPerRun(100, func() { list = p.AppendSlices(list[:0], nalus) }); n != 0 || len(list) != 2 {
		t.Errorf("%v allocations for %d slices", n, len(list))
	}
}
