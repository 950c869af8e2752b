package macroblock

import (
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/cabac"
)

// Whatever a stream brings is parsed or refused: without a panic, and within the bounds of
// what it takes to tell.
func FuzzPicture(f *testing.F) {
	for name := range streams {
		aus := accessUnits(stream(f, name))
		for _, au := range aus[1:] {
			f.Add(bitstream.AppendAnnexB(nil, append(aus[0][:len(aus[0]):len(aus[0])], au...)), uint8(0))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, split uint8) {
		nalus := bitstream.Split(nil, b)
		at := min(int(split), len(nalus))
		var p parser
		var m Map
		for _, au := range [][][]byte{nalus[:at], nalus[at:], nalus} {
			err := p.Picture(au, &m)
			if len(m.Blocks) > maxMacroblocks {
				t.Fatalf("%d macroblocks", len(m.Blocks))
			}
			if n := p.s.arith.Bins; n > cabac.MaxBins(len(b), len(m.Blocks))+8192 { // of one macroblock
				t.Fatalf("%d bins in %d bytes", n, len(b))
			}
			if err != nil {
				continue
			}
			if len(m.Blocks) != m.Width*m.Height || len(m.Blocks) == 0 {
				t.Fatalf("%d macroblocks of %d x %d", len(m.Blocks), m.Width, m.Height)
			}
			bits := 0
			for i, x := range m.Blocks {
				if bits += int(x.Bits); x.Kind > IntraPCM || x.QP > 51 {
					t.Fatalf("%d: %+v", i, x)
				}
			}
			if bits > 8*len(b) {
				t.Fatalf("%d bits in %d bytes", bits, len(b))
			}
		}
	})
}
