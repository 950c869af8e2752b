package source

import (
	"bytes"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// The pictures that a source yields are those that ffmpeg decodes from the same
// file, whatever container and encoder options; sound that cannot be used is
// left out with one warning that names it.
func TestPicturesAreFFmpegs(t *testing.T) {
	const (
		x264    = "-f lavfi -i testsrc=rate=25:duration=2:size=320x240 -f lavfi -i sine=duration=2 -pix_fmt yuv420p -c:v libx264 -g 12 "
		x265    = "-f lavfi -i testsrc=rate=25:duration=2:size=320x240 -f lavfi -i sine=duration=2 -pix_fmt yuv420p -c:v libx265 -x265-params log-level=none:keyint=12:"
		bframes = "-bf 3 -x264-params b-pyramid=normal "
	)
	for name, c := range map[string]struct {
		file, ffmpeg string
		tracks       string // codecs
		warning      string
	}{
		"MP4":                      {"a.mp4", x264 + "-bf 0 -c:a aac", "H264 AAC", ""},
		"MP4, B-frames":            {"a.mp4", x264 + bframes + "-c:a aac", "H264 AAC", ""},
		"MP4, open GOP":            {"a.mp4", x264 + "-bf 3 -x264-params open-gop=1 -c:a aac", "H264 AAC", ""},
		"MP4, index in front":      {"a.mp4", x264 + "-movflags +faststart -c:a aac", "H264 AAC", ""},
		"MP4, slices":              {"a.mp4", x264 + "-slices 4 -c:a aac", "H264 AAC", ""},
		"MP4, fields":              {"a.mp4", x264 + "-flags +ildct+ilme -x264-params tff=1 -c:a aac", "H264 AAC", ""},
		"MP4, cropped":             {"a.mp4", x264 + "-vf scale=322:182 -c:a aac", "H264 AAC", ""},
		"MP4, H.265":               {"a.mp4", x265 + "bframes=3 -tag:v hvc1 -c:a aac", "H265 AAC", ""},
		"MP4, H.265 sets in-band":  {"a.mp4", x265 + "bframes=0 -tag:v hev1 -c:a aac", "H265 AAC", ""},
		"MP4, Opus":                {"a.mp4", x264 + "-c:a libopus -strict -2", "H264 Opus", ""},
		"MP4, MP3":                 {"a.mp4", x264 + "-c:a libmp3lame", "H264", "MP3"},
		"MP4, AC-3":                {"a.mp4", x264 + "-c:a ac3", "H264", "ac-3"},
		"MP4, fragments":           {"a.mp4", x264 + bframes + "-movflags frag_keyframe+empty_moov+default_base_moof -c:a aac", "H264 AAC", ""},
		"MP4, fragments, old":      {"a.mp4", x264 + bframes + "-movflags frag_keyframe -c:a aac", "H264 AAC", ""},
		"MP4, fragments, MP3":      {"a.mp4", x264 + "-movflags frag_keyframe+empty_moov -c:a libmp3lame", "H264", "MP3"},
		"QuickTime":                {"a.mov", x264 + bframes + "-c:a aac", "H264 AAC", ""},
		"QuickTime, PCM":           {"a.mov", x264 + "-c:a pcm_s16le", "H264", "sowt"},
		"Matroska":                 {"a.mkv", x264 + bframes + "-c:a aac", "H264 AAC", ""},
		"Matroska, H.265":          {"a.mkv", x265 + "bframes=3 -c:a libopus", "H265 Opus", ""},
		"Matroska, H.265 RASL":     {"a.mkv", x265 + "bframes=3:open-gop=1 -an", "H265", ""},
		"Matroska, AC-3":           {"a.mkv", x264 + "-c:a ac3", "H264", "A_AC3"},
		"Matroska, PCM":            {"a.mkv", x264 + "-c:a pcm_s16le", "H264", "A_PCM"},
		"Matroska, G.711":          {"a.mkv", x264 + "-ar 16000 -c:a pcm_mulaw", "H264 PCMU", ""},
		"Matroska, blocks shifted": {"a.mkv", x264 + bframes + "-c:a aac -cluster_time_limit 300", "H264 AAC", ""},
		"Annex B":                  {"a.h264", x264 + "-bf 0", "H264", ""},
		"Annex B, H.265":           {"a.h265", x265 + "bframes=0 -f hevc", "H265", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			testtools.FFmpeg(t, c.ffmpeg, path)
			checkPictures(t, path, c.tracks, c.warning)
		})
	}
}

// Files as they were found, which ffmpeg does not write.
func TestPicturesOfCases(t *testing.T) {
	t.Run("two sample descriptions", func(t *testing.T) { checkPictures(t, "testdata/twodesc-b.mp4", "H264", "") })
	t.Run("MP3 in MP4", func(t *testing.T) { checkPictures(t, "testdata/h264-mp2.mp4", "H264", "MP3") })
}

// A track that is compressed, as mkvmerge can do it, leaves the others.
func TestCompressedTrack(t *testing.T) {
	mkvmerge := testtools.Need(t, "mkvmerge")
	dir := t.TempDir()
	testtools.FFmpeg(t, "-f lavfi -i testsrc=rate=25:duration=1:size=320x240 -f lavfi -i sine=duration=1 -pix_fmt yuv420p -c:v libx264 -c:a aac", dir+"/in.mkv")
	if out, err := exec.CommandContext(t.Context(), mkvmerge, "-q", "-o", dir+"/out.mkv", "--compression", "1:zlib", dir+"/in.mkv").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	checkPictures(t, dir+"/out.mkv", "H264", "A_AAC")
}

// checkPictures compares one pass of a file, its tracks and warnings.
func checkPictures(t *testing.T, path, tracks, warning string) {
	t.Helper()
	want := testtools.FrameMD5(t, path)
	var log bytes.Buffer
	s, err := Open(t.Context(), path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	var codecs []string
	for _, tr := range s.Tracks() {
		codecs = append(codecs, tr.Codec.String())
	}
	if got := strings.Join(codecs, " "); got != tracks {
		t.Errorf("tracks %s, want %s", got, tracks)
	}
	lines := strings.Count(log.String(), "\n")
	if warning == "" && lines > 0 || warning != "" && (lines != 1 || !strings.Contains(log.String(), warning)) {
		t.Errorf("warnings of %q, want one:\n%s", warning, log.String())
	}
	var stream []byte
	video := s.Tracks()[0]
	synctest.Test(t, func(t *testing.T) {
		n := 0
		for f := range s.Frames(t.Context()) {
			if f.Track != video {
				continue
			}
			if f.Skipped > 0 || n == 0 && !f.Key || f.Key && !hasSets(f) {
				t.Fatalf("picture %d: skipped %d, key %v", n, f.Skipped, f.Key)
			}
			stream = append(stream, f.Data...)
			if n++; n == len(want) {
				break
			}
		}
		if s.Err() != nil || n < len(want) {
			t.Fatalf("%d pictures of %d, %v", n, len(want), s.Err())
		}
	})
	format := map[kvsmedia.Codec]string{kvsmedia.H264: "h264", kvsmedia.H265: "hevc"}[video.Codec]
	got := testtools.AnnexBFrameMD5(t, format, stream)
	if len(got) != len(want) {
		t.Fatalf("%d pictures decode, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("picture %d is not ffmpeg's", i)
		}
	}
}

// hasSets reports whether a frame has parameter sets.
func hasSets(f kvsmedia.Frame) bool {
	sets := bitstream.ParameterSets{Codec: bitstream.H264}
	if f.Track.Codec == kvsmedia.H265 {
		sets.Codec = bitstream.H265
	}
	sets.Update(bitstream.Split(nil, f.Data))
	return sets.Complete()
}
