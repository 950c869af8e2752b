package segment_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func movie(t testing.TB, ended bool, parts ...segment.Part) []byte {
	t.Helper()
	r, err := segment.MP4(ended, parts...)
	if err != nil {
		t.Fatal(err)
	}
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	seek(t, r, 0, io.SeekStart)
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != size {
		t.Fatalf("%d bytes of %d, %v", len(b), size, err)
	}
	return b
}

func seek(t testing.TB, s io.Seeker, at int64, whence int) {
	t.Helper()
	if _, err := s.Seek(at, whence); err != nil {
		t.Fatal(err)
	}
}

// tool runs a program over a file of b, and fails on any complaint.
func tool(t *testing.T, b []byte, as, name string, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), as)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		if args[i] == "FILE" {
			args[i] = file
		}
	}
	cmd := exec.CommandContext(t.Context(), testtools.Need(t, name), args...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		t.Fatalf("%s %s: %v\n%s", name, as, err, complaints.String())
	}
	return out.String()
}

// media returns the hashes of all packets by track, as ffmpeg reads them.
func media(t *testing.T, b []byte, as string) string {
	t.Helper()
	var hashes [8]strings.Builder
	out := tool(t, b, as, "ffmpeg", "-v", "error", "-xerror", "-i", "FILE", "-map", "0", "-c", "copy", "-f", "framemd5", "-")
	for line := range strings.Lines(out) {
		if f := strings.Split(strings.TrimSpace(line), ","); len(f) >= 6 && !strings.HasPrefix(line, "#") {
			fmt.Fprintln(&hashes[f[0][0]-'0'], strings.TrimSpace(f[4]), strings.TrimSpace(f[5]))
		}
	}
	var all strings.Builder
	for i := range hashes {
		all.WriteString(hashes[i].String() + "\n")
	}
	return all.String()
}

// Files play as plain Matroska and as MP4, and both have the same frames.
func TestPlayers(t *testing.T) {
	for name, fs := range sets() {
		t.Run(name, func(t *testing.T) {
			m, c := write(t, segment.Header{}, fs, tracksOf(fs)...)
			mkv := media(t, m.b, "a.mkv")
			if n := strings.Count(mkv, "\n"); n < len(fs) {
				t.Fatalf("%d packets of %d", n, len(fs))
			}
			tool(t, m.b, "b.mkv", "ffmpeg", "-v", "error", "-xerror", "-i", "FILE", "-f", "null", "-")
			for _, ended := range []bool{false, true} {
				b := movie(t, ended, whole(m, c))
				if got := media(t, b, "a.mp4"); got != mkv {
					t.Errorf("ended %v: MP4 has other frames\n%.300s\n%.300s", ended, got, mkv)
				}
				tool(t, b, "b.mp4", "ffmpeg", "-v", "error", "-xerror", "-i", "FILE", "-f", "null", "-")
			}
		})
	}
}

// An ended file tells its length, and a player goes to a moment of it.
func TestMP4Ended(t *testing.T) {
	day := clips.Day()
	fs := film(day, 20*time.Second, day.Tracks[0], day.Tracks[2])
	m, c := write(t, segment.Header{}, fs, day.Tracks[0], day.Tracks[2])
	b := movie(t, true, whole(m, c))
	got := strings.TrimSpace(tool(t, b, "a.mp4", "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", "FILE"))
	if !strings.HasPrefix(got, "20.0") && !strings.HasPrefix(got, "19.9") {
		t.Errorf("duration %s", got)
	}
	tool(t, b, "b.mp4", "ffmpeg", "-v", "error", "-xerror", "-ss", "11", "-i", "FILE", "-frames:v", "1", "-f", "null", "-")
}

// What is read of a clip that grows stays, and any range is the same bytes.
func TestMP4Ranges(t *testing.T) {
	day := clips.Day()
	fs := film(day, 30*time.Second, day.Tracks[0], day.Tracks[2])
	m, c := write(t, segment.Header{}, fs, day.Tracks[0], day.Tracks[2])
	p := whole(m, c)
	all := movie(t, false, p)
	for p.To--; p.To >= 0; p.To-- {
		if b := movie(t, false, p); !bytes.HasPrefix(all, b) {
			t.Errorf("of %d clusters: %d bytes are not the beginning", p.To+1, len(b))
		}
	}
	r, _ := segment.MP4(false, whole(m, c))
	for range 200 {
		at := rand.IntN(len(all))
		got := make([]byte, rand.IntN(min(200_000, len(all)-at)+1))
		seek(t, r, int64(at), io.SeekStart)
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, all[at:at+len(got)]) {
			t.Fatalf("%d bytes at %d: %v", len(got), at, err)
		}
	}
	if n, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("seeked to", n)
	}
	seek(t, r, 5, io.SeekEnd)
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
}

// Parts of different parameter sets play as one ended file; what grows ends before another codec.
func TestMP4Parts(t *testing.T) {
	day, sub, hevc := clips.Day(), clips.Sub(), clips.HEVC()
	first := film(day, 4*time.Second, day.Tracks[0])
	second := film(sub, 4*time.Second, sub.Tracks[0])
	m1, c1 := write(t, segment.Header{}, first, day.Tracks[0])
	m2, c2 := write(t, segment.Header{}, second, sub.Tracks[0])
	p1, p2 := whole(m1, c1), whole(m2, c2)
	p2.Base += 4000
	b := movie(t, true, p1, p2)
	want := len(first) + len(second)
	if n := strings.Count(media(t, b, "a.mp4"), "\n"); n < want {
		t.Errorf("%d frames of %d", n, want)
	}
	sizes := tool(t, b, "b.mp4", "ffprobe", "-v", "error", "-show_entries", "frame=width", "-of", "csv=p=0", "FILE")
	if n := len(strings.Fields(sizes)); n != want || strings.Fields(sizes)[0] == strings.Fields(sizes)[n-1] {
		t.Errorf("%d pictures decoded of %d", n, want)
	}
	grows := movie(t, false, p1, p2)
	if n, one := bytes.Count(b, []byte("avcC")), bytes.Count(grows, []byte("avcC")); n != 2 || one != 1 {
		t.Errorf("%d sample entries once ended, %d before", n, one)
	}
	if b := movie(t, false, p1); !bytes.HasPrefix(grows, b) || len(grows) == len(b) {
		t.Errorf("a part with other parameter sets changes what was read")
	}
	other := film(hevc, 2*time.Second, hevc.Tracks[0])
	m3, c3 := write(t, segment.Header{}, other, hevc.Tracks[0])
	p3 := whole(m3, c3)
	p3.Base += 8000
	if b := movie(t, false, p1, p2, p3); !bytes.Equal(b, grows) {
		t.Error("a part with another codec is in what grows")
	}
	var back []kvsmedia.Frame
	if back = read(t, p1, p2); len(back) != want || back[len(first)].PTS != 4*time.Second {
		t.Errorf("%d frames, the second part at %v", len(back), back[len(first)].PTS)
	}
}
