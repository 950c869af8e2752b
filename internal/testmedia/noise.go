package testmedia

import (
	"encoding/hex"
	"math/rand/v2"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Noise makes access units of an H.264 stream in Annex B: the parameter sets are
// real, the slices hold random bytes, the same ones in each run. It has 30
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
		f.Data = bitstream.AppendAnnexB(nil, [][]byte{noiseSPS, noisePPS, s.slice(0x65, 20_000)})
	} else {
		f.Data = bitstream.AppendAnnexB(nil, [][]byte{s.slice(0x41, 1+s.rand.IntN(5_000)), s.slice(0x41, 900)})
	}
	s.n++
	return f
}

// slice returns a NAL unit without zero bytes, so without start codes.
func (s *Noise) slice(header byte, size int) []byte {
	b := make([]byte, max(size, 2))
	for i := range b {
		b[i] = byte(1 + s.rand.UintN(255))
	}
	b[0], b[1] = header, 0x88|b[1]
	return b
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
