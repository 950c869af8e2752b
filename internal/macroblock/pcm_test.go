package macroblock

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

// encoder is the arithmetic encoder of H.264 9.3.4, for what no encoder at hand writes.
type encoder struct {
	bits        strings.Builder
	low, size   int
	outstanding int
	begun       bool
	ctx         [contextCount]uint8
}

func newEncoder(kind Prediction, qp int) *encoder {
	e := &encoder{}
	var a arith
	var r reader
	r.reset(make([]byte, 2*padding))
	a.begin(&r, &header{kind: kind, qp: qp})
	e.ctx = a.ctx
	e.restart()
	return e
}

func (e *encoder) restart() { e.low, e.size, e.outstanding, e.begun = 0, 510, 0, false }

func (e *encoder) put(b int) {
	if e.begun {
		e.bits.WriteByte('0' + byte(b))
	}
	e.begun = true
	for ; e.outstanding > 0; e.outstanding-- {
		e.bits.WriteByte('1' - byte(b))
	}
}

func (e *encoder) renorm() {
	for ; e.size < 256; e.size, e.low = e.size<<1, e.low<<1 {
		switch {
		case e.low < 256:
			e.put(0)
		case e.low >= 512:
			e.low -= 512
			e.put(1)
		default:
			e.low -= 256
			e.outstanding++
		}
	}
}

func (e *encoder) bin(ctx, b int) {
	state := e.ctx[ctx]
	lps := int(lpsRange[uint8(e.size&0xc0)|state>>1])
	e.size -= lps
	if int(state&1) == b {
		e.ctx[ctx] = after[state]
	} else {
		e.low += e.size
		e.size = lps
		e.ctx[ctx] = after[state|128]
	}
	e.renorm()
}

// terminate encodes a bin that ends the coding, if it is 1.
func (e *encoder) terminate(b int) {
	e.size -= 2
	if b == 1 {
		e.low += e.size
		e.size = 2
	}
	if e.renorm(); b == 1 {
		e.put(e.low >> 9 & 1)
		e.bits.WriteString(u(2, e.low>>7&3|1))
	}
}

// samples encodes those of an I_PCM macroblock behind a header of so many bits.
func (e *encoder) samples(header int) {
	e.terminate(1)
	e.bits.WriteString(samples(header + e.bits.Len()))
	e.restart()
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
	e := newEncoder(I, 26)
	type_ := func(inc int) { e.bin(ctxTypeI+inc, 1) } // not I_NxN
	whole := func() {                                 // Intra_16x16 without coefficients, between samples
		for i, b := range []int{0, 0, 1, 0} {
			e.bin([]int{6, 7, 9, 10}[i], b)
		}
		e.bin(ctxChromaMode, 0)
		e.bin(ctxDeltaQP, 0)
	}
	type_(0)
	e.samples(len(head))
	e.terminate(0)
	type_(1)
	e.samples(len(head))
	e.terminate(0)
	type_(1)
	e.terminate(0)
	whole()
	e.bin(ctxBlock[lumaDC]+3, 0) // to the left of it is nothing
	e.terminate(0)
	type_(2)
	e.samples(len(head))
	e.terminate(1)
	bits := e.bits.String()
	iSlice := nal(0x65, head+bits[:len(bits)-1])

	head = next[:len(next)-1] + ue(0) + ue(0) // cabac_init_idc, slice_qp_delta
	head += strings.Repeat("1", -len(head)&7)
	e = newEncoder(P, 26)
	e.bin(ctxSkipP, 1)
	e.terminate(0)
	e.bin(ctxSkipP, 0)
	e.bin(ctxTypeP, 1)
	e.bin(ctxIntraP, 1)
	e.samples(len(head))
	e.terminate(0)
	e.bin(ctxSkipP, 0)
	e.bin(ctxTypeP, 1)
	e.bin(ctxIntraP, 1)
	e.terminate(0)
	for i, b := range []int{0, 0, 1, 0} {
		e.bin(ctxIntraP+[]int{1, 2, 3, 3}[i], b)
	}
	e.bin(ctxChromaMode, 0)
	e.bin(ctxDeltaQP, 0)
	e.bin(ctxBlock[lumaDC]+1, 0)
	e.terminate(0)
	e.bin(ctxSkipP+2, 1)
	e.terminate(1)
	bits = e.bits.String()
	pSlice := nal(0x41, head+bits[:len(bits)-1])
	cabac := [][][]byte{{sps, pps(1), iSlice}, {pSlice}}

	for name, aus := range map[string][][][]byte{"CAVLC": cavlc, "CABAC": cabac} {
		t.Run(name, func(t *testing.T) {
			var p Parser
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
