package macroblock

import (
	"bytes"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/cabac"
	"github.com/smartcam-sdk/smartcam/internal/cabac/cabactest"
)

// coefficients encodes a block of n large coefficients, beside others: most of its bins say
// what is expected, so they take hardly any bits.
func coefficients(e *cabactest.Encoder, cat, n int) {
	e.Bin(ctxBlock[cat]+3, 1)
	for i := range n - 1 {
		e.Bin(ctxSignificant[cat]+i, 1)
		e.Bin(ctxLast[cat]+i, 0)
	}
	one, larger := ctxLevel[cat]+1, ctxLevel[cat]+5
	for range n {
		e.Bin(one, 1)
		for range 13 {
			e.Bin(larger, 1)
		}
		e.Bypass(0) // 15, not more
		e.Bypass(0) // sign
		one, larger = ctxLevel[cat], min(larger+1, ctxLevel[cat]+9)
	}
}

// The work for a picture is bounded: how many bins are parsed, by its bytes and macroblocks,
// and how many of these there may be.
func TestWork(t *testing.T) {
	const side, count = 4, 16
	sps := func(side int) []byte {
		return nal(0x67, u(8, 77), u(8, 0), u(8, 30), ue(0), ue(0), ue(2), ue(1), u(1, 0), ue(side-1), ue(side-1), u(1, 1), u(1, 1), u(1, 0), u(1, 0))
	}
	pps := func(cabac int) []byte {
		return nal(0x68, ue(0), ue(0), u(1, cabac), u(1, 0), ue(0), ue(0), ue(0), u(3, 0), ue(0), ue(0), ue(0), u(3, 0))
	}
	head := ue(0) + ue(7) + ue(0) + u(4, 0) + ue(0) + u(2, 0) + ue(0)
	head += strings.Repeat("1", -len(head)&7)
	e := newEncoder(kindI, 26)
	for i := range count {
		e.Bin(ctxTypeI+min(i%side, 1)+min(i/side, 1), 1)
		e.Terminate(0)
		for at, b := range []int{1, 0, 1, 0} { // Intra_16x16 with all coefficients of luma
			e.Bin([]int{6, 7, 9, 10}[at], b)
		}
		e.Bin(ctxChromaMode, 0)
		e.Bin(ctxDeltaQP, 0)
		coefficients(e, lumaDC, 16)
		for range 16 {
			coefficients(e, lumaAC, 15)
		}
		e.Terminate((i + 1) / count)
	}
	text := e.Bits.String()
	slice := bytes.ReplaceAll(nal(0x65, head+text[:len(text)-1]), []byte{0, 0}, emulated)
	var m Map
	var p parser
	parse := func(words int) (bins, bytes int, err error) {
		n := append(slice[:len(slice):len(slice)], strings.Repeat(string(emulated), words)...) // cabac_zero_words
		err = p.Picture([][]byte{sps(side), pps(1), n}, &m)
		return p.s.arith.Bins, len(n), err
	}
	all, _, err := parse(5000)
	if err != nil || len(m.Blocks) != count {
		t.Fatalf("%d macroblocks, %v", len(m.Blocks), err)
	}
	bins, size, err := parse(0)
	if most := cabac.MaxBins(size, count); err == nil || bins > most+all/count || bins == all {
		t.Errorf("%d of %d bins parsed in %d bytes, which may have %d: %v", bins, all, size, most, err)
	}
	enough := 0 // words with which there may be as many
	for cabac.MaxBins(len(slice)+enough*len(emulated), count) < all {
		enough++
	}
	if _, size, err := parse(enough); err != nil {
		t.Errorf("%d bins in %d bytes: %v", all, size, err)
	}
	if _, size, err := parse(enough - 1); err == nil {
		t.Errorf("%d bins in %d bytes", all, size)
	}

	fill := (maxBytes - len(slice)) / len(emulated)
	if _, size, err := parse(fill); err != nil {
		t.Errorf("%d bytes: %v", size, err)
	}
	if bins, size, err := parse(fill + 1); err == nil || bins > 0 || len(m.Blocks) > 0 {
		t.Errorf("%d of %d bytes: %d bins parsed", size, maxBytes, bins)
	}

	skipped := func(side int) error {
		return p.Picture([][]byte{sps(side), pps(0), nal(0x41, ue(0), ue(5), ue(0), u(4, 1), u(3, 0), ue(0), ue(side*side))}, &m)
	}
	if err := skipped(192); err != nil || len(m.Blocks) != maxMacroblocks {
		t.Errorf("%d macroblocks: %v", len(m.Blocks), err)
	}
	if err := skipped(193); !isUnsupported(err) || len(m.Blocks) > 0 {
		t.Errorf("%d macroblocks, of which %d may be: %v", 193*193, maxMacroblocks, err)
	}
}

var emulated = []byte{0, 0, 3}
