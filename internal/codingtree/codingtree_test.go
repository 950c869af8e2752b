package codingtree

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/macroblock"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parser is a Parser that remembers parameter sets.
type parser struct {
	Parser
	sets bitstream.ParameterSets
}

func (p *parser) Picture(nalus [][]byte, dst *macroblock.Map) error {
	p.sets.Codec = bitstream.H265
	p.sets.Update(nalus)
	return p.Parser.Picture(&p.sets, nalus, dst)
}

func accessUnits(stream []byte) [][][]byte { return testmedia.AccessUnits(stream, bitstream.H265) }

// clip returns the pictures of a clip.
func clip(c *clips.Clip) [][][]byte { return testmedia.NALUs(c.Frames, c.Tracks[0]) }

// A clip whose blocks have the bits of its slices.
func TestClip(t *testing.T) {
	var p parser
	var m macroblock.Map
	for i, au := range clip(clips.HEVC()) {
		if err := p.Picture(au, &m); err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		bits, size := 0, 0
		for _, b := range m.Blocks {
			bits += int(b.Bits)
		}
		for _, n := range au {
			if bitstream.H265.IsVCL(n) {
				size += 8 * len(n)
			}
		}
		if bits > size+size/20 || bits < size-size/20-400 {
			t.Fatalf("picture %d: blocks have %d bits, the slices %d", i, bits, size)
		}
	}
}

// What x265 made of the clip, in blocks, when the tests against x265 passed.
func TestStream(t *testing.T) {
	var p parser
	var m macroblock.Map
	var kinds [9]int
	coded, bits, change, qp := 0, 0, 0, 0
	for _, au := range clip(clips.HEVC()) {
		if err := p.Picture(au, &m); err != nil {
			t.Fatal(err)
		}
		for _, b := range m.Blocks {
			kinds[b.Kind]++
			bits, change, qp = bits+int(b.Bits), change+int(b.Change), qp+int(b.QP)
			if b.Coded {
				coded++
			}
		}
	}
	want := []any{[9]int{macroblock.Skipped: 5135, macroblock.Inter16x16: 1568, macroblock.Intra16x16: 497}, 1130, 206258, 6153, 197653}
	if d := cmp.Diff(want, []any{kinds, coded, bits, change, qp}); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// What is not whole is an error, and the next picture is parsed again.
func TestDamaged(t *testing.T) {
	aus := clip(clips.HEVC())[:4]
	var p parser
	var m macroblock.Map
	for i, au := range aus {
		if err := p.Picture(au, &m); err != nil {
			t.Fatal(err)
		}
		bad := func(what string, au [][]byte) {
			if err := p.Picture(au, &m); err == nil {
				t.Errorf("picture %d: %s is no error", i, what)
			}
		}
		last := len(au) - 1
		n := au[last]
		bad("the slice lost", au[:last])
		bad("the slice twice", append(au[:last:last], n, n))
		for _, cut := range []int{1, 2, 3, len(n) / 2, len(n) - 1} {
			bad(fmt.Sprintf("a slice of %d of %d bytes", cut, len(n)), append(au[:last:last], n[:cut]))
		}
		bad("a slice with a byte behind it", append(au[:last:last], append(bytes.Clone(n), 0x5a)))
		for at := 2; at < len(n); at += 7 { // whatever comes of it
			broken := bytes.Clone(n)
			broken[at] ^= 1 << (at & 7)
			_ = p.Picture(append(au[:last:last], broken), &m)
		}
		if err := p.Picture(au, &m); err != nil {
			t.Errorf("picture %d after damaged ones: %v", i, err)
		}
	}
}
