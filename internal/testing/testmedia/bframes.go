package testmedia

import (
	"bytes"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// BFrames makes access units of an H.264 stream in Annex B, in the order of decoding: a
// key frame every ten pictures, 25 a second, and two B-frames between the others. The
// parameter sets and slice headers are real, the rest of a slice is filling.
type BFrames struct {
	Track *kvsmedia.Track

	// Plain leaves the B-frames out from the next key frame on.
	Plain bool

	plain bool
	n     int
}

// Picture orders of a group: as decoded, with B-frames and without.
var (
	reordered = [10]int{0, 3, 1, 2, 6, 4, 5, 9, 7, 8}
	inOrder   = [10]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}

	bframesSPS = unhex("6764001eace8426807ec90") // High, 64x64, max_num_reorder_frames 2
	bframesPPS = unhex("68ce3880")
)

// Next returns the next frame.
func (s *BFrames) Next() kvsmedia.Frame {
	i := s.n % 10
	if i == 0 {
		s.plain = s.Plain
	}
	order := &reordered
	if s.plain {
		order = &inOrder
	}
	shown, b := order[i], i > 0 && order[i] < order[i-1] || i > 1 && order[i] == order[i-1]+1 && !s.plain
	f := kvsmedia.Frame{Track: s.Track, PTS: time.Duration(s.n-i+shown) * 40 * time.Millisecond, Key: i == 0}
	// first_mb_in_slice 0, slice_type, PPS 0, frame_num, pic_order_cnt_lsb, of four bits each
	header, bits, n := byte(0x41), uint32(0b1_00110_1), 7
	frameNum := uint32(shown+2) / 3
	switch {
	case i == 0:
		header, bits, n = 0x65, 0b1_0001000_1, 9
	case b:
		header, bits = 0x01, 0b1_00111_1
		frameNum = uint32(shown)/3 + 2
	}
	if s.plain {
		frameNum = uint32(i)
	}
	bits = bits<<4 | frameNum&15
	if n += 8; i == 0 {
		bits, n = bits<<1|1, n+1 // idr_pic_id 0
	}
	bits = bits<<4 | uint32(2*shown)&15
	bits = (bits<<1 | 1) << (31 - n)
	slice := append([]byte{header, byte(bits >> 24), byte(bits >> 16), byte(bits >> 8)}, bytes.Repeat([]byte{0x55}, 500)...)
	nalus := [][]byte{slice}
	if i == 0 {
		nalus = [][]byte{bframesSPS, bframesPPS, slice}
	}
	f.Data = bitstream.AppendAnnexB(nil, nalus)
	s.n++
	return f
}
