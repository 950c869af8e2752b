package source

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

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
