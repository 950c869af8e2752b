package kvsmedia_test

import (
	"bytes"
	"cmp"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// wheel is one track of a camera, and what its clocks do.
type wheel struct {
	*kvsmedia.Track
	step time.Duration                          // from frame to frame
	gop  int                                    // frames from key to key
	turn func(s *shot, at time.Duration, n int) // changes frame n, of the time at
}

// shot is a frame that is numbered in its data.
type shot struct {
	kvsmedia.Frame
	n       int
	taken   time.Duration
	arrives time.Duration
	absent  bool
}

var smallKey = testmedia.NewNoise().Next().Data[:64]

// shoot returns what the tracks have, in the order of arrival.
func shoot(start time.Time, length time.Duration, wheels []wheel) (all []shot) {
	for _, w := range wheels {
		for n := range int(length / w.step) {
			at := time.Duration(n) * w.step
			s := shot{Frame: kvsmedia.Frame{Track: w.Track, PTS: at, Time: start.Add(at)}, n: n, taken: at, arrives: at}
			number := []byte{0x80 | byte(n>>14), 0x80 | byte(n>>7), 0x80 | byte(n)} // no start code
			switch {
			case !w.Codec.Video():
				s.Data = append([]byte{0x78}, number...)
			case n%w.gop == 0:
				s.Data = append(bytes.Clone(smallKey), number...)
			default:
				s.Data = bitstream.AppendAnnexB(nil, [][]byte{append(testmedia.SliceHead(false, true, n%w.gop), number...)})
			}
			if w.turn != nil {
				w.turn(&s, at, n)
			}
			if !s.absent {
				all = append(all, s)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b shot) int { return cmp.Compare(a.arrives, b.arrives) })
	return all
}

// oddClocks is what clocks of cameras do, beyond what TestRealClocks draws.
var oddClocks = map[string]struct {
	length         time.Duration
	picture, sound func(s *shot, at time.Duration, n int)
	slack          time.Duration // of times in the archive
	early          time.Duration // how long before they may be anything
	sessions       int
}{
	"1970 until NTP answers": {2 * time.Minute, since1970, since1970, 20 * ms, time.Minute + 15*time.Second, 1},
	"PTS stands still while the camera pauses": {
		time.Hour + time.Minute, sleeps(true), sleeps(true), 0, 0, 2,
	},
	"PTS goes on while the camera pauses": {time.Hour + time.Minute, sleeps(false), sleeps(false), 0, 0, 2},
}

func since1970(s *shot, at time.Duration, _ int) {
	if at < time.Minute {
		s.Time = time.Unix(10, 0).Add(at)
	}
}

// sleeps leaves out what is between half a minute and an hour.
func sleeps(still bool) func(s *shot, at time.Duration, n int) {
	return func(s *shot, at time.Duration, _ int) {
		s.absent = at > 30*time.Second && at <= time.Hour
		if still && at > time.Hour {
			s.PTS -= time.Hour - 30*time.Second
		}
	}
}

// pictureAndSound is a picture at 5 a second and sound whose clocks do as told.
func pictureAndSound(picture, sound func(s *shot, at time.Duration, n int)) []wheel {
	return []wheel{
		{&kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}, 200 * ms, 10, picture},
		{&kvsmedia.Track{Codec: kvsmedia.Opus, Name: "sound"}, 40 * ms, 1, sound},
	}
}

func tracksOf(wheels []wheel) (list []*kvsmedia.Track) {
	for _, w := range wheels {
		list = append(list, w.Track)
	}
	return list
}

// deliver has the frames come when they arrive.
func deliver(start time.Time, shots []shot) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		for _, shot := range shots {
			time.Sleep(time.Until(start.Add(shot.arrives)))
			if !yield(shot.Frame) {
				return
			}
		}
	}
}

// TestSoundWithPauses has sound that is there for three seconds and away for three:
// what there is no place for is counted, and said once; no picture is lost, and
// sessions are few.
func TestSoundWithPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		wheels := pictureAndSound(nil, func(s *shot, at time.Duration, _ int) { s.absent = at/(3*time.Second)%2 > 0 })
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{
			Tracks: tracksOf(wheels), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
		defer s.srv.Close()
		const length = 5 * time.Minute
		shots := shoot(time.Now(), length, wheels)
		if err := s.Upload(t.Context(), deliver(time.Now(), shots)); err != nil {
			t.Fatal(err)
		}
		pictures := 0
		for _, f := range s.fragments() {
			for _, f := range f.Frames {
				if f.Track.Name == "main" {
					pictures++
				}
			}
		}
		st := s.Stats()
		if want := int(length / wheels[0].step); pictures != want || st.Stored.Frames+st.UnfitFrames != len(shots) || st.Sessions > 60 {
			t.Errorf("%d of %d pictures, %d of %d frames: %+v", pictures, want, st.Stored.Frames, len(shots), st)
		}
		if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "leave out Opus") || !strings.Contains(log.String(), "track=sound") || !strings.Contains(log.String(), "began without its track") {
			t.Errorf("logged: %s", &log)
		}
	})
}

// TestOddClocks uploads picture and sound of such cameras: all is stored, in order and
// at its time.
func TestOddClocks(t *testing.T) {
	for name, c := range oddClocks {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wheels := pictureAndSound(c.picture, c.sound)
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: tracksOf(wheels)})
				defer s.srv.Close()
				start := time.Now()
				shots := shoot(start, c.length, wheels)
				if err := s.Upload(t.Context(), deliver(start, shots)); err != nil {
					t.Fatal(err)
				}
				stored := s.fragments()
				for _, w := range wheels {
					left := slices.DeleteFunc(slices.Clone(shots), func(s shot) bool { return s.Track != w.Track })
					for _, f := range stored {
						for _, f := range f.Frames {
							switch {
							case f.Track.Name != w.Name:
								continue
							case len(left) == 0 || !bytes.Equal(f.Data, left[0].Data):
								t.Fatalf("%s: a frame is lost or in another order before %v", w.Name, f.Time)
							}
							if off := f.Time.Sub(start.Add(left[0].taken)); left[0].taken >= c.early && off.Abs() > c.slack+ms {
								t.Fatalf("%s: the frame of %v is off by %v", w.Name, left[0].taken, off)
							}
							left = left[1:]
						}
					}
					if len(left) > 0 {
						t.Errorf("%s: %d frames are lost, the first of %v", w.Name, len(left), left[0].taken)
					}
				}
				if st := s.Stats(); st.Sessions > c.sessions || st.Resent > 0 {
					t.Errorf("%+v", st)
				}
				for _, e := range s.refusals() {
					t.Error(e)
				}
			})
		})
	}
}
