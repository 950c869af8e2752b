package macroblock

import (
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/cabac/cabactest"
)

func newEncoder(kind bitstream.SliceKind, qp int) *cabactest.Encoder {
	var a arith
	r := reader{bitstream.NewBitReader(nil, []byte{1})}
	a.begin(&r, &bitstream.SliceHeader{Kind: kind, QP: qp})
	return cabactest.New(&a.Decoder)
}
