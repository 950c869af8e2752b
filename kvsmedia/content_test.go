package kvsmedia_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// A recording goes up as fast as the service takes it, and waits for it.
func TestBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const budget = 1 << 20
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound(), Block: true, BufferBytes: budget})
		defer s.srv.Close()
		s.srv.Inject(kvsmediatest.Fault{Skip: 20, When: kvsmediatest.Buffering, Do: kvsmediatest.Reset})
		day := clips.Day()
		err := s.Upload(t.Context(), s.note(func(yield func(kvsmedia.Frame) bool) {
			began := time.Now().Add(-time.Hour)
			for n := range 20 * len(day.Frames) {
				f := day.Frames[n%len(day.Frames)]
				f.PTS += time.Duration(n/len(day.Frames)) * day.Length
				f.Time = began.Add(f.PTS)
				if st := s.Stats(); st.Buffered.Bytes > budget {
					t.Errorf("%d bytes are buffered, %d are allowed", st.Buffered.Bytes, budget)
				}
				if !yield(f) {
					return
				}
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		s.all(nil)
	})
}

// An encoder that changes the size of its picture needs a new session.
func TestParametersChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		sub := clips.Sub()
		frames := camera(clips.Day(), 40*time.Second, func(f *kvsmedia.Frame, _ int) bool {
			if at := f.PTS % (20 * time.Second); f.Track == s.tracks[0] && at >= 8*time.Second && at < 14*time.Second {
				i := slices.IndexFunc(sub.Frames, func(g kvsmedia.Frame) bool { return g.PTS >= at })
				f.Data = sub.Frames[i].Data
			}
			return true
		})
		if err := s.Upload(t.Context(), s.note(frames)); err != nil {
			t.Fatal(err)
		}
		s.all(nil)
		if st := s.Stats(); st.Sessions != 5 || st.Resent != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// Frames that are given again, as a pre-roll that reaches back into an earlier
// upload, are stored once; a recording of its own time keeps it.
func TestUploadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		began := time.Now()
		part := func(from, to time.Duration) func(func(kvsmedia.Frame) bool) {
			return func(yield func(kvsmedia.Frame) bool) {
				for _, f := range clips.Day().Frames {
					f.Time = began.Add(f.PTS)
					if f.PTS >= from && f.PTS < to && !yield(f) {
						return
					}
				}
			}
		}
		for _, p := range [][2]time.Duration{{0, 8 * time.Second}, {4 * time.Second, 12 * time.Second}, {16 * time.Second, 20 * time.Second}} {
			if err := s.Upload(t.Context(), part(p[0], p[1])); err != nil {
				t.Fatal(err)
			}
		}
		began = began.Add(-time.Hour) // a recording
		if err := s.Upload(t.Context(), part(0, 4*time.Second)); err != nil {
			t.Fatal(err)
		}
		s.note(part(0, 4*time.Second))(func(kvsmedia.Frame) bool { return true })
		began = began.Add(time.Hour)
		s.note(part(0, 12*time.Second))(func(kvsmedia.Frame) bool { return true })
		s.note(part(16*time.Second, 20*time.Second))(func(kvsmedia.Frame) bool { return true })
		s.all(nil)
		if s.twice != 0 {
			t.Errorf("%d fragments are in the archive twice", s.twice)
		}
	})
}

func TestProducerTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		ok(s.SetTag("site", "door"))
		s.srv.Inject(kvsmediatest.Fault{Skip: 2, When: kvsmediatest.Received, Do: kvsmediatest.Reset}) // tags are sent again as well
		frames := camera(clips.Day(), 7*time.Second, func(f *kvsmedia.Frame, _ int) bool {
			if f.PTS == 5*time.Second && f.Track == s.tracks[0] {
				ok(s.Tag("motion", "person"))
				ok(s.TagImage("front", map[string]string{"event": "7"}))
				ok(s.TagNotification(map[string]string{"who": "cat"}))
				if err := s.Tag("AWSome", ""); err == nil {
					t.Error("a reserved name is taken")
				}
			}
			return true
		})
		ok(s.Upload(t.Context(), s.note(frames)))
		var got []string
		for _, f := range s.fragments() {
			names := []string{}
			for name, value := range f.Tags {
				if !strings.HasSuffix(name, "TIMESTAMP") && !strings.HasSuffix(name, "NUMBER") {
					names = append(names, strings.TrimPrefix(name, "AWS_KINESISVIDEO_")+"="+value)
				}
			}
			slices.Sort(names)
			got = append(got, strings.Join(names, " "))
		}
		want(t, "tags", got, "site=door", "site=door",
			"IMAGE_GENERATION= IMAGE_PREFIX=front NOTIFICATION= event=7 motion=person site=door who=cat", "site=door")
	})
}

// Another producer has the stream: this one waits for its turn.
func TestOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		other, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: s.srv.AWS(), Stream: door, Tracks: []*kvsmedia.Track{find(clips.Day(), "opus")}, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- other.Upload(t.Context(), play(clips.Day(), 30*time.Second)) }()
		time.Sleep(5 * time.Second)
		if err := s.Upload(t.Context(), s.note(play(clips.Day(), 40*time.Second))); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := s.srv.Calls("PutMedia"); n < 3 {
			t.Errorf("%d sessions were asked for, want some refused ones", n)
		}
	})
}
