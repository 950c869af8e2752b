package kvsmedia_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
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

// When ctx ends, each fragment that was taken has a receipt, at once; a sequence that does
// not end with ctx is waited for, but behind the error.
func TestStoredEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{Timing: kvsmediatest.Timing{Persist: 5 * time.Second}}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		why := errors.New("shut down")
		ctx, cancel := context.WithCancelCause(t.Context())
		var taken atomic.Int64
		release := make(chan struct{})
		plan := func(yield func(kvsmedia.Stored) bool) {
			for _, f := range shelved(clips.Day(), "f", at(), 2*time.Second, 10) {
				if taken.Load() == 8 {
					cancel(why)
					<-release
				}
				if taken.Add(1); !yield(f) {
					return
				}
				time.Sleep(time.Second)
			}
		}
		stored, failed, ended := 0, 0, false
		for r, err := range s.UploadStored(ctx, plan) {
			switch {
			case err != nil && errors.Is(err, why):
				ended = true
				close(release) // the loop is over, though the sequence is not
			case err != nil:
				t.Error(err)
			case errors.Is(r.Err, why) && r.Key != "" && !r.Time.IsZero():
				failed++
			case r.Err != nil:
				t.Error(r.Err)
			default:
				stored++
			}
		}
		if !ended || stored == 0 || failed == 0 || stored+failed != 8 {
			t.Errorf("ended %v, %d stored, %d failed of 8 that were taken", ended, stored, failed)
		}
		if st := s.Stats(); st.Connected || st.Buffered.Fragments != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// A permanent refusal ends the loop with its error, behind the receipts.
func TestStoredPermanentError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		s.srv.Refuse("DescribeStream", -1, kvsmediatest.Error{Status: 404, Name: "ResourceNotFoundException"})
		var got []string
		for r, err := range s.UploadStored(t.Context(), slices.Values(shelved(clips.Day(), "f", at(), 2*time.Second, 3))) {
			if e := cmp.Or(err, r.Err); e == nil || !strings.Contains(e.Error(), "ProducerConfig.Create") {
				t.Errorf("%+v, %v", r, err)
			}
			got = append(got, r.Key)
		}
		if !slices.Equal(got, []string{"f0", ""}) {
			t.Errorf("receipts and error: %q", got)
		}
	})
}

// A loop that is left, and panics wherever they come from, leave nothing behind; the
// producer can be used again.
func TestStoredLoopIsLeft(t *testing.T) {
	list := shelved(clips.Day(), "f", at(), 2*time.Second, 5)
	sick := func(n int, at func()) iter.Seq[kvsmedia.Stored] {
		return func(yield func(kvsmedia.Stored) bool) {
			for i, f := range list {
				if i == n {
					at()
				}
				if !yield(f) {
					return
				}
			}
		}
	}
	for name, c := range map[string]struct {
		fragments iter.Seq[kvsmedia.Stored]
		body      func(n int) bool
		want      any
		least     int
	}{
		"break":           {slices.Values(list), func(n int) bool { return n < 2 }, nil, 2},
		"body panics":     {slices.Values(list), func(n int) bool { panic("body") }, "body", 1},
		"sequence panics": {sick(3, func() { panic("plan") }), func(int) bool { return true }, "plan", 3},
		"frames panic": {slices.Values([]kvsmedia.Stored{list[0], {Key: "bad", Time: at(), Frames: func(func(kvsmedia.Frame, error) bool) { panic("card") }}}),
			func(int) bool { return true }, "card", 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
				defer s.srv.Close()
				n := 0
				func() {
					defer func() {
						if got := recover(); got != c.want {
							t.Errorf("panic: %v, want %v", got, c.want)
						}
					}()
					for _, err := range s.UploadStored(t.Context(), c.fragments) {
						if n++; err != nil {
							t.Error(err)
						} else if !c.body(n) {
							break
						}
					}
				}()
				if n < c.least {
					t.Errorf("%d receipts, want at least %d", n, c.least)
				}
				if k := keys(s.receipts(slices.Values(list))); k != "f0 f1 f2 f3 f4" {
					t.Errorf("again: %s", k)
				}
			})
		})
	}
}

// A test's FailNow in the sequence ends the test, not the program.
func TestStoredSequenceExits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		done, passed := make(chan struct{}), false
		go func() {
			defer close(done)
			for r, err := range s.UploadStored(t.Context(), func(func(kvsmedia.Stored) bool) { runtime.Goexit() }) {
				t.Error(r, err)
			}
			passed = true
		}()
		if <-done; passed {
			t.Error("the loop's goroutine goes on")
		}
	})
}

// A slow loop loses no receipt, and holds back the fragments instead.
func TestStoredSlowLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		var taken atomic.Int64
		seen := 0
		one := shelved(clips.Day(), "f", at(), 2*time.Second, 1)[0]
		plan := func(yield func(kvsmedia.Stored) bool) {
			for i := range 200 {
				f := one
				f.Key, f.Time = fmt.Sprint(i), f.Time.Add(time.Duration(i)*2*time.Second)
				if taken.Add(1); !yield(f) {
					return
				}
			}
		}
		for r, err := range s.UploadStored(t.Context(), plan) {
			if err != nil || r.Err != nil || r.Key != fmt.Sprint(seen) {
				t.Fatalf("%+v, %v", r, err)
			}
			seen++
			time.Sleep(20 * time.Second)
			if ahead := int(taken.Load()) - seen; ahead > 20 {
				t.Fatalf("%d fragments were taken ahead", ahead)
			}
		}
		if seen != 200 || s.Stats().Resent != 0 {
			t.Errorf("%d receipts; %+v", seen, s.Stats())
		}
	})
}

// Memory is bounded by BufferBytes, and so is what is taken before the service has what
// was taken before.
func TestStoredMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const budget = 1 << 20
		s := newStudio(t, kvsmediatest.Config{Timing: kvsmediatest.Timing{Persist: 6 * time.Second}, Limits: kvsmediatest.Limits{UploadBytes: 400_000}},
			kvsmedia.ProducerConfig{Tracks: video(), BufferBytes: budget})
		defer s.srv.Close()
		most, unsent := int64(0), 0
		taken := 0
		one := shelved(clips.Day(), "f", at(), 2*time.Second, 1)[0]
		var list []kvsmedia.Frame
		for f, err := range one.Frames {
			if err == nil && f.Track == s.tracks[0] {
				list = append(list, f)
			}
		}
		one.Frames = readable(swell(300_000)(list)...)
		plan := func(yield func(kvsmedia.Stored) bool) {
			for i := range 30 {
				st := s.Stats()
				most = max(most, st.Buffered.Bytes)
				received := 0
				for _, e := range s.srv.Events() {
					if e.Name == "RECEIVED" {
						received++
					}
				}
				unsent = max(unsent, taken-received)
				f := one
				f.Time = f.Time.Add(time.Duration(i) * time.Minute)
				if taken++; !yield(f) {
					return
				}
			}
		}
		if k := s.receipts(plan); len(k) != 30 {
			t.Errorf("%d receipts", len(k))
		}
		if most > budget || most < budget/2 || unsent > 1 {
			t.Errorf("%d bytes were kept, %d fragments not received when the next was asked for", most, unsent)
		}
	})
}

// Where the network swallows more than the service gets, no more than two fragments are on
// their way.
func TestStoredAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		s.srv.Inject(kvsmediatest.Fault{When: kvsmediatest.Buffering, Do: kvsmediatest.SlowAcks, Delay: 3 * time.Second})
		most := 0
		got := s.receipts(func(yield func(kvsmedia.Stored) bool) {
			for i, f := range shelved(clips.Day(), "f", at(), 2*time.Second, 10) {
				most = max(most, i-s.Stats().Received.Count)
				if !yield(f) {
					return
				}
			}
		})
		if k := keys(got); most != 1 || k != "f0 f1 f2 f3 f4 f5 f6 f7 f8 f9" || s.Stats().Resent != 0 {
			t.Errorf("up to %d fragments were not received when the next was asked for; %s, %+v", most, k, s.Stats())
		}
	})
}
