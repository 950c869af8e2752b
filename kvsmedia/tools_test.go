package kvsmedia_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// run returns the standard output of a program that has nothing to complain of.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v\n%s%s", cmd, err, &stderr, out)
	}
	return string(out)
}

func save(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// streams are what the Muxer writes of each codec.
func streams(t *testing.T) map[string][]byte {
	day, hevc := clips.Day(), clips.HEVC()
	main := find(day, "main")
	timed := slices.Clone(day.Frames)
	for i := range timed {
		timed[i].Time = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC).Add(timed[i].PTS)
	}
	g711 := func(c kvsmedia.Codec) []byte {
		tr := &kvsmedia.Track{Codec: c, Name: "sound"}
		var frames []kvsmedia.Frame
		for _, f := range day.Frames {
			if f.Track.Codec == kvsmedia.Opus { // of 20 ms as well
				f.Track, f.Data = tr, bytes.Repeat([]byte{0xd5, 0x55, 0x80, 0x00}, 40)
			}
			frames = append(frames, f)
		}
		return mux(t, true, frames, main, tr)
	}
	bareAAC, bareOpus := *find(day, "aac"), *find(day, "opus")
	bareAAC.Private, bareOpus.Private = nil, nil
	bare := slices.Clone(day.Frames)
	for i, f := range bare {
		switch f.Track {
		case find(day, "aac"):
			bare[i].Track = &bareAAC
		case find(day, "opus"):
			bare[i].Track = &bareOpus
		}
	}
	var tagged bytes.Buffer
	m := kvsmedia.NewMuxer(&tagged, main)
	if err := m.SetTag("site", "door"); err != nil {
		t.Fatal(err)
	}
	for _, f := range day.Frames {
		if f.Track == main {
			if err := m.WriteFrame(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := m.EndFragment(); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"h264 aac":      mux(t, true, timed, main, find(day, "aac")),
		"h264 opus":     mux(t, true, timed, main, find(day, "opus")),
		"h264 absolute": mux(t, false, timed, main, find(day, "aac")),
		"bare audio":    mux(t, true, bare, main, &bareAAC, &bareOpus),
		"tagged":        tagged.Bytes(),
		"h265":          mux(t, true, hevc.Frames, hevc.Tracks...),
		"pcmu":          g711(kvsmedia.PCMU),
		"pcma":          g711(kvsmedia.PCMA),
	}
}

// ffprobe finds what was written, and no fault; so does ffmpeg's decoder.
func TestFFprobe(t *testing.T) {
	ffmpeg, ffprobe := testtools.Need(t, "ffmpeg"), testtools.Need(t, "ffprobe")
	codecs := map[string]string{
		"h264 aac": "h264 aac", "h264 opus": "h264 opus", "h264 absolute": "h264 aac", "bare audio": "h264 aac opus",
		"tagged": "h264", "h265": "hevc", "pcmu": "h264 pcm_mulaw", "pcma": "h264 pcm_alaw",
	}
	for name, b := range streams(t) {
		t.Run(name, func(t *testing.T) {
			file := save(t, "a.mkv", b)
			var found struct {
				Streams []struct {
					Codec   string `json:"codec_name"`
					Width   int
					Rate    string `json:"sample_rate"`
					Packets string `json:"nb_read_packets"`
				}
				Packets []struct {
					Stream int `json:"stream_index"`
					Size   string
				}
			}
			out := run(t, ffprobe, "-v", "warning", "-show_streams", "-count_packets", "-of", "json", file)
			if err := json.Unmarshal([]byte(out), &found); err != nil {
				t.Fatal(err)
			}
			var list []string
			total := 0
			for _, s := range found.Streams {
				list = append(list, s.Codec)
				var n int
				if _, err := fmt.Sscan(s.Packets, &n); err != nil {
					t.Error(err)
				}
				total += n
				if s.Codec == "h264" && s.Width != 640 || s.Codec == "aac" && s.Rate != "32000" || strings.HasPrefix(s.Codec, "pcm") && s.Rate != "8000" {
					t.Errorf("%+v", s)
				}
			}
			if got := strings.Join(list, " "); got != codecs[name] || total != len(read(t, b)) {
				t.Errorf("%s with %d packets, want %s with %d", got, total, codecs[name], len(read(t, b)))
			}
			run(t, ffmpeg, "-v", "error", "-xerror", "-i", file, "-f", "null", "-")
		})
	}
}

func TestMkvinfo(t *testing.T) {
	mkvinfo := testtools.Need(t, "mkvinfo")
	for name, b := range streams(t) {
		out := run(t, mkvinfo, "-v", "-v", "-v", save(t, "a.mkv", b))
		if strings.Contains(strings.ToLower(out), "warn") || strings.Contains(strings.ToLower(out), "error") || strings.Contains(out, "Unknown element") {
			t.Errorf("%s:\n%s", name, out)
		}
		if n := strings.Count(out, "+ Simple block"); n != len(read(t, b)) {
			t.Errorf("%s: %d blocks, want %d", name, n, len(read(t, b)))
		}
	}
}

// mkvmerge, which is strict, takes a stream over frame by frame.
func TestMkvmerge(t *testing.T) {
	mkvmerge := testtools.Need(t, "mkvmerge")
	for name, b := range streams(t) {
		if name == "h264 absolute" {
			continue // it counts the years before
		}
		out := filepath.Join(t.TempDir(), "b.mkv")
		if text := run(t, mkvmerge, "-o", out, save(t, "a.mkv", b)); strings.Contains(strings.ToLower(text), "warn") {
			t.Errorf("%s:\n%s", name, text)
		}
		merged, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(read(t, merged)), len(read(t, b)); got != want {
			t.Errorf("%s: %d frames became %d", name, want, got)
		}
	}
}

// Muxed frames decode to the very pictures and samples of the source, whatever
// way they went in.
func TestDecode(t *testing.T) {
	ffmpeg := testtools.Need(t, "ffmpeg")
	hashes := func(file, stream string) []string {
		var list []string
		for _, line := range strings.Split(run(t, ffmpeg, "-v", "error", "-i", file, "-map", "0:"+stream, "-fps_mode", "passthrough", "-f", "framemd5", "-"), "\n") {
			if fields := strings.Split(line, ","); len(fields) == 6 && line[0] != '#' {
				list = append(list, strings.TrimSpace(fields[5]))
			}
		}
		return list
	}
	day, hevc := clips.Day(), clips.HEVC()
	for _, c := range []*clips.Clip{day, hevc} {
		var source []byte
		for _, f := range c.Frames {
			if f.Track == c.Tracks[0] {
				source = append(source, f.Data...)
			}
		}
		name := map[kvsmedia.Codec]string{kvsmedia.H264: "a.h264", kvsmedia.H265: "a.h265"}[c.Tracks[0].Codec]
		want := hashes(save(t, name, source), "v")
		track, frames := prefixed(t, c, 4)
		for how, b := range map[string][]byte{"Annex B": mux(t, false, c.Frames, c.Tracks...), "length-prefixed": mux(t, true, frames, track)} {
			if got := hashes(save(t, "a.mkv", b), "v"); !slices.Equal(got, want) || len(got) != len(frames) {
				t.Errorf("%s, %s: %d pictures decode, want %d", name, how, len(got), len(want))
			}
		}
	}
	var adts []byte // the source of the sound, in the form of a file
	for _, f := range day.Frames {
		if f.Track.Codec == kvsmedia.AAC {
			n := len(f.Data) + 7
			adts = append(adts, 0xff, 0xf1, 1<<6|5<<2, 1<<6|byte(n>>11), byte(n>>3), byte(n<<5)|0x1f, 0xfc)
			adts = append(adts, f.Data...)
		}
	}
	want := hashes(save(t, "a.aac", adts), "a")
	if got := hashes(save(t, "a.mkv", mux(t, true, day.Frames, day.Tracks...)), "a:1"); !slices.Equal(got, want) || len(got) != 625 {
		t.Errorf("%d blocks of samples decode, want %d", len(got), len(want))
	}
}

// A stream that changes its parameter sets, and so has two documents, plays to
// its end.
func TestDocumentsPlay(t *testing.T) {
	ffmpeg := testtools.Need(t, "ffmpeg")
	day, sub := clips.Day(), clips.Sub()
	track := &kvsmedia.Track{Codec: kvsmedia.H264}
	var frames []kvsmedia.Frame
	for i, c := range []*clips.Clip{day, sub} {
		for _, f := range c.Frames {
			if f.Track == c.Tracks[0] {
				f.Track, f.PTS = track, f.PTS+time.Duration(i)*day.Length
				frames = append(frames, f)
			}
		}
	}
	file := save(t, "a.mkv", mux(t, true, frames, track))
	// ffmpeg says that it did not expect the second one, at level error, and goes on.
	out := run(t, ffmpeg, "-v", "fatal", "-i", file, "-fps_mode", "passthrough", "-f", "framemd5", "-")
	if n := strings.Count(out, "\n0,"); n != 600 {
		t.Errorf("%d pictures, want 600", n)
	}
}

// Files of other programs read as the frames that they were made of.
func TestForeignFiles(t *testing.T) {
	ffmpeg, mkvmerge := testtools.Need(t, "ffmpeg"), testtools.Need(t, "mkvmerge")
	day := clips.Day()
	source := save(t, "a.mkv", mux(t, true, day.Frames, day.Tracks...))
	dir := t.TempDir()
	files := map[string][]string{
		filepath.Join(dir, "ffmpeg.mkv"):   {ffmpeg, "-v", "error", "-i", source, "-map", "0", "-c", "copy"},
		filepath.Join(dir, "live.mkv"):     {ffmpeg, "-v", "error", "-i", source, "-map", "0", "-c", "copy", "-live", "1"},
		filepath.Join(dir, "mkvmerge.mkv"): {mkvmerge, "-q", source, "-o"},
	}
	for file, cmd := range files {
		run(t, cmd[0], append(cmd[1:], file)...)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		byTrack := map[kvsmedia.Codec][]kvsmedia.Frame{}
		for _, f := range read(t, b) {
			byTrack[f.Track.Codec] = append(byTrack[f.Track.Codec], f)
		}
		for _, tr := range day.Tracks {
			i := 0
			for _, w := range day.Frames {
				if w.Track != tr {
					continue
				}
				if i >= len(byTrack[tr.Codec]) {
					break
				}
				g := byTrack[tr.Codec][i]
				if !bytes.Equal(g.Data, w.Data) || g.Key != w.Key || (g.PTS-w.PTS).Abs() > 8*ms { // ffmpeg -live does not add the codec delay
					t.Fatalf("%s: %v frame %d: %d bytes at %v, want %d at %v", filepath.Base(file), tr.Codec, i, len(g.Data), g.PTS, len(w.Data), w.PTS)
				}
				i++
			}
			if n := len(byTrack[tr.Codec]); i != n || n < 300 {
				t.Errorf("%s: %d frames of %v", filepath.Base(file), n, tr.Codec)
			}
		}
	}
}
