package macroblock

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/cabac/cabactest"
)

// encodeSamples encodes those of an I_PCM macroblock behind a header of so many bits.
func encodeSamples(e *cabactest.Encoder, header int) {
	e.Terminate(1)
	e.Bits.WriteString(samples(header + e.Bits.Len()))
	e.Restart()
}

// samples are pcm_alignment_zero_bits behind n bits and those of a macroblock. None is 0,
// and there is nothing to escape.
func samples(n int) string {
	return strings.Repeat("0", -n&7) + strings.Repeat(u(8, 0x5a), 384)
}

// Pictures of 2 x 2 macroblocks, most of which are samples.
func TestPCM(t *testing.T) {
	sps := nal(0x67, u(8, 77), u(8, 0), u(8, 30), ue(0), ue(0), ue(2), ue(1), u(1, 0), ue(1), ue(1), u(1, 1), u(1, 1), u(1, 0), u(1, 0))
	pps := func(cabac int) []byte {
		return nal(0x68, ue(0), ue(0), u(1, cabac), u(1, 0), ue(0), ue(0), ue(0), u(3, 0), ue(0), ue(0), ue(0), u(3, 0))
	}
	idr := ue(0) + ue(7) + ue(0) + u(4, 0) + ue(0) + u(2, 0) + ue(0)              // I
	next := ue(0) + ue(5) + ue(0) + u(4, 1) + u(1, 0) + u(1, 0) + u(1, 0) + ue(0) // P
	// Samples, samples, Intra_16x16 without coefficients, samples.
	pcm := func(bits string) string { return bits + samples(8+len(bits)) }
	i := idr
	i = pcm(i + ue(25))
	i = pcm(i + ue(25))
	i += ue(3) + ue(0) + ue(0) + "000011"
	i = pcm(i + ue(25))
	p := pcm(next + ue(1) + ue(5+25)) // skipped, samples
	p += ue(0) + ue(5+3) + ue(0) + ue(0) + "1" + ue(1)
	cavlc := [][][]byte{{sps, pps(0), nal(0x65, i)}, {nal(0x41, p)}}

	head := idr + strings.Repeat("1", -len(idr)&7)
	e := newEncoder(kindI, 26)
	type_ := func(inc int) { e.Bin(ctxTypeI+inc, 1) } // not I_NxN
	whole := func() {                                 // Intra_16x16 without coefficients, between samples
		for i, b := range []int{0, 0, 1, 0} {
			e.Bin([]int{6, 7, 9, 10}[i], b)
		}
		e.Bin(ctxChromaMode, 0)
		e.Bin(ctxDeltaQP, 0)
	}
	type_(0)
	encodeSamples(e, len(head))
	e.Terminate(0)
	type_(1)
	encodeSamples(e, len(head))
	e.Terminate(0)
	type_(1)
	e.Terminate(0)
	whole()
	e.Bin(ctxBlock[lumaDC]+3, 0) // to the left of it is nothing
	e.Terminate(0)
	type_(2)
	encodeSamples(e, len(head))
	e.Terminate(1)
	bits := e.Bits.String()
	iSlice := nal(0x65, head+bits[:len(bits)-1])

	head = next[:len(next)-1] + ue(0) + ue(0) // cabac_init_idc, slice_qp_delta
	head += strings.Repeat("1", -len(head)&7)
	e = newEncoder(kindP, 26)
	e.Bin(ctxSkipP, 1)
	e.Terminate(0)
	e.Bin(ctxSkipP, 0)
	e.Bin(ctxTypeP, 1)
	e.Bin(ctxIntraP, 1)
	encodeSamples(e, len(head))
	e.Terminate(0)
	e.Bin(ctxSkipP, 0)
	e.Bin(ctxTypeP, 1)
	e.Bin(ctxIntraP, 1)
	e.Terminate(0)
	for i, b := range []int{0, 0, 1, 0} {
		e.Bin(ctxIntraP+[]int{1, 2, 3, 3}[i], b)
	}
	e.Bin(ctxChromaMode, 0)
	e.Bin(ctxDeltaQP, 0)
	e.Bin(ctxBlock[lumaDC]+1, 0)
	e.Terminate(0)
	e.Bin(ctxSkipP+2, 1)
	e.Terminate(1)
	bits = e.Bits.String()
	pSlice := nal(0x41, head+bits[:len(bits)-1])
	cabac := [][][]byte{{sps, pps(1), iSlice}, {pSlice}}

	for name, aus := range map[string][][][]byte{"CAVLC": cavlc, "CABAC": cabac} {
		t.Run(name, func(t *testing.T) {
			var p parser
			var m Map
			var stream []byte
			for i, want := range [][]Kind{{IntraPCM, IntraPCM, Intra16x16, IntraPCM}, {Skipped, IntraPCM, Intra16x16, Skipped}} {
				if err := p.Picture(aus[i], &m); err != nil {
					t.Fatal(err)
				}
				var got []Kind
				for _, b := range m.Blocks {
					if got = append(got, b.Kind); b.Kind == IntraPCM && (b.Bits < 384*8 || b.Bits > 384*8+24 || !b.Coded) {
						t.Errorf("%+v", b)
					}
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("picture %d (-want +got)\n%s", i, d)
				}
				stream = bitstream.AppendAnnexB(stream, aus[i])
			}
			film := filepath.Join(t.TempDir(), "film.h264")
			write(t, film, stream)
			maps, err := parseAll(stream)
			if err != nil {
				t.Fatal(err)
			}
			seen := debugOf(t, film)
			if len(seen) != len(maps) {
				t.Errorf("%d pictures, ffmpeg sees %d", len(maps), len(seen))
			}
			for i, want := range seen {
				if d := differ(maps[i], want, map[string]int{}); d != "" {
					t.Errorf("picture %d: %s", i, d)
				}
			}
		})
	}
}

// subNames are the types of sub-macroblocks of B slices, and their bins (H.264 tables 7-18
// and 9-38).
var subNames = [13][2]string{
	{"direct", "0"}, {"L0 1", "100"}, {"L1 1", "101"}, {"L0L1 1", "11000"},
	{"L0 2", "11001"}, {"L0 2", "11010"}, {"L1 2", "11011"}, {"L1 2", "111000"}, {"L0L1 2", "111001"}, {"L0L1 2", "111010"},
	{"L0 4", "111011"}, {"L1 4", "11110"}, {"L0L1 4", "11111"},
}

// vectors is how many vectors of a list a sub-macroblock has.
func vectors(sub, list int) int {
	if name := subNames[sub][0]; strings.Contains(name, "L"+strconv.Itoa(list)) {
		return int(name[len(name)-1] - '0')
	}
	return 0
}

// B_8x8 macroblocks of all kinds, which x264 does not write.
func TestSubMacroblocks(t *testing.T) {
	pps := func(id, cabac int) []byte {
		return nal(0x68, ue(id), ue(0), u(1, cabac), u(1, 0), ue(0), ue(0), ue(0), u(3, 0), ue(0), ue(0), ue(0), u(3, 0))
	}
	sets := [][]byte{
		nal(0x67, u(8, 77), u(8, 0), u(8, 30), ue(0), ue(0), ue(0), ue(0), ue(2), u(1, 0), ue(1), ue(1), u(1, 1), u(1, 1), u(1, 0), u(1, 0)),
		pps(0, 0), pps(1, 1),
	}
	intra := strings.Repeat(ue(3)+ue(0)+ue(0)+"1", 4) // Intra_16x16 without coefficients
	i := nal(0x65, ue(0), ue(7), ue(0), u(4, 0), ue(0), u(4, 0), u(2, 0), ue(0), intra)
	p := nal(0x41, ue(0), ue(5), ue(0), u(4, 1), u(4, 4), u(3, 0), ue(0), ue(4))
	head := func(pps int) string { return ue(0) + ue(6) + ue(pps) + u(4, 2) + u(4, 2) + u(1, 1) + u(3, 0) }

	cavlc := head(0) + ue(0)
	cabac := head(1) + ue(0) + ue(0) // cabac_init_idc, slice_qp_delta
	cabac += strings.Repeat("1", -len(cabac)&7)
	e := newEncoder(kindB, 26)
	var want []Block
	for mb := range 4 {
		left, top := mb&1, mb>>1
		cavlc += ue(0) + ue(22)
		e.Bin(ctxSkipB+left+top, 0)
		for _, inc := range []int{left + top, 3, 4, 5, 5, 5} {
			e.Bin(ctxTypeB+inc, 1)
		}
		var subs [4]int
		for i := range subs {
			subs[i] = (mb*4 + i) % len(subNames)
			cavlc += ue(subs[i])
			for at, b := range subNames[subs[i]][1] {
				ctx := []int{0, 1, 2, 3, 3, 3}[at]
				if at == 2 && subNames[subs[i]][1][1] == '0' {
					ctx = 3
				}
				e.Bin(ctxSubB+ctx, int(b-'0'))
			}
		}
		n := 0
		for list := range 2 {
			for _, sub := range subs {
				n += vectors(sub, list)
			}
		}
		cavlc += strings.Repeat("11", n) + ue(0) // vectors as expected, no residual
		for range n {
			e.Bin(ctxDifferenceX, 0)
			e.Bin(ctxDifferenceY, 0)
		}
		for _, inc := range []int{left + 2*top, 1 + 2*top, left + 2, 3} {
			e.Bin(ctxLuma+inc, 0)
		}
		e.Bin(ctxChroma, 0)
		e.Terminate(mb / 3)
		want = append(want, Block{Kind: Inter8x8, QP: 26})
	}
	bits := e.Bits.String()
	for name, b := range map[string][]byte{"CAVLC": nal(0x01, cavlc), "CABAC": nal(0x01, cabac+bits[:len(bits)-1])} {
		t.Run(name, func(t *testing.T) {
			var p1 parser
			var m Map
			aus := [][][]byte{append(sets[:3:3], i), {p}, {b}}
			var stream []byte
			for i, au := range aus {
				if err := p1.Picture(au, &m); err != nil {
					t.Fatalf("picture %d: %v", i, err)
				}
				stream = bitstream.AppendAnnexB(stream, au)
			}
			for i := range m.Blocks {
				m.Blocks[i].Bits = 0
			}
			if d := cmp.Diff(want, m.Blocks); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			film := filepath.Join(t.TempDir(), "film.h264")
			write(t, film, stream)
			for _, b := range debugOf(t, film)[1] { // shown between the others
				if b.how != '+' {
					t.Errorf("ffmpeg sees %c%c", b.type_, b.how)
				}
			}
		})
	}
}

// A slice header with all that one can hold.
func TestHeader(t *testing.T) {
	sps := nal(0x67, u(8, 77), u(8, 0), u(8, 30), ue(0), ue(0), ue(1), u(1, 0), ue(0), ue(0), ue(2), ue(1<<20), ue(5), ue(16), u(1, 1), ue(1), ue(1), u(1, 1), u(1, 1), u(1, 0), u(1, 0))
	pps := nal(0x68, ue(3), ue(0), u(1, 0), u(1, 1), ue(0), ue(2), ue(0), u(1, 1), u(2, 1), ue(9), ue(0), ue(0), u(1, 1), u(1, 0), u(1, 1))
	begin := func(kind int) string { // up to redundant_pic_cnt: pic_order_cnt_type is 1
		return ue(0) + ue(kind) + ue(3) + u(4, 5) + ue(3) + ue(4) + ue(0)
	}
	order := u(1, 1) + ue(0) + ue(7) + ue(1) + ue(2) + ue(2) + ue(3) + ue(3) // ref_pic_list_modification
	weights := func(n int) string {
		return strings.Repeat("1"+ue(300)+ue(7)+"1"+ue(2)+ue(8)+ue(1)+ue(120), n-1) + "00"
	}
	marking := u(1, 1) + ue(1) + ue(9) + ue(2) + ue(3) + ue(3) + ue(4) + ue(0) + ue(4) + ue(2) + ue(5) + ue(6) + ue(1) + ue(0)
	deblocking := ue(0) + ue(3) + ue(4)
	for _, s := range []struct {
		name string
		nalu []byte
	}{
		{"P", nal(0x61, begin(0), u(1, 0), order, ue(5), ue(6), weights(3), marking, ue(3), deblocking, ue(4))},
		{"P, number of references", nal(0x61, begin(0), u(1, 1), ue(3), order, ue(5), ue(6), weights(4), marking, ue(3), ue(1), ue(4))},
		{"B", nal(0x61, begin(1), u(1, 0), u(1, 0), order, order, ue(5), ue(6), weights(3), weights(1), marking, ue(3), deblocking, ue(4))},
		{"B, number of references", nal(0x01, begin(1), u(1, 1), u(1, 1), ue(1), ue(4), order, u(1, 0), ue(5), ue(6), weights(2), weights(5), ue(3), deblocking, ue(4))},
	} {
		var m Map
		if err := new(parser).Picture([][]byte{sps, pps, s.nalu}, &m); err != nil {
			t.Errorf("%s: %v", s.name, err)
		} else if m.Blocks[3].QP != 26+5+2 || m.Blocks[3].Kind != Skipped {
			t.Errorf("%s: %+v", s.name, m.Blocks)
		}
	}
}

// Scaling lists of an SPS are passed over: of 16 numbers, of 64, one that ends early.
func TestScaling(t *testing.T) {
	lists := "1" + strings.Repeat(ue(1), 16) + "1" + ue(16) + "0000" + "1" + strings.Repeat(ue(1), 64) + "0"
	sps := nal(0x67, u(8, 100), u(8, 0), u(8, 30), ue(0), ue(1), ue(0), ue(0), u(1, 0), "1", lists,
		ue(0), ue(2), ue(1), u(1, 0), ue(1), ue(2), u(1, 1), u(1, 1), u(1, 0), u(1, 0))
	pps := nal(0x68, ue(0), ue(0), u(1, 0), u(1, 0), ue(0), ue(0), ue(0), u(3, 0), ue(0), ue(0), ue(0), u(3, 0))
	p := nal(0x41, ue(0), ue(5), ue(0), u(4, 1), u(3, 0), ue(0), ue(6))
	var m Map
	if err := new(parser).Picture([][]byte{sps, pps, p}, &m); err != nil || m.Width != 2 || m.Height != 3 {
		t.Errorf("%v, %d x %d macroblocks", err, m.Width, m.Height)
	}
}

// mb_qp_delta goes round.
func TestQuantiser(t *testing.T) {
	sps := nal(0x67, u(8, 66), u(8, 0), u(8, 30), ue(0), ue(0), ue(2), ue(1), u(1, 0), ue(1), ue(1), u(1, 1), u(1, 1), u(1, 0), u(1, 0))
	pps := nal(0x68, ue(0), ue(0), u(1, 0), u(1, 0), ue(0), ue(0), ue(0), u(3, 0), ue(0), ue(0), ue(0), u(3, 0))
	slice := ue(0) + ue(7) + ue(0) + u(4, 0) + ue(0) + u(2, 0) + ue(0)
	for _, delta := range []int{25*2 - 1, 2*2 - 1, 3 * 2, 0} { // 25, 2, -3, 0
		slice += ue(3) + ue(0) + ue(delta) + "1"
	}
	var m Map
	if err := new(parser).Picture([][]byte{sps, pps, nal(0x65, slice)}, &m); err != nil {
		t.Fatal(err)
	}
	for i, want := range []uint8{51, 1, 50, 50} {
		if m.Blocks[i].QP != want {
			t.Errorf("macroblock %d: QP %d, not %d", i, m.Blocks[i].QP, want)
		}
	}
}

// A partition's upper right neighbour is available if it is parsed before it.
func TestCorner(t *testing.T) {
	order := map[int]int{} // by place
	for i, at := range places {
		order[int(at)] = i
	}
	for _, wide := range []int{1, 2, 4} {
		for y := 1; y < 4; y++ {
			for x := 0; x+wide <= 4; x += wide {
				if wide == 4 && y != 2 {
					continue
				}
				at := placeY + x + y*stride
				before, inside := order[at-stride+wide]
				want := at - stride + wide
				if x+wide == 4 || !inside || before > order[at] {
					want = at - stride - 1
				}
				if got := new(motion).corner(at, wide); got != want {
					t.Errorf("%d wide at %d, %d: %d, not %d", wide, x, y, got, want)
				}
			}
		}
	}
}
