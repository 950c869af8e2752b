package testmedia

import (
	"encoding/hex"
	"math/rand/v2"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Noise makes access units of an H.264 stream in Annex B: the parameter sets and the
// headers of the slices are real, the rest are random bytes, the same ones in each run. It has 30
// frames a second, a key frame of 20 kB every ten.
type Noise struct {
	Track *kvsmedia.Track
	rand  *rand.Rand
	n     int
}

// NewNoise returns a stream at its beginning. Its track is named "main".
func NewNoise() *Noise {
	return &Noise{Track: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}, rand: rand.New(rand.NewPCG(1, 2))}
}

// Next returns the next frame.
func (s *Noise) Next() kvsmedia.Frame {
	f := kvsmedia.Frame{Track: s.Track, PTS: time.Duration(s.n) * 33 * time.Millisecond, Key: s.n%10 == 0}
	if f.Key {
		f.Data = bitstream.AppendAnnexB(nil, [][]byte{noiseSPS, noisePPS, s.slice(20_000, SliceHead(true, true, 0))})
	} else {
		f.Data = bitstream.AppendAnnexB(nil, [][]byte{
			s.slice(1+s.rand.IntN(5_000), SliceHead(false, true, s.n%10)), s.slice(900, SliceHead(false, false, s.n%10))})
	}
	s.n++
	return f
}

// slice returns a NAL unit that begins with head, without zero bytes, so without start
// codes.
func (s *Noise) slice(size int, head []byte) []byte {
	b := make([]byte, max(size, len(head)+1))
	for i := range b {
		b[i] = byte(1 + s.rand.UintN(255))
	}
	copy(b, head)
	return b
}

// SliceHead returns the beginning of a NAL unit, four bytes at most: a slice of an IDR
// picture or of a P picture with a frame_num of four bits, the first of its picture or
// one from macroblock 8 on. It goes with an SPS of pic_order_cnt_type 2, such as that of
// Noise. Any bytes may follow.
func SliceHead(key, first bool, frameNum int) []byte {
	n := byte(frameNum & 15)
	switch {
	case key && first:
		return []byte{0x65, 0x88, 0x87}
	case key:
		return []byte{0x65, 0x12, 0x22, 0x1f}
	case first:
		return []byte{0x41, 0x9a | n>>3, n<<5 | 0x1f}
	}
	return []byte{0x41, 0x12, 0x68 | n>>1, n<<7 | 0x7f}
}

var (
	noiseSPS = unhex("6742c00cd901419f9f0110000003001000000301e0f142a480") // constrained baseline
	noisePPS = unhex("68cb83cb20")
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}
