package kvsmedia_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// lipSync is what sound and picture may differ.
const lipSync = 80 * ms

// refusals returns the error acknowledgements that the service sent.
func (s *studio) refusals() (list []kvsmediatest.Event) {
	for _, e := range s.srv.Events() {
		if e.Name == "ERROR" {
			list = append(list, e)
		}
	}
	return list
}

// TestRealClocks uploads what cameras whose clocks differ deliver: the archive has all
// frames, at the times of their capture, and the service refuses nothing.
func TestRealClocks(t *testing.T) {
	sound := find(testmedia.Day(), "aac")
	for name, c := range map[string]struct {
		clip   *testmedia.Clip
		tracks []*kvsmedia.Track
		length time.Duration
		edit   func(f *kvsmedia.Frame, n int)
		slack  time.Duration
		most   int // sessions
	}{
		"key frames a second apart, the first capture time late": {
			slowGOP(25, 40*ms), video(), time.Minute,
			func(f *kvsmedia.Frame, n int) {
				if n == 0 {
					f.Time = f.Time.Add(150 * ms)
				}
			}, 152 * ms, 1,
		},
		"the picture leaps an hour, sound 7 s ahead": {
			testmedia.Day(), videoAndSound(), time.Minute,
			func(f *kvsmedia.Frame, _ int) {
				switch at := f.PTS; {
				case f.Track == sound:
					f.PTS += 7 * time.Second
				case at >= 20*time.Second:
					f.PTS += time.Hour
				}
			}, 40 * ms, 1,
		},
		"sound 0.5 s behind": {
			testmedia.Day(), videoAndSound(), time.Minute,
			func(f *kvsmedia.Frame, _ int) {
				if f.Track == sound {
					f.PTS -= 500 * ms
				}
			}, 10 * ms, 1,
		},
		"sound 0.1 % slow": {
			testmedia.Day(), videoAndSound(), time.Hour,
			func(f *kvsmedia.Frame, _ int) {
				if f.Track == sound {
					f.PTS -= f.PTS / 1000
				}
			}, 40 * ms, 3, // it is longer than one
		},
		"both tracks begin again": {
			testmedia.Day(), videoAndSound(), time.Minute,
			func(f *kvsmedia.Frame, _ int) {
				if f.PTS >= 20*time.Second {
					f.PTS -= 20 * time.Second
				}
			}, 40 * ms, 1,
		},
		"PTS wraps, each track at another moment": {
			testmedia.Day(), videoAndSound(), time.Minute,
			func(f *kvsmedia.Frame, _ int) {
				const wrap = (1 << 32) * time.Second / 90_000
				before := 20 * time.Second
				if f.Track == sound {
					before = 31 * time.Second
				}
				f.PTS = (f.PTS + wrap - before) % wrap
			}, 40 * ms, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if race && c.length > 10*time.Minute {
				c.length = 10 * time.Minute
			}
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: c.tracks})
				defer s.srv.Close()
				s.slack = c.slack
				frames := camera(c.clip, c.length, func(f *kvsmedia.Frame, n int) bool {
					c.edit(f, n)
					return true
				})
				if err := s.Upload(t.Context(), s.note(frames)); err != nil {
					t.Fatal(err)
				}
				s.all(nil)
				if st := s.Stats(); st.Sessions > c.most || st.Resent != 0 || st.UnfitFrames != 0 {
					t.Errorf("%+v", st)
				}
				for _, e := range s.refusals() {
					t.Error(e)
				}
			})
		})
	}
}

// TestUnaligned has sound that nothing says the moment of: it is left out, with one
// warning, and the picture is stored.
func TestUnaligned(t *testing.T) {
	for name, wrong := range map[string]func(*kvsmedia.Frame){
		"no Time": func(f *kvsmedia.Frame) { f.Time = time.Time{} },
		"of 1970": func(f *kvsmedia.Frame) { f.Time = time.Unix(0, int64(f.PTS)) },
		"of 2300": func(f *kvsmedia.Frame) { f.Time = f.Time.AddDate(300, 0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{
					Tracks: videoAndSound(), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
				})
				defer s.srv.Close()
				sounds := 0
				frames := camera(testmedia.Day(), 30*time.Second, func(f *kvsmedia.Frame, _ int) bool {
					if f.Track == s.tracks[1] {
						sounds++
						f.PTS += 20 * time.Second
						wrong(f)
					}
					return true
				})
				if err := s.Upload(t.Context(), s.note(frames)); err != nil {
					t.Fatal(err)
				}
				if st := s.Stats(); st.UnfitFrames < sounds-50 || st.Stored.Frames < len(s.given)-sounds {
					t.Errorf("%d frames, %d of them sound: %+v", len(s.given), sounds, st)
				}
				s.tracks = s.tracks[:1]
				s.all(nil)
				if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "cannot be aligned") || !strings.Contains(log.String(), "track=aac") {
					t.Errorf("logged: %s", log.String())
				}
			})
		})
	}
}

// TestNothingStored has frames come of which none can be stored.
func TestNothingStored(t *testing.T) {
	adts := func(f *kvsmedia.Frame) {
		f.Data = append([]byte{0xff, 0xf1, 0x4c, 0x80, byte((len(f.Data) + 7) >> 3), byte(len(f.Data)+7)<<5 | 0x1f, 0xfc}, f.Data...)
	}
	copied := *find(testmedia.Day(), "main")
	other := slowGOP(2, time.Second).Frames[1] // no key frame
	for name, c := range map[string]struct {
		tracks  []*kvsmedia.Track
		edit    func(*kvsmedia.Frame)
		foreign bool
		says    string
	}{
		"other pointers":   {[]*kvsmedia.Track{&copied}, func(*kvsmedia.Frame) {}, true, "the very Tracks that the frames point to"},
		"ADTS":             {[]*kvsmedia.Track{find(testmedia.Day(), "aac")}, adts, false, "ADTS"},
		"no key frame":     {video(), func(f *kvsmedia.Frame) { f.Data = other.Data }, false, "no key frame"},
		"PTS of 200 years": {video(), func(f *kvsmedia.Frame) { f.PTS += 200 * 365 * 24 * time.Hour }, false, "out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: c.tracks})
				defer s.srv.Close()
				count := 0
				err := s.Upload(t.Context(), camera(testmedia.Day(), 5*time.Second, func(f *kvsmedia.Frame, _ int) bool {
					if c.foreign || f.Track == c.tracks[0] {
						count++
						c.edit(f)
						return true
					}
					return false
				}))
				var nothing *kvsmedia.NothingStoredError
				if !errors.As(err, &nothing) || nothing.Frames != count || (nothing.Foreign == count) != c.foreign ||
					!strings.Contains(err.Error(), c.says) {
					t.Errorf("after %d frames: %v", count, err)
				}
				if err := s.Upload(t.Context(), func(func(kvsmedia.Frame) bool) {}); err != nil {
					t.Errorf("without frames: %v", err)
				}
			})
		})
	}
}
