package kvsmedia_test

import (
	"io"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// BenchmarkMuxer measures one frame of a stream as a camera sends it: video of
// 4 Mbit/s at 30 pictures a second in access units of four NAL units, sound as
// usual. x-memcpy is the time that copying the same payload takes in the same
// run.
func BenchmarkMuxer(b *testing.B) {
	const (
		fps  = 30
		unit = 4_000_000 / 8 / fps
	)
	day := testmedia.Day()
	annexB := &kvsmedia.Track{Codec: kvsmedia.H264}
	avcc, prefixed := prefixed(b, day, 4)
	for _, c := range []struct {
		name  string
		key   kvsmedia.Frame
		frame []byte
		every time.Duration
	}{
		{"annexb", kvsmedia.Frame{Track: annexB, Data: day.Frames[0].Data}, picture(unit, false), time.Second / fps},
		{"avcc", kvsmedia.Frame{Track: avcc, Data: prefixed[0].Data}, picture(unit, true), time.Second / fps},
		{"aac", kvsmedia.Frame{Track: find(day, "aac"), Data: make([]byte, 341)}, make([]byte, 341), 21333 * time.Microsecond},
		{"opus", kvsmedia.Frame{Track: find(day, "opus"), Data: make([]byte, 122)}, make([]byte, 122), 20 * time.Millisecond},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := kvsmedia.NewMuxer(io.Discard, c.key.Track)
			if err := m.WriteFrame(c.key); err != nil {
				b.Fatal(err)
			}
			dst := make([]byte, len(c.frame))
			f := kvsmedia.Frame{Track: c.key.Track, Data: c.frame}
			var copying, muxing time.Duration
			b.ReportAllocs()
			b.SetBytes(int64(len(c.frame)))
			const batch = 256 // both see the same caches and clock
			for n := 0; n < b.N; n += batch {
				b.StopTimer()
				began := time.Now()
				for range batch {
					copy(dst, c.frame)
				}
				copying += time.Since(began)
				b.StartTimer()
				began = time.Now()
				for range min(batch, b.N-n) {
					f.PTS += c.every
					if err := m.WriteFrame(f); err != nil {
						b.Fatal(err)
					}
				}
				muxing += time.Since(began)
			}
			rounds := (b.N + batch - 1) / batch * batch
			b.ReportMetric(muxing.Seconds()/float64(b.N)/(copying.Seconds()/float64(rounds)), "x-memcpy")
		})
	}
}

// picture returns an access unit of four slices with size bytes of payload, the
// bytes of which are as random as a real one's and need no emulation prevention.
func picture(size int, lengths bool) []byte {
	var au []byte
	x := uint32(1)
	for i := range 4 {
		n := size / 4
		if lengths {
			au = append(au, 0, 0, byte(n>>8), byte(n))
		} else {
			au = append(au, 0, 0, 0, 1)
		}
		au = append(au, 0x41)
		for range n - 1 {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			au = append(au, byte(x)|byte(i&1|1))
		}
	}
	return au
}
