package mkv

import (
	"bytes"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// Files of ffmpeg's and mkvmerge's muxers read as ffprobe reads them. mkvmerge
// laces the audio.
func TestAgainstOtherMuxers(t *testing.T) {
	ffmpeg, ffprobe := testtools.Need(t, "ffmpeg"), testtools.Need(t, "ffprobe")
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain.mkv")
	run(t, ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc=rate=25:duration=3:size=320x180",
		"-f", "lavfi", "-i", "sine=sample_rate=48000:duration=3",
		"-c:v", "libx264", "-bf", "2", "-g", "20", "-pix_fmt", "yuv420p", "-c:a", "libopus", plain)

	t.Run("ffmpeg", func(t *testing.T) { compare(t, ffprobe, plain) })
	t.Run("ffmpeg live", func(t *testing.T) {
		live := filepath.Join(dir, "live.mkv")
		run(t, ffmpeg, "-v", "error", "-i", plain, "-c", "copy", "-f", "matroska", "-live", "1", live)
		compare(t, ffprobe, live)
	})
	t.Run("ffmpeg webm", func(t *testing.T) {
		webm := filepath.Join(dir, "plain.webm")
		run(t, ffmpeg, "-v", "error", "-i", plain, "-map", "0:a", "-c", "copy", "-f", "webm", webm)
		compare(t, ffprobe, webm)
	})
	t.Run("ffmpeg AAC", func(t *testing.T) {
		aac := filepath.Join(dir, "aac.mkv")
		run(t, ffmpeg, "-v", "error", "-i", plain, "-c:v", "copy", "-c:a", "aac", "-ac", "2", aac)
		compare(t, ffprobe, aac)
	})
	t.Run("mkvmerge", func(t *testing.T) {
		laced := filepath.Join(dir, "laced.mkv")
		run(t, testtools.Need(t, "mkvmerge"), "-q", "-o", laced, plain)
		compare(t, ffprobe, laced)
	})
}

// compare reads a file with our reader and with ffprobe.
func compare(t *testing.T, ffprobe, file string) {
	t.Helper()
	type packet struct {
		at   float64 // seconds
		key  bool
		hash string
	}
	ours, theirs := map[int][]packet{}, map[int][]packet{}
	var probed struct {
		Packets []struct {
			Stream int    `json:"stream_index"`
			PTS    string `json:"pts_time"`
			Flags  string `json:"flags"`
			Hash   string `json:"data_hash"`
		} `json:"packets"`
	}
	out := run(t, ffprobe, "-v", "error", "-show_packets", "-show_data_hash", "md5", "-of", "json", file)
	if err := json.Unmarshal([]byte(out), &probed); err != nil {
		t.Fatal(err)
	}
	for _, p := range probed.Packets {
		at, err := strconv.ParseFloat(p.PTS, 64)
		if err != nil {
			t.Fatal(err)
		}
		theirs[p.Stream] = append(theirs[p.Stream], packet{at, p.Flags[0] == 'K', strings.TrimPrefix(p.Hash, "MD5:")})
	}

	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rd := NewReader(f)
	for {
		e, err := rd.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := e.(type) {
		case Tracks:
			for _, tr := range e {
				if tr.Type == VideoTrack && (tr.PixelWidth != 320 || tr.PixelHeight != 180 || tr.CodecID != "V_MPEG4/ISO/AVC" || tr.CodecPrivate[0] != 1) {
					t.Errorf("video track %+v", tr)
				}
				if tr.Type == AudioTrack && (tr.SamplingFrequency != 48000 || len(tr.CodecPrivate) == 0) {
					t.Errorf("audio track %+v", tr)
				}
			}
		case *Block:
			i := slices.Index(rd.Tracks(), e.Track)
			at := (e.Time - e.Track.CodecDelay).Round(time.Microsecond).Seconds()
			ours[i] = append(ours[i], packet{at, e.Key, fmt.Sprintf("%x", md5.Sum(e.Data))})
		}
	}
	if len(ours) != len(theirs) || len(ours) == 0 {
		t.Fatalf("%d tracks with blocks, ffprobe finds %d", len(ours), len(theirs))
	}
	for i, want := range theirs {
		if len(ours[i]) != len(want) {
			t.Errorf("track %d: %d frames, ffprobe finds %d", i, len(ours[i]), len(want))
			continue
		}
		for n, w := range want {
			// The file has milliseconds, to which ffprobe rounds the codec delay too.
			if g := ours[i][n]; g.hash != w.hash || g.key != w.key || math.Abs(g.at-w.at) > 0.0015 {
				t.Fatalf("track %d frame %d: %+v, ffprobe %+v", i, n, g, w)
			}
		}
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &stderr)
	}
	return string(out)
}
