package bitstream

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func codecs() []Codec { return []Codec{H264, H265} }

func seeds(f *testing.F) {
	for _, aus := range streams {
		var b []byte
		for _, au := range aus {
			b = AppendAnnexB(b, [][]byte{unhex(f, au)})
		}
		f.Add(b)
	}
	f.Add(AppendAnnexB(nil, [][]byte{sps264(f), unhex(f, "68ce3c80"), {0x65, 0x88}}))
	f.Add([]byte{0, 0, 1, 0, 0, 1, 9, 0, 0, 0, 0, 1, 0x41, 0, 0, 1, 0x65, 0x80})
}

// Split and the joins lose nothing that a NAL unit can hold.
func FuzzSplit(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		Detect(b)
		nalus := Split(nil, b)
		for _, n := range nalus {
			if len(n) == 0 || n[len(n)-1] == 0 || bytes.Contains(n, startCode) {
				t.Fatalf("%x is no NAL unit", n)
			}
		}
		if again := Split(nil, AppendAnnexB(nil, nalus)); cmp.Diff(nalus, again) != "" {
			t.Fatalf("Annex B: %x became %x", nalus, again)
		}
		again, err := SplitPrefixed(nil, AppendPrefixed(nil, nalus), 4)
		if err != nil || cmp.Diff(nalus, again) != "" {
			t.Fatalf("prefixed: %x became %x, %v", nalus, again, err)
		}
		for size := range 6 {
			nalus, _ := SplitPrefixed(nil, b, size)
			total := 0
			for _, n := range nalus {
				total += len(n) + size
			}
			if total > len(b) {
				t.Fatalf("%d bytes out of %d", total, len(b))
			}
		}
	})
}

// AccessUnits gives the same groups of NAL units as grouping the split stream.
func FuzzAccessUnits(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range codecs() {
			want := group(c, Split(nil, b))
			for _, r := range []io.Reader{bytes.NewReader(b), iotest.HalfReader(bytes.NewReader(b)), iotest.OneByteReader(bytes.NewReader(b))} {
				var got [][][]byte
				a := NewAccessUnits(r, c)
				for {
					au, err := a.Next()
					if err != nil {
						if !errors.Is(err, io.EOF) {
							t.Fatal(err)
						}
						break
					}
					got = append(got, Split(nil, bytes.Clone(au)))
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%v (-want +got)\n%s", c, d)
				}
			}
		}
	})
}

// group is what AccessUnits makes of the NAL units of a stream, all of which are at hand.
func group(c Codec, nalus [][]byte) (units [][][]byte) {
	sets := ParameterSets{Codec: c}
	from, behind, last := 0, 0, SliceHeader{} // behind: after the newest slice of any layer
	for i, n := range nalus {
		sets.Update([][]byte{n})
		if !c.isSlice(n) {
			if c.extends(n) && behind > 0 {
				behind = i + 1
			}
			continue
		}
		if c.starts(n) {
			var s SliceHeader
			if sets.fields() {
				if head, err := sets.sliceHeaderBegin(n); err == nil {
					s = head
				}
			}
			if pair := behind > 0 && last.pairs(&s); pair {
				s.Field = false
			} else if behind > 0 {
				end := behind
				for end < i && !c.leads(nalus[end]) {
					end++
				}
				units, from = append(units, nalus[from:end]), end
			}
			if s.SPS != nil {
				last = s
			}
		}
		behind = i + 1
	}
	if behind > 0 {
		end := behind
		for end < len(nalus) && !c.leads(nalus[end]) {
			end++
		}
		units = append(units, nalus[from:end])
	}
	return units
}

// Whatever sets a stream brings, a record made of them reads back the same.
func FuzzParameterSets(f *testing.F) {
	seeds(f)
	f.Add(unhex(f, "000001 420101 01600000030090000003000003003c a00a080b9f79 65 000001 4001 0c 000001 4401 c172b46240"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range codecs() {
			nalus := Split(nil, b)
			p := ParameterSets{Codec: c}
			p.Update(nalus)
			if p.Update(p.Append(nil)) {
				t.Fatal("the same sets are a change")
			}
			for _, n := range nalus {
				if s, err := ParseSPS(c, n); err == nil && (s.Width <= 0 || s.Height <= 0 || s.Width > maxSide || s.Height > 2*maxSide) {
					t.Fatalf("%d x %d", s.Width, s.Height)
				}
			}
			key := p.AppendKey(nil, nalus)
			if p.lacks(key) {
				t.Fatalf("key frame %x lacks sets", key)
			}
			rec, err := p.Record()
			if err != nil {
				continue
			}
			if _, sets, err := ParseRecord(c, rec); err != nil || cmp.Diff(p.Append(nil), sets) != "" {
				t.Fatalf("record %x: %x %v", rec, sets, err)
			}
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add(unhex(f, "0142c01effe1000267420100 0268ce"))
	f.Add(unhex(f, "010160000000900000000000 3cf000fcfdf8f800000f03 2000010002 4001 2100010002 4201 22000100024401"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range codecs() {
			size, sets, err := ParseRecord(c, b)
			total := 0
			for _, s := range sets {
				total += len(s) + 2
			}
			if err == nil && (size < 1 || size > 4 || total > len(b)) {
				t.Fatalf("length size %d, %d bytes out of %d", size, total, len(b))
			}
		}
		if a, err := ParseAudioSpecificConfig(b); err == nil && (a.SampleRate <= 0 || a.Channels < 0 || a.Channels > 8) {
			t.Fatalf("%+v", a)
		}
	})
}
