//go:build unix

package macroblock

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// 640x360 at 15 pictures a second. core-% is the share of a core, in CPU time, that
// one such camera takes.
func BenchmarkPicture(b *testing.B) {
	b.Run("clip, CAVLC", func(b *testing.B) { benchmark(b, clip(clips.Day())) })
	day := filepath.Join(b.TempDir(), "day.h264")
	var raw []byte
	for _, au := range clip(clips.Day()) {
		raw = bitstream.AppendAnnexB(raw, au)
	}
	write(b, day, raw)
	for _, rate := range []string{"300k", "600k"} {
		for _, c := range []struct{ name, flags string }{
			{"CAVLC", "-profile:v baseline"},
			{"CABAC", "-bf 0"},
			{"CABAC, B", "-bf 3"},
		} {
			b.Run(fmt.Sprintf("%s, %s", c.name, rate), func(b *testing.B) {
				film := filepath.Join(b.TempDir(), "film.h264")
				// Noise, as of a camera, so that the bits are spent.
				testtools.FFmpeg(b, "-r 15 -i "+day+" -vf noise=alls=6:allf=t -c:v libx264 -threads 1 -g 60 -b:v "+rate+" -maxrate "+rate+" -bufsize "+rate+" "+c.flags+" "+film)
				benchmark(b, accessUnits(read(b, film)))
			})
		}
	}
}

func benchmark(b *testing.B, aus [][][]byte) {
	var p parser
	var m Map
	bytes, n := 0, 0
	for _, au := range aus {
		for _, nalu := range au {
			bytes += len(nalu)
		}
	}
	b.ReportAllocs()
	begun := testtools.CPU()
	for b.Loop() {
		if err := p.Picture(aus[n%len(aus)], &m); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric((testtools.CPU()-begun).Seconds()/float64(b.N)*15*100, "core-%")
	b.ReportMetric(float64(bytes)*8*15/float64(len(aus))/1000, "kbit/s")
}
