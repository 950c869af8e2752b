package codingtree

import (
	"math/rand/v2"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/cabac"
	"github.com/smartcam-sdk/smartcam/internal/macroblock"
)

// Whatever a stream brings is parsed or refused: without a panic, and within the bounds of
// what it takes to tell.
func FuzzPicture(f *testing.F) {
	for _, au := range clip(clips.HEVC())[:4] {
		f.Add(bitstream.AppendAnnexB(nil, au), uint8(0))
	}
	for _, c := range []crafted{{dependent: true, slices: 4, bypass: true}, {columns: []int{3, 4}, rows: []int{2, 3}, sync: true}} {
		c.random = rand.New(rand.NewPCG(1, 2))
		f.Add(bitstream.AppendAnnexB(nil, append(append(c.sets(), c.picture(0)...), c.picture(1)...)), uint8(4))
	}
	f.Fuzz(func(t *testing.T, b []byte, split uint8) {
		nalus := bitstream.Split(nil, b)
		at := min(int(split), len(nalus))
		var p parser
		var m macroblock.Map
		for _, au := range [][][]byte{nalus[:at], nalus[at:], nalus} {
			err := p.Picture(au, &m)
			if n := p.s.Bins; n > cabac.MaxBins(len(b), len(m.Blocks))+1<<16 { // of one coding tree
				t.Fatalf("%d bins in %d bytes", n, len(b))
			}
			if len(m.Blocks) > maxBlocks {
				t.Fatalf("%d blocks", len(m.Blocks))
			}
			if err != nil {
				continue
			}
			if len(m.Blocks) != m.Width*m.Height || len(m.Blocks) == 0 {
				t.Fatalf("%d blocks of %d x %d", len(m.Blocks), m.Width, m.Height)
			}
			for i, x := range m.Blocks {
				if x.Kind > macroblock.IntraPCM || x.QP > 51 {
					t.Fatalf("%d: %+v", i, x)
				}
			}
		}
	})
}
