package kvsmedia_test

import (
	"bytes"
	"cmp"
	"iter"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
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
	sound := find(clips.Day(), "aac")
	for name, c := range map[string]struct {
		clip   *clips.Clip
		tracks []*kvsmedia.Track
		length time.Duration
		edit   func(f *kvsmedia.Frame, n int)
		slack  time.Duration
		most   int // sessions; one more than needed may send a last picture whose sound never comes
	}{
		"key frames a second apart, the first capture time late": {
			slowGOP(25, 40*ms), video(), time.Minute,
			func(f *kvsmedia.Frame, n int) {
				if n == 0 {
					f.Time = f.Time.Add(150 * ms)
				}
			}, 152 * ms, 2,
		},
		"the picture leaps an hour, sound 7 s ahead": {
			clips.Day(), videoAndSound(), time.Minute - 500*ms,
			func(f *kvsmedia.Frame, _ int) {
				switch at := f.PTS; {
				case f.Track == sound:
					f.PTS += 7 * time.Second
				case at >= 20*time.Second:
					f.PTS += time.Hour
				}
			}, 40 * ms, 2,
		},
		"sound 0.5 s behind": {
			clips.Day(), videoAndSound(), time.Minute - 500*ms,
			func(f *kvsmedia.Frame, _ int) {
				if f.Track == sound {
					f.PTS -= 500 * ms
				}
			}, 10 * ms, 2,
		},
		"sound 0.1 % slow": {
			clips.Day(), videoAndSound(), time.Hour - 500*ms,
			func(f *kvsmedia.Frame, _ int) {
				if f.Track == sound {
					f.PTS -= f.PTS / 1000
				}
			}, 40 * ms, 2, // it is longer than one
		},
		"both tracks begin again": {
			clips.Day(), videoAndSound(), time.Minute - 500*ms,
			func(f *kvsmedia.Frame, _ int) {
				if f.PTS >= 20*time.Second {
					f.PTS -= 20 * time.Second
				}
			}, 40 * ms, 2,
		},
		"PTS wraps, each track at another moment": {
			clips.Day(), videoAndSound(), time.Minute - 500*ms,
			func(f *kvsmedia.Frame, _ int) {
				const wrap = (1 << 32) * time.Second / 90_000
				before := 20 * time.Second
				if f.Track == sound {
					before = 31 * time.Second
				}
				f.PTS = (f.PTS + wrap - before) % wrap
			}, 40 * ms, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if (race || testing.Short()) && c.length > 10*time.Minute {
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
				frames := camera(clips.Day(), 30*time.Second, func(f *kvsmedia.Frame, _ int) bool {
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

// moment is when something happens to a clock, and by how much.
type moment struct{ at, by time.Duration }

// clockwork is the clock of one track, as a seed draws it: see internal/fragment for the
// same without a producer.
type clockwork struct {
	offset, late, wrap time.Duration
	slow               float64
	leaps, stalls      []moment
}

func drawClock(r *rand.Rand, length time.Duration) (c clockwork) {
	some := func(most int, by func() time.Duration) (list []moment) {
		for range r.IntN(most + 1) {
			list = append(list, moment{10*time.Second + time.Duration(r.Int64N(int64(length-20*time.Second))), by()})
		}
		return list
	}
	c.offset = time.Duration(r.Int64N(int64(20*time.Hour))) - 10*time.Hour
	c.late = time.Duration(r.Int64N(int64(300 * ms)))
	c.slow = []float64{0, 1e-3, -1e-3, 5e-3}[r.IntN(4)]
	c.leaps = some(3, func() time.Duration {
		return []time.Duration{-30 * time.Hour, -7 * time.Second, 7 * time.Second, time.Hour}[r.IntN(4)]
	})
	c.stalls = some(10, func() time.Duration { return time.Duration(r.Int64N(int64(1500 * ms))) })
	if r.IntN(2) == 0 {
		c.wrap = (1 << 32) * time.Second / 90_000
	}
	return c
}

// pts returns what the clock shows.
func (c *clockwork) pts(at, leapt time.Duration) time.Duration {
	pts := c.offset + at - time.Duration(c.slow*float64(at))
	for _, l := range c.leaps {
		if leapt >= l.at {
			pts += l.by
		}
	}
	if c.wrap > 0 {
		pts = (pts%c.wrap + c.wrap) % c.wrap
	}
	return pts
}

// arrives returns when a frame comes.
func (c *clockwork) arrives(at time.Duration) time.Duration {
	at += c.late
	for _, s := range c.stalls {
		if at >= s.at && at < s.at+s.by {
			at = s.at + s.by
		}
	}
	return at
}

// TestDrawnClocks uploads tracks of clocks that seeds draw.
func TestDrawnClocks(t *testing.T) {
	seeds, length := uint64(20), 10*time.Minute
	if testing.Short() || race {
		seeds, length = 4, 3*time.Minute
	}
	for seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 1))
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
				defer s.srv.Close()
				s.slack = lipSync
				if err := s.Upload(t.Context(), s.note(drawn(r, s.tracks, length))); err != nil {
					t.Fatal(err)
				}
				s.all(nil)
				if st := s.Stats(); st.Sessions > 2 || st.Resent != 0 {
					t.Errorf("%+v", st)
				}
				for _, e := range s.refusals() {
					t.Error(e)
				}
			})
		})
	}
}

// drawn plays picture and sound by clocks of their own, the picture in groups of a drawn
// length and with a drawn order.
func drawn(r *rand.Rand, tracks []*kvsmedia.Track, length time.Duration) iter.Seq[kvsmedia.Frame] {
	type shot struct {
		kvsmedia.Frame
		arrives time.Duration
	}
	var shots []shot
	start := time.Now()
	every := []time.Duration{40 * ms, 66 * ms, 100 * ms}[r.IntN(3)]
	gop := []int{1, 8, 25, 50, 250}[r.IntN(5)]
	group, sounds := slowGOP(2, every).Frames, slices.DeleteFunc(slices.Clone(clips.Day().Frames), func(f kvsmedia.Frame) bool { return f.Track != tracks[1] })
	b := gop > 4 && r.IntN(2) == 0
	for i, clock := range []clockwork{drawClock(r, length), drawClock(r, length)} {
		step := every
		if i == 1 {
			step = sounds[1].PTS
		}
		for n := range int(length / step) {
			f, shown, restart := group[min(n%gop, 1)], n, time.Duration(n-n%gop)*step
			if in := n % gop; b && in > 0 && (in-1)/3*3+3 < gop { // I P B B
				shown += []int{2, -1, -1}[(in-1)%3]
			}
			if i == 1 {
				f, shown, restart = sounds[n%len(sounds)], n, time.Duration(n)*step
			}
			at := time.Duration(shown) * step
			f.PTS, f.Time = clock.pts(at, restart), start.Add(at)
			shots = append(shots, shot{f, clock.arrives(time.Duration(n+2) * step)})
		}
	}
	slices.SortStableFunc(shots, func(a, b shot) int { return cmp.Compare(a.arrives, b.arrives) })
	return func(yield func(kvsmedia.Frame) bool) {
		for _, f := range shots {
			time.Sleep(time.Until(start.Add(f.arrives)))
			if !yield(f.Frame) {
				return
			}
		}
	}
}
