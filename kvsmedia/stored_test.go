package kvsmedia_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// shelved cuts count fragments of d each out of a clip, which begins at a time; keys are
// name and a number.
func shelved(c *clips.Clip, name string, at time.Time, d time.Duration, count int) (list []kvsmedia.Stored) {
	for i := range count {
		from := time.Duration(i) * d
		var frames []kvsmedia.Frame
		for _, f := range c.Frames {
			if f.PTS >= from && f.PTS < from+d {
				frames = append(frames, f)
			}
		}
		slices.SortStableFunc(frames, func(a, b kvsmedia.Frame) int { return int(a.PTS - b.PTS) })
		list = append(list, kvsmedia.Stored{Key: fmt.Sprintf("%s%d", name, i), Time: at.Add(frames[0].PTS), Frames: readable(frames...)})
	}
	return list
}

func readable(frames ...kvsmedia.Frame) iter.Seq2[kvsmedia.Frame, error] {
	return func(yield func(kvsmedia.Frame, error) bool) {
		for _, f := range frames {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// receipts uploads fragments and returns their receipts; the upload must end without an error.
func (s *studio) receipts(fragments iter.Seq[kvsmedia.Stored]) (list []kvsmedia.Receipt) {
	s.t.Helper()
	for r, err := range s.UploadStored(s.t.Context(), fragments) {
		if err != nil {
			s.t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// keys returns the keys of receipts, with an exclamation mark behind those of failures.
func keys(list []kvsmedia.Receipt) string {
	var b strings.Builder
	for _, r := range list {
		b.WriteString(" " + r.Key)
		if r.Err != nil {
			b.WriteString("!")
		}
	}
	return strings.TrimSpace(b.String())
}

// at is a time with a fraction of a millisecond, which counts no more.
func at() time.Time { return time.Now().Add(-30*time.Hour + 300*time.Microsecond) }

// Fragments are stored as they are, in one session, at exactly their times, whatever the
// service's clock says.
func TestUploadStored(t *testing.T) {
	for name, skew := range map[string]time.Duration{"clock right": 0, "clock wrong": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
				defer s.srv.Close()
				s.srv.Skew(skew)
				given := shelved(clips.Day(), "f", at(), 2*time.Second, 9)
				given[3].Tags = kvsmedia.Tags{"clip": "7"}
				got := s.receipts(slices.Values(given))
				if k := keys(got); k != "f0 f1 f2 f3 f4 f5 f6 f7 f8" {
					t.Fatalf("receipts: %s", k)
				}
				stored := s.fragments()
				infos := s.srv.Fragments(door)
				for i, f := range stored {
					r, st := got[i], given[i]
					if !f.ProducerTime.Equal(st.Time.Truncate(ms)) || !r.Time.Equal(f.ProducerTime) || r.Number != f.Number || r.Run != got[0].Number {
						t.Errorf("fragment %d of %v: stored at %v; receipt %+v", i, st.Time, f.ProducerTime, r)
					}
					if r.Length != infos[i].Length {
						t.Errorf("fragment %d has %v, according to the service %v", i, r.Length, infos[i].Length)
					}
					var first time.Duration
					n := 0
					for want, err := range st.Frames {
						if err != nil {
							t.Fatal(err)
						}
						if !slices.ContainsFunc(s.tracks, func(t *kvsmedia.Track) bool { return t == want.Track }) {
							continue
						}
						if n == 0 {
							first = want.PTS
						}
						have := f.Frames[n]
						if d := have.Time.Sub(st.Time.Add(want.PTS - first)); d.Abs() > ms/2+300*time.Microsecond || !bytes.Equal(have.Data, want.Data) {
							t.Fatalf("frame %d of fragment %d is %v off", n, i, d)
						}
						n++
					}
					if n != len(f.Frames) {
						t.Errorf("fragment %d has %d frames, %d were given", i, len(f.Frames), n)
					}
				}
				if stored[3].Tags["clip"] != "7" || stored[4].Tags["clip"] != "" {
					t.Errorf("tags: %v, %v", stored[3].Tags, stored[4].Tags)
				}
				if st := s.Stats(); st.Stored.Fragments != 9 || st.Buffered.Fragments != 0 || st.Resent != 0 || skew == 0 && st.Sessions != 1 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// A plan with nothing to do leaves nothing waiting: the last fragment is stored within
// seconds, the session ends, and another one begins with the next fragment.
func TestStoredPlanPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		var yielded atomic.Int64
		late := 0
		plan := func(yield func(kvsmedia.Stored) bool) {
			for i, f := range shelved(clips.Day(), "f", at(), 2*time.Second, 6) {
				if i%2 == 0 {
					time.Sleep(3 * time.Hour)
					if st := s.Stats(); st.Connected || st.Stored.Fragments != i {
						t.Errorf("after a pause: %+v", st)
					}
				}
				if yielded.Store(time.Now().UnixNano()); !yield(f) {
					return
				}
			}
			time.Sleep(time.Hour)
		}
		for r, err := range s.UploadStored(t.Context(), plan) {
			if err != nil || r.Err != nil {
				t.Fatal(err, r.Err)
			}
			if time.Since(time.Unix(0, yielded.Load())) > 4*time.Second {
				late++
			}
		}
		if st := s.Stats(); late > 0 || st.Sessions != 3 || st.Err != nil || st.Resent != 0 {
			t.Errorf("%d receipts were late; %+v", late, st)
		}
		for _, e := range s.srv.Events() {
			if e.Name == "ERROR" || e.Name == "Disconnected" && e.Detail != "" {
				t.Error(e)
			}
		}
	})
}

// What is not later than the fragment before, on any track, and what has other tracks or
// parameter sets, takes a new session; nothing else does, and the service refuses nothing.
func TestStoredSessions(t *testing.T) {
	day := clips.Day()
	three := []*kvsmedia.Track{find(day, "main"), find(day, "aac")}
	for name, c := range map[string]struct {
		change func([]kvsmedia.Stored)
		want   int
	}{
		"in order":  {func([]kvsmedia.Stored) {}, 1},
		"gap":       {func(f []kvsmedia.Stored) { f[3].Time = f[3].Time.Add(24 * time.Hour) }, 1},
		"backwards": {func(f []kvsmedia.Stored) { slices.Reverse(f) }, 4},
		"same time": {func(f []kvsmedia.Stored) { f[1].Time = f[0].Time }, 2},
		"overlap":   {func(f []kvsmedia.Stored) { f[1].Time = f[1].Time.Add(-50 * ms) }, 2},
		"no sound":  {func(f []kvsmedia.Stored) { f[1].Frames = only(f[1].Frames, three[0]) }, 3},
		"short":     {func(f []kvsmedia.Stored) { f[1].Frames = head(f[1].Frames, 10) }, 1},
		"short, and another soon": {func(f []kvsmedia.Stored) {
			f[1].Frames = head(f[1].Frames, 10)
			f[2].Time = f[1].Time.Add(900 * ms)
		}, 1},
		"short last": {func(f []kvsmedia.Stored) { f[3].Frames = head(f[3].Frames, 10) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: three})
				defer s.srv.Close()
				given := shelved(day, "f", at(), 2*time.Second, 4)
				c.change(given)
				for i, r := range s.receipts(slices.Values(given)) {
					if r.Err != nil || r.Key != given[i].Key {
						t.Errorf("%+v", r)
					}
				}
				if st := s.Stats(); st.Sessions != c.want || st.Resent != 0 || st.Stored.Fragments != 4 {
					t.Errorf("%d sessions, want %d; %+v", st.Sessions, c.want, st)
				}
				for _, e := range s.srv.Events() {
					if e.Name == "ERROR" {
						t.Error(e)
					}
				}
			})
		})
	}
}

func only(frames iter.Seq2[kvsmedia.Frame, error], track *kvsmedia.Track) iter.Seq2[kvsmedia.Frame, error] {
	return func(yield func(kvsmedia.Frame, error) bool) {
		for f, err := range frames {
			if f.Track == track && !yield(f, err) {
				return
			}
		}
	}
}

func head(frames iter.Seq2[kvsmedia.Frame, error], n int) iter.Seq2[kvsmedia.Frame, error] {
	return func(yield func(kvsmedia.Frame, error) bool) {
		for f, err := range frames {
			if n--; n < 0 || !yield(f, err) {
				return
			}
		}
	}
}

// Sessions are renewed before the service ends them, between two fragments.
func TestStoredSessionsRoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		day := shelved(clips.Day(), "f", time.Time{}, 2*time.Second, 1)[0]
		plan := func(yield func(kvsmedia.Stored) bool) {
			for range 1800 {
				time.Sleep(4 * time.Second)
				f := day
				if f.Time = time.Now(); !yield(f) {
					return
				}
			}
		}
		list := s.receipts(plan)
		st := s.Stats()
		if len(list) != 1800 || st.Stored.Fragments != 1800 || st.Sessions != 3 && st.Sessions != 4 || st.Resent != 0 {
			t.Errorf("%d receipts, %+v", len(list), st)
		}
		if i := slices.IndexFunc(list, func(r kvsmedia.Receipt) bool { return r.Run != list[0].Number }); i >= 0 {
			t.Errorf("fragment %d is in another run", i)
		}
	})
}

// The second upload at a time is told, of whichever kind.
func TestErrUploading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		ctx, cancel := context.WithCancel(t.Context())
		try := func() {
			if err := s.Upload(t.Context(), slices.Values(clips.Day().Frames)); !errors.Is(err, kvsmedia.ErrUploading) {
				t.Error(err)
			}
			for _, err := range s.UploadStored(t.Context(), nil) {
				if !errors.Is(err, kvsmedia.ErrUploading) {
					t.Error(err)
				}
			}
		}
		for _, err := range s.UploadStored(ctx, func(func(kvsmedia.Stored) bool) { try(); cancel() }) {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		tried := false
		err := s.Upload(t.Context(), func(yield func(kvsmedia.Frame) bool) {
			try()
			tried = true
		})
		if err != nil || !tried {
			t.Error(err)
		}
	})
}
