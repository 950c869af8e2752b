//go:build unix

package codingtree

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/macroblock"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// 640x360 at 15 pictures a second. core-% is the share of a core, in CPU time, that
// one such camera takes.
func BenchmarkPicture(b *testing.B) {
	day := filepath.Join(b.TempDir(), "day.h264")
	var raw []byte
	for _, au := range clip(clips.Day()) {
		raw = bitstream.AppendAnnexB(raw, au)
	}
	if err := os.WriteFile(day, raw, 0o600); err != nil {
		b.Fatal(err)
	}
	for _, rate := range []string{"300", "600", "1500"} {
		b.Run(rate+"k", func(b *testing.B) {
			film := filepath.Join(b.TempDir(), "film.hevc")
			// Noise, as of a camera, so that the bits are spent.
			testtools.FFmpeg(b, "-r 15 -i "+day+" -vf noise=alls=12:allf=t -c:v libx265 -preset fast -g 60 -x265-params log-level=none:bframes=0:vbv-maxrate="+rate+":vbv-bufsize="+rate+":bitrate="+rate+" "+film)
			stream, err := os.ReadFile(film)
			if err != nil {
				b.Fatal(err)
			}
			benchmark(b, accessUnits(stream), len(stream))
		})
	}
}

func benchmark(b *testing.B, aus [][][]byte, bytes int) {
	var p parser
	var m macroblock.Map
	n := 0
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
