package kvsmedia_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// camera plays a clip in a bubble as a camera would that does what edit says:
// edit may change a frame, return false to leave it out, and sleep.
func camera(c *clips.Clip, d time.Duration, edit func(f *kvsmedia.Frame, n int) bool) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		n := 0
		for f := range play(c, d) {
			if edit(&f, n) && !yield(f) {
				return
			}
			n++
		}
	}
}

// lengths returns how long the fragments are, from one to the next; the last one
// to its last frame.
func lengths(fragments []*kvsmedia.Fragment) (d []time.Duration) {
	for i, f := range fragments {
		end := f.Frames[len(f.Frames)-1].Time
		if i+1 < len(fragments) {
			end = fragments[i+1].ProducerTime
		}
		d = append(d, end.Sub(f.ProducerTime))
	}
	return d
}

func video() []*kvsmedia.Track { return []*kvsmedia.Track{find(clips.Day(), "main")} }

func videoAndSound() []*kvsmedia.Track { return append(video(), find(clips.Day(), "aac")) }

// gop returns video with one key frame in n pictures, ten of them a second, the
// others the same small picture.
func gop(n int) *clips.Clip { return slowGOP(n, 100*ms) }

// slowGOP is gop with another time from picture to picture.
func slowGOP(n int, every time.Duration) *clips.Clip {
	day := clips.Day()
	c := &clips.Clip{Tracks: video(), Length: 60 * time.Second}
	key, other := day.Frames[0], day.Frames[0]
	for _, f := range day.Frames {
		if f.Track == key.Track && !f.Key {
			other = f
			break
		}
	}
	for i := range int(c.Length / every) {
		f := other
		if i%n == 0 {
			f = key
		}
		f.PTS = time.Duration(i) * every
		c.Frames = append(c.Frames, f)
	}
	return c
}

// Whatever the encoder's key frame interval, the service takes the fragments.
func TestFragmentLengths(t *testing.T) {
	for name, c := range map[string]struct {
		pictures int // from key frame to key frame, at 10 a second
		min, max time.Duration
	}{
		"all key frames": {1, time.Second, time.Second},
		"0.3 s":          {3, time.Second, 2 * time.Second},
		"1 s":            {10, time.Second, time.Second},
		"5 s":            {50, 5 * time.Second, 5 * time.Second},
		"30 s":           {300, time.Second, 20 * time.Second},
		"60 s":           {600, time.Second, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
				defer s.srv.Close()
				if err := s.Upload(t.Context(), s.note(play(gop(c.pictures), 3*time.Minute))); err != nil {
					t.Fatal(err)
				}
				s.all(nil)
				d := lengths(s.fragments())
				if got := slices.Min(d[:len(d)-1]); got < c.min {
					t.Errorf("the shortest fragment has %v, want at least %v", got, c.min)
				}
				if got := slices.Max(d); got > c.max {
					t.Errorf("the longest fragment has %v, want at most %v", got, c.max)
				}
				if n := s.srv.Calls("PutMedia"); n != 1 {
					t.Errorf("%d sessions, want 1", n)
				}
			})
		})
	}
}

// Sound that stops does not hold up the picture, and is taken up again.
func TestSoundStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		frames := camera(clips.Day(), 2*time.Minute, func(f *kvsmedia.Frame, _ int) bool {
			at := f.PTS % (40 * time.Second)
			return f.Track != s.tracks[1] || at < 15*time.Second+300*ms || at >= 29*time.Second
		})
		if err := s.Upload(t.Context(), s.note(frames)); err != nil {
			t.Fatal(err)
		}
		var got, want [2]int
		for _, fr := range s.fragments() {
			for _, f := range fr.Frames {
				got[slices.IndexFunc(s.tracks, func(tr *kvsmedia.Track) bool { return tr.Name == f.Track.Name })]++
			}
		}
		for _, f := range s.given {
			want[slices.Index(s.tracks, f.Track)]++
		}
		// Sound that comes back has a place from the next key frame on.
		lost := want[1] - got[1]
		if got[0] != want[0] || lost > 3*2*50 {
			t.Errorf("%d of %d pictures and %d of %d packets of sound are in the archive", got[0], want[0], got[1], want[1])
		}
		if st := s.Stats(); st.UnfitFrames != lost || st.Resent != 0 {
			t.Errorf("%+v", st)
		}
		for _, e := range s.srv.Events() {
			if e.Name == "ERROR" {
				t.Error(e)
			}
		}
	})
}

// A camera that pauses, with its picture or as a whole, gives up no frame.
func TestPause(t *testing.T) {
	for _, long := range []time.Duration{3 * time.Second, 12 * time.Second, time.Hour} {
		t.Run(long.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
				defer s.srv.Close()
				frames := func(yield func(kvsmedia.Frame) bool) {
					began, shift := time.Now(), time.Duration(0)
					for n, f := range clips.Day().Frames {
						if n%300 == 299 {
							time.Sleep(long)
							if st := s.Stats(); long > 10*time.Second && st.Buffered.Fragments != 0 {
								t.Errorf("in a pause of %v, %+v is not stored", long, st.Buffered)
							}
						}
						if n == 0 || n%300 == 299 {
							shift = time.Since(began) - f.PTS
						}
						f.PTS += shift
						f.Time = began.Add(f.PTS)
						time.Sleep(time.Until(f.Time))
						if !yield(f) {
							return
						}
					}
				}
				if err := s.Upload(t.Context(), s.note(frames)); err != nil {
					t.Fatal(err)
				}
				s.all(nil)
				for _, e := range s.srv.Events() {
					if e.Name == "ERROR" {
						t.Error(e)
					}
				}
				if st := s.Stats(); st.Resent != 0 || st.UnfitFrames != 0 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// Stopping and starting again.
func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 31*time.Second+500*ms)
		defer cancel()
		err := s.Upload(ctx, s.note(clips.Play(ctx, clips.Day())))
		var missing *kvsmedia.MissingError
		if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &missing) {
			t.Fatalf("%v, want the context's error alone", err)
		}
		s.all(nil)
	})
}
