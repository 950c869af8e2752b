package source

import (
	"bytes"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestAnnexBFile(t *testing.T) {
	aus := pictures(30)
	path := write(t, "in.h264", annexB(aus))
	for spec, fps := range map[string]float64{path: 25, path + "?fps=29.97": 29.97} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			s, frames := collect(t, spec, 75)
			samePictures(t, frames, aus)
			for i, f := range frames {
				want := time.Duration(float64(i) / fps * float64(time.Second))
				if math.Abs(float64(f.PTS-want)) > 10 {
					t.Fatalf("picture %d at %v, want %v", i, f.PTS, want)
				}
			}
			if took := time.Since(start); took != frames[74].PTS {
				t.Errorf("took %v", took)
			}
			if tr := s.Tracks(); len(tr) != 1 || tr[0] != frames[0].Track || tr[0].Codec != kvsmedia.H264 || tr[0].Name != "main" {
				t.Errorf("tracks %v", tr)
			}
			if s.SetNight(true) == nil || s.Chime() == nil {
				t.Error("a file has a night and a chime")
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, spec := range []string{
		"nonsense", "in.avi", "nowhere.h264", "nowhere.mp4", "nowhere.mkv",
		write(t, "bad.h264", []byte("not Annex B at all")),
		write(t, "bad.h265", annexB(pictures(3))),
		write(t, "late.h264", annexB(pictures(9)[1:])),
		write(t, "bad.mp4", []byte("\x00\x00\x00\x00ftyp")),
		write(t, "empty.mp4", nil),
		"in.h264?fps=0", "in.h264?fps=NaN", "in.h264?fps=x",
		"rtsp://%zz",
	} {
		if s, err := Open(t.Context(), spec, nil); err == nil {
			t.Errorf("%q: opened, tracks %v", spec, s.Tracks())
		}
	}
}

// B-frames without timestamps cannot be right, which is said once.
func TestAnnexBReordered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.h264")
	testtools.FFmpeg(t, "-f lavfi -i testsrc=rate=25:duration=1:size=320x240 -pix_fmt yuv420p -c:v libx264 -bf 3", path)
	var log bytes.Buffer
	s, err := Open(t.Context(), path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range s.Frames(t.Context()) {
		if n++; n == 25 {
			break
		}
	}
	if strings.Count(log.String(), "has B-frames") != 1 {
		t.Errorf("%d frames, %s", n, log.String())
	}
}

// What cannot be decoded is left out up to the next key frame, counted, and said.
func TestDamagedAnnexB(t *testing.T) {
	aus := clipUnits(clips.Sub())
	again := slices.Clone(aus[0])
	half := slices.Clone(aus[3]) // a slice that does not begin a picture
	half[len(half)-1] = append([]byte{half[len(half)-1][0], 0x5a}, half[len(half)-1][2:]...)
	var log bytes.Buffer
	var frames []kvsmedia.Frame
	in := append(append(slices.Clone(aus[:3]), half), aus[4:]...)
	in = append(append(in, again), aus[1:]...)
	track := &kvsmedia.Track{Codec: kvsmedia.H264}
	if err := eachPicture(bytes.NewReader(annexB(in)), track, slog.New(slog.NewTextHandler(&log, nil)), &pictureTroubles{}, func(f kvsmedia.Frame) bool {
		frames = append(frames, f)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	key := slices.IndexFunc(frames, func(f kvsmedia.Frame) bool { return f.Skipped > 0 })
	if key < 2 || !frames[key].Key || frames[key].Skipped < 26 || len(frames) != key+len(aus) || strings.Count(log.String(), "\n") > 1 {
		t.Errorf("%d frames, the first after the damage is %d, %s", len(frames), key, log.String())
	}
	log.Reset()
	var bare [][][]byte
	for range keyless + 9 {
		bare = append(bare, aus[1])
	}
	if err := eachPicture(bytes.NewReader(annexB(bare)), track, slog.New(slog.NewTextHandler(&log, nil)), &pictureTroubles{}, func(kvsmedia.Frame) bool {
		t.Error("a picture that cannot be decoded")
		return false
	}); err != nil || strings.Count(log.String(), "IDR") != 1 {
		t.Errorf("%v, %s", err, log.String())
	}
}
