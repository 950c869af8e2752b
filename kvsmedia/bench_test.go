package kvsmedia_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// BenchmarkMuxer measures one frame of a stream as a camera sends it: video of
// 4 Mbit/s at 30 pictures a second in access units of four NAL units, sound as
// usual. x-memcpy is to copying the same payload, which is done in turns with it;
// the time is that of the fastest pass over the clip, and does not include it.
func BenchmarkMuxer(b *testing.B) {
	const (
		fps      = 30
		unit     = 4_000_000 / 8 / fps
		pictures = 60 * fps // more than the caches hold: as new to them as what an encoder's hardware writes
		packets  = 10 * 50  // of sound, which comes from a software encoder
	)
	day := clips.Day()
	annexB := &kvsmedia.Track{Codec: kvsmedia.H264}
	avcc, prefixed := prefixed(b, day, 4)
	rnd := rand.NewChaCha8([32]byte{})
	for _, c := range []struct {
		name  string
		key   kvsmedia.Frame
		count int
		every time.Duration
		frame func() []byte
	}{
		{"annexb", kvsmedia.Frame{Track: annexB, Data: day.Frames[0].Data}, pictures, time.Second / fps, func() []byte { return picture(rnd, unit, false) }},
		{"avcc", kvsmedia.Frame{Track: avcc, Data: prefixed[0].Data}, pictures, time.Second / fps, func() []byte { return picture(rnd, unit, true) }},
		{"aac", kvsmedia.Frame{Track: find(day, "aac"), Data: []byte{1}}, packets, 21333 * time.Microsecond, func() []byte { return make([]byte, 341) }},
		{"opus", kvsmedia.Frame{Track: find(day, "opus"), Data: []byte{1}}, packets, 20 * time.Millisecond, func() []byte { return make([]byte, 122) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := kvsmedia.NewMuxer(io.Discard, c.key.Track)
			if err := m.WriteFrame(c.key); err != nil {
				b.Fatal(err)
			}
			frames := make([][]byte, c.count)
			for i := range frames {
				frames[i] = c.frame()
			}
			dst := make([]byte, 0, 2*len(frames[0]))
			f := kvsmedia.Frame{Track: c.key.Track}
			copying, muxing := time.Hour, time.Hour // the fastest of the passes, in turns
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += c.count {
				began := time.Now()
				for _, data := range frames {
					dst = append(dst[:0], data...)
				}
				copied := time.Now()
				for _, data := range frames {
					f.PTS += c.every
					f.Data = data
					if err := m.WriteFrame(f); err != nil {
						b.Fatal(err)
					}
				}
				copying, muxing = min(copying, copied.Sub(began)), min(muxing, time.Since(copied))
			}
			b.ReportMetric(float64(muxing.Nanoseconds())/float64(c.count), "ns/op")
			b.ReportMetric(muxing.Seconds()/copying.Seconds(), "x-memcpy")
		})
	}
}

// picture returns an access unit of four slices with size bytes in all: headers as a
// real picture's, behind them random bytes as a real one's are, free of start codes.
func picture(rnd *rand.ChaCha8, size int, lengths bool) []byte {
	var au []byte
	for slice := range 4 {
		n := size/4 - 4
		nalu := make([]byte, n)
		_, _ = rnd.Read(nalu) // never fails
		nalu[0], nalu[n-1] = 0x41, 0x80
		copy(nalu[1:], sliceHeader(slice))
		nalu = bytes.ReplaceAll(nalu, []byte{0, 0}, []byte{0, 4})
		if lengths {
			au = append(au, 0, 0, byte(n>>8), byte(n))
		} else {
			au = append(au, 0, 0, 0, 1)
		}
		au = append(au, nalu...)
	}
	return au
}

// sliceHeader returns the first bytes of the header that a picture's slice has, by that of
// a real picture with one slice: first_mb_in_slice, which is 0 there, is the slice's index.
func sliceHeader(slice int) []byte {
	i := slices.IndexFunc(clips.Day().Frames, func(f kvsmedia.Frame) bool { return f.Track.Codec == kvsmedia.H264 && !f.Key })
	nalus := bitstream.Split(nil, clips.Day().Frames[i].Data)
	real := nalus[len(nalus)-1][1:5]
	first := []string{"1", "010", "011", "00100"}[slice] // ue(v)
	bits, _ := strconv.ParseUint(first, 2, 32)
	rest := uint64(binary.BigEndian.Uint32(real)) << 33 >> 1 // behind its first bit
	return binary.BigEndian.AppendUint64(nil, bits<<(64-len(first))|rest>>(len(first)-1))[:3]
}
