package testtools

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// FrameMD5 decodes the first picture track of a file with ffmpeg and returns the
// MD5 of each picture, in the order in which they are shown. Without ffmpeg the
// test ends, see [Need].
func FrameMD5(t testing.TB, path string) []string {
	t.Helper()
	return frameMD5(t, nil, "-i", path)
}

// AnnexBFrameMD5 is [FrameMD5] of a stream in Annex B; format is ffmpeg's name of
// it, "h264" or "hevc". That both are equal proves that what was read from a file
// decodes to the same pictures.
func AnnexBFrameMD5(t testing.TB, format string, stream []byte) []string {
	t.Helper()
	return frameMD5(t, stream, "-f", format, "-i", "pipe:0")
}

func frameMD5(t testing.TB, in []byte, input ...string) (sums []string) {
	t.Helper()
	args := append([]string{"-v", "error"}, input...)
	args = append(args, "-map", "0:v:0", "-vsync", "passthrough", "-f", "framemd5", "pipe:1")
	cmd := exec.CommandContext(t.Context(), Need(t, "ffmpeg"), args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			sums = append(sums, strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:]))
		}
	}
	if len(sums) == 0 {
		t.Fatalf("ffmpeg %s: no pictures\n%s", strings.Join(args, " "), stderr.Bytes())
	}
	return sums
}

// FFmpeg runs ffmpeg with arguments that are separated by spaces, then more as they are.
// Without ffmpeg the test ends, see [Need].
func FFmpeg(t testing.TB, args string, more ...string) {
	t.Helper()
	all := append(append([]string{"-v", "error", "-y"}, strings.Fields(args)...), more...)
	if out, err := exec.CommandContext(t.Context(), Need(t, "ffmpeg"), all...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", strings.Join(all, " "), err, out)
	}
}
