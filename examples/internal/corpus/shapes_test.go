package corpus

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

// shape is one input.
type shape struct {
	name   string
	make   func(t *testing.T, ffmpeg string) (path string)
	warns  string // what the source or the camera has to say about it; empty for nothing
	noClip bool   // the service makes no clip of it
}

// What warnings say.
const (
	leftOut = "left out"   // of a track that is not used
	bFrames = "(B-frames)" // of a picture that viewers do not get
)

// filmed is a moving picture, and a sound if args have a codec for it, that ffmpeg
// encodes.
func filmed(name, ext, args string) shape {
	return shape{name: name, make: func(t *testing.T, ffmpeg string) string { return film(t, ffmpeg, ext, "176x144", args) }}
}

func (s shape) warning(text string) shape {
	s.warns = text
	return s
}

func film(t *testing.T, ffmpeg, ext, size, args string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "in"+ext)
	all := []string{"-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=25:duration=4", size), "-f", "lavfi", "-i", "sine=frequency=400:duration=4"}
	all = append(all, "-map", "0:v")
	if strings.Contains(args, "-c:a") {
		all = append(all, "-map", "1:a")
	}
	run(t, exec.Command(ffmpeg, append(append(all, strings.Fields(args)...), out)...))
	return out
}

// edited is an H.264 stream whose NAL units are written anew, each with a start code
// and after what edit puts before it.
func edited(name, args string, edit func(nalu []byte) [][]byte) shape {
	return shape{name: name, make: func(t *testing.T, ffmpeg string) string {
		path := film(t, ffmpeg, ".h264", "176x144", args)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var nalus [][]byte
		for _, nalu := range bitstream.Split(nil, b) {
			nalus = append(nalus, edit(nalu)...)
		}
		if err := os.WriteFile(path, bitstream.AppendAnnexB(nil, nalus), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}}
}

// stored is a file that a user had.
func stored(name string) func(*testing.T, string) string {
	return func(*testing.T, string) string {
		return filepath.Join("../../camera/source/testdata", name)
	}
}

func typeOf(nalu []byte) byte { return nalu[0] & 31 }

// prefixed puts a prefix NAL unit before each slice, and one of an enhancement layer,
// which decoders of the base layer pass over, after it (H.264, annex F).
func prefixed(nalu []byte) [][]byte {
	if t := typeOf(nalu); t != 1 && t != 5 {
		return [][]byte{nalu}
	}
	layer := append([]byte{0x74, 0xc0, 0x80, 0x1f}, nalu[1:min(len(nalu), 40)]...)
	return [][]byte{{0x6e, 0x40, 0x80, 0x0f}, nalu, layer}
}

// twoSizes is a stream whose picture becomes larger.
func twoSizes(t *testing.T, ffmpeg string) string {
	var both []byte
	path := ""
	for _, size := range []string{"176x144", "320x240"} {
		path = film(t, ffmpeg, ".h264", size, x264)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, b...)
	}
	if err := os.WriteFile(path, both, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	x264 = "-pix_fmt yuv420p -c:v libx264 -preset veryfast -g 25 -bf 0 "
	x265 = "-pix_fmt yuv420p -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25:"
)

// shapes are what encoders and containers make.
var shapes = []shape{
	filmed("h264 baseline", ".h264", x264+"-profile:v baseline"),
	filmed("h264 main", ".h264", x264+"-profile:v main"),
	filmed("h264 high", ".h264", x264+"-profile:v high"),
	filmed("h264 CAVLC", ".h264", x264+"-coder 0"),
	filmed("h264 every picture a key frame", ".h264", x264+"-g 1"),
	filmed("h264 one key frame", ".h264", x264+"-g 1000"),
	filmed("h264 slices", ".h264", x264+"-slices 4"),
	filmed("h264 slices of 300 bytes", ".h264", x264+"-x264-params slice-max-size=300"),
	filmed("h264 access unit delimiters", ".h264", x264+"-aud 1"),
	filmed("h264 filler data", ".h264", x264+"-b:v 400k -maxrate 400k -bufsize 400k -x264-params nal-hrd=cbr"),
	filmed("h264 interlaced", ".h264", x264+"-flags +ildct+ilme"),
	filmed("h264 fake interlaced", ".h264", x264+"-x264-params fake-interlaced=1"),
	filmed("h264 cropped", ".h264", x264+"-vf crop=170:138"),
	filmed("h264 open GOP", ".h264", x264+"-bf 2 -x264-params open-gop=1").warning(bFrames),
	filmed("h264 intra refresh", ".h264", x264+"-x264-params intra-refresh=1"),
	filmed("h264 B-frames", ".h264", x264+"-bf 2").warning(bFrames),
	filmed("h264 B-pyramid", ".h264", x264+"-bf 5 -b-pyramid normal -x264-params b-adapt=0").warning(bFrames),
	filmed("h264 lossless", ".h264", x264+"-qp 0"),
	filmed("h264 weighted", ".h264", x264+"-weightp 2 -refs 5"),
	filmed("h264 10 bit", ".h264", x264+"-pix_fmt yuv420p10"),
	filmed("h264 4:2:2", ".h264", x264+"-pix_fmt yuv422p"),
	filmed("h265", ".h265", x265+"bframes=0:no-open-gop=1"),
	filmed("h265 slices", ".h265", x265+"bframes=0:slices=3"),
	filmed("h265 delimiters", ".h265", x265+"bframes=0:aud=1:hrd=0"),
	filmed("h265 CRA and RASL", ".h265", x265+"bframes=3:open-gop=1:b-adapt=0").warning(bFrames),
	filmed("h265 RADL", ".h265", x265+"bframes=3:no-open-gop=1:radl=2").warning(bFrames),
	filmed("h265 B-frames", ".h265", x265+"bframes=3:no-open-gop=1").warning(bFrames),
	filmed("h265 intra refresh", ".h265", x265+"bframes=0:intra-refresh=1"),
	filmed("h265 cropped", ".h265", x265+"bframes=0 -vf crop=170:138"),
	filmed("h265 10 bit", ".h265", "-pix_fmt yuv420p10 "+x265[len("-pix_fmt yuv420p "):]+"bframes=0"),
	filmed("h265 every picture a key frame", ".h265", x265+"bframes=0:keyint=1"),
	filmed("h265 temporal layers", ".h265", x265+"bframes=3:temporal-layers=2").warning(bFrames),
	filmed("MP4", ".mp4", x264+"-c:a aac"),
	filmed("MP4 B-frames", ".mp4", x264+"-bf 2 -c:a aac").warning(bFrames),
	filmed("MP4 of h265", ".mp4", x265+"bframes=3 -tag:v hvc1").warning(bFrames),
	filmed("MP4 of h265, hev1", ".mp4", x265+"bframes=0 -tag:v hev1"),
	filmed("MP4 index first", ".mp4", x264+"-movflags faststart"),
	filmed("QuickTime", ".mov", x264+"-c:a aac"),
	filmed("Matroska", ".mkv", x264+"-c:a aac"),
	filmed("Matroska B-frames", ".mkv", x264+"-bf 2").warning(bFrames),
	filmed("Matroska of h265", ".mkv", x265+"bframes=3").warning(bFrames),
	filmed("Matroska short clusters", ".mkv", x264+"-cluster_time_limit 100 -c:a aac"),
	filmed("MP4 with MP2 sound", ".mp4", x264+"-c:a mp2").warning(leftOut),
	filmed("Matroska with AC-3 sound", ".mkv", x264+"-c:a ac3").warning(leftOut),
	filmed("Matroska with PCM sound", ".mkv", x264+"-c:a pcm_s16le").warning(leftOut),
	filmed("Matroska with G.711 sound", ".mkv", x264+"-c:a pcm_alaw -ar 8000"),
	{name: "MP4 with Opus sound", make: filmed("", ".mp4", x264+"-c:a libopus").make, noClip: true},
	edited("h264 scalable", x264+"-slices 2", prefixed),
	edited("h264 empty NAL units", x264+"-slices 2", func(nalu []byte) [][]byte { return [][]byte{{}, nalu, {}} }),
	edited("h264 end of sequence", x264, func(nalu []byte) [][]byte {
		if typeOf(nalu) == 7 {
			return [][]byte{{10}, nalu}
		}
		return [][]byte{nalu}
	}),
	edited("h264 zeros after each NAL unit", x264, func(nalu []byte) [][]byte { return [][]byte{append(bytes.Clone(nalu), 0, 0, 0, 0)} }),
	{name: "h264 a larger picture", make: twoSizes, noClip: true},
	{name: "MP4 of two sample descriptions", make: stored("twodesc-b.mp4"), noClip: true},
	{name: "MP4 with MP2 sound as a file has it", make: stored("h264-mp2.mp4"), warns: leftOut},
}
