package bitstream

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shape is how a sender packs pictures: per NAL unit its stamp, as the difference from its
// picture's, and whether a mark follows. NAL units that begin with a letter: s SPS, p PPS,
// d delimiter, m message, x suffix (filler), A the first slice, B another.
type shape struct{ name, key, inter string }

// What senders do. A "!" after a NAL unit is a mark, a "-" a stamp like that of the
// picture before.
var shapes = []shape{
	{"as RFC 6184 has it", "s p A!", "A!"},
	{"slices", "s p A B B!", "A B!"},
	{"delimiters", "d s p m A!", "d A!"},
	{"a mark on each slice", "s p A! B! B!", "A! B!"},
	{"a mark on each NAL unit", "s! p! A! B!", "A! B!"},
	{"marks on parameter sets", "s! p! A!", "A!"},
	{"no marks", "s p A B", "A"},
	{"stamped like the picture before", "s- p- A!", "m- A!"},
	{"with marks, too", "s-! p-! A! B!", "m-! A! B!"},
	{"messages between slices", "s p A m B!", "A m B!"},
	{"filler after the mark", "s p A! x", "A! x"},
}

// TestUnits sends pictures in many shapes: all come out whole, with the time of their
// slices, but that of which no end has come.
func TestUnits(t *testing.T) {
	for _, sh := range shapes {
		var u Units
		u.Codec = H264
		var want, got []string
		add := func(au AccessUnit, ok bool) {
			if !ok {
				return
			}
			if au.Err != nil || !bytes.Equal(au.Data, AppendAnnexB(nil, au.NALUs)) {
				t.Errorf("%s: %v", sh.name, au.Err)
			}
			got = append(got, fmt.Sprintf("%d %v %x", au.Stamp, au.Key, bytes.Join(au.NALUs, nil)))
		}
		for n := range 12 {
			var whole []byte
			text := sh.inter
			if n%4 == 0 {
				text = sh.key
			}
			var late [][]byte
			for f := range strings.FieldsSeq(text) {
				stamp := int64(3000 * n)
				if strings.Contains(f, "-") {
					stamp -= 3000
				}
				nalu := unitNAL(t, f[0], n)
				if f[0] == 'x' && len(late) == 0 && u.honest == trusted {
					late = append(late, nalu) // comes after the picture was returned: left out
				} else {
					whole = append(whole, nalu...)
				}
				add(u.Push(nalu, stamp))
				if strings.HasSuffix(f, "!") {
					add(u.Mark())
				}
			}
			want = append(want, fmt.Sprintf("%d %v %x", 3000*n, n%4 == 0, whole))
		}
		add(u.Flush())
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", sh.name, d)
		}
		if au, ok := u.Flush(); ok {
			t.Errorf("%s: one more: %+v", sh.name, au)
		}
	}
}

func unitNAL(t *testing.T, kind byte, n int) []byte {
	idr := n%4 == 0
	slice := func(mb string) []byte {
		if idr {
			return nal(t, "65", mb+fmt.Sprintf(" ue7 ue0 u4:0 ue%d u4:0 1010 1010", n/4%2))
		}
		return nal(t, "41", mb+fmt.Sprintf(" ue5 ue0 u4:%d u4:%d 1010 1010", n%4, 2*(n%4)))
	}
	switch kind {
	case 's':
		return sps264of(t, "64", poc0, "1", silent)
	case 'p':
		return nal(t, "68", "ue0 ue0 0 0 ue0 ue0 ue0 0 00 ue0 ue0 ue0 0 0 0")
	case 'd':
		return unhex(t, "0910")
	case 'm':
		return nal(t, "06", "u8:5 u8:1 u8:7")
	case 'x':
		return unhex(t, "0cff80")
	case 'A':
		return slice("ue0")
	}
	return slice("ue8")
}

// Once a sender has shown that its marks are right, a picture does not wait for the next.
func TestUnitsTrustMarks(t *testing.T) {
	u := Units{Codec: H264}
	var at []int
	for n := range 12 {
		for f := range strings.FieldsSeq(map[bool]string{true: "s p A", false: "A"}[n%4 == 0]) {
			if au, ok := u.Push(unitNAL(t, f[0], n), int64(n)); ok && au.Stamp != int64(n-1) {
				t.Errorf("picture %d came with %d", au.Stamp, n)
			}
		}
		if waiting, _ := u.Waiting(); waiting {
			t.Error("a picture waits that was not marked")
		}
		if _, ok := u.Mark(); ok {
			at = append(at, n)
		} else if waiting, doubted := u.Waiting(); !waiting || doubted {
			t.Errorf("picture %d: waiting %v, doubted %v", n, waiting, doubted)
		}
	}
	if want := []int{5, 6, 7, 8, 9, 10, 11}; !slices.Equal(at, want) {
		t.Errorf("pictures returned at their marks: %v, want %v", at, want)
	}
	// The next one has two slices, each with a mark.
	u.Push(unitNAL(t, 'A', 13), 12)
	if au, ok := u.Mark(); !ok || au.Err != nil {
		t.Fatalf("a marked picture: %+v, %v", au, ok)
	}
	if au, ok := u.Push(unitNAL(t, 'B', 13), 12); !ok || !errors.Is(au.Err, ErrEarly) {
		t.Errorf("the rest of a picture: %+v, %v", au, ok)
	}
	if au, ok := u.Push(unitNAL(t, 'B', 13), 12); ok {
		t.Errorf("it was said twice: %+v", au)
	}
	u.Push(unitNAL(t, 'A', 14), 13)
	if _, ok := u.Mark(); ok {
		t.Error("marks are believed that were wrong")
	}
	if waiting, doubted := u.Waiting(); !waiting || !doubted {
		t.Errorf("waiting %v, doubted %v", waiting, doubted)
	}
	u.Push(unitNAL(t, 'B', 14), 13)
	if au, ok := u.Flush(); !ok || au.Err != nil || len(au.NALUs) != 2 {
		t.Errorf("%+v, %v", au, ok)
	}
}

// Without marks, what stands before the next picture ends one by its timestamp.
func TestUnitsEndWithTheirTimestamp(t *testing.T) {
	u := Units{Codec: H264}
	u.Push(unitNAL(t, 'A', 1), 1)
	if au, ok := u.Push(unitNAL(t, 'm', 1), 1); ok {
		t.Errorf("a message with the picture's time ended it: %+v", au)
	}
	if au, ok := u.Push(unitNAL(t, 'd', 2), 2); !ok || au.Err != nil || au.Stamp != 1 || len(au.NALUs) != 1 {
		t.Errorf("a delimiter of another time: %+v, %v", au, ok)
	}
	u.Push(unitNAL(t, 'A', 2), 2)
	if au, ok := u.Flush(); !ok || au.Err != nil || au.Stamp != 2 || len(au.NALUs) != 3 {
		t.Errorf("the next picture: %+v, %v", au, ok)
	}
}

func TestUnitsErrors(t *testing.T) {
	u := Units{Codec: H264, Max: 200}
	u.Push(unitNAL(t, 'B', 1), 1)
	if au, ok := u.Push(unitNAL(t, 'A', 2), 2); !ok || !errors.Is(au.Err, ErrHalf) || au.Data != nil {
		t.Errorf("half a picture: %+v, %v", au, ok)
	}
	u.Push(bytes.Repeat([]byte{0x41, 0x55}, 100), 2)
	if au, ok := u.Push(unitNAL(t, 's', 4), 2); !ok || au.Err == nil || au.Stamp != 2 || au.Data != nil {
		t.Errorf("one that is too large: %+v, %v", au, ok)
	}
	u.Push(unitNAL(t, 'p', 4), 4)
	u.Push(unitNAL(t, 'A', 4), 4)
	if au, ok := u.Flush(); !ok || au.Err != nil || au.Stamp != 4 || len(au.NALUs) != 3 {
		t.Errorf("after one that was too large: %+v, %v", au, ok)
	}
	u.Push(unitNAL(t, 'A', 5), 5)
	u.Drop()
	if au, ok := u.Flush(); ok {
		t.Errorf("what was dropped: %+v", au)
	}
	if au, ok := u.Push(unitNAL(t, 'A', 6), 6); ok {
		t.Errorf("what was dropped: %+v", au)
	}
	if au, ok := u.Flush(); !ok || au.Err != nil || au.Stamp != 6 {
		t.Errorf("%+v, %v", au, ok)
	}
}

// Nothing of what is pushed is lost, repeated or put in another order, unless it was
// dropped or is of a unit of no use; and what comes out is what the byte stream gives.
func FuzzUnits(f *testing.F) {
	seeds(f)
	f.Add(AppendAnnexB(nil, append(sets264(f, sps264of(f, "64", poc0, "00", silent)).Append(nil),
		slices264(f, "41: ue0 ue5 ue0 u4:3 1 0 u4:0, 41: ue0 ue5 ue0 u4:3 1 1 u4:1, 41: ue0 ue5 ue0 u4:4 1 0 u4:2")...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range codecs() {
			nalus := Split(nil, b)
			u := Units{Codec: c, Max: len(b)*5 + 100}
			var got []AccessUnit
			for _, n := range nalus {
				if au, ok := u.Push(n, 0); ok {
					au.Data = bytes.Clone(au.Data)
					got = append(got, au)
				}
			}
			if au, ok := u.Flush(); ok {
				got = append(got, au)
			}
			want := group(c, nalus)
			if len(got) != len(want) {
				t.Fatalf("%v: %d units, want %d", c, len(got), len(want))
			}
			for i, au := range got {
				if au.Err == nil && !bytes.Equal(au.Data, AppendAnnexB(nil, want[i])) {
					t.Fatalf("%v: %x, want %x", c, au.Data, want[i])
				}
			}
			// With marks and stamps of any kind nothing panics, and what comes out is bounded.
			v := Units{Codec: c, Max: 50}
			for i, n := range nalus {
				if au, ok := v.Push(n, int64(n[0])%3); len(au.Data) > 50 || !ok && au.Data != nil {
					t.Fatalf("%+v, %v", au, ok)
				}
				if au, ok := v.Mark(); len(au.Data) > 50 || !ok && au.Data != nil {
					t.Fatalf("%+v, %v", au, ok)
				}
				if n[0]%7 == 0 {
					v.Drop()
				}
				if i%5 == 0 {
					v.Flush()
				}
			}
		}
	})
}
