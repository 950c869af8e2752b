package kvsmedia_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

var quiet = slog.New(slog.DiscardHandler)

const door = "door"

// studio is a stand-in service with one stream, a producer for it and what the
// producer was given.
type studio struct {
	t   testing.TB
	srv *kvsmediatest.Server
	*kvsmedia.Producer
	aws    aws.Config
	tracks []*kvsmedia.Track
	given  []kvsmedia.Frame
	twice  int           // fragments that the archive has twice
	slack  time.Duration // of times in the archive
}

// newStudio makes a studio inside a bubble of synctest.
func newStudio(t testing.TB, service kvsmediatest.Config, cfg kvsmedia.ProducerConfig) *studio {
	t.Helper()
	s := newService(t, service, cfg.Tracks)
	s.produce(cfg)
	return s
}

func newService(t testing.TB, service kvsmediatest.Config, tracks []*kvsmedia.Track) *studio {
	t.Helper()
	s := &studio{t: t, srv: kvsmediatest.NewPipeServer(service), tracks: tracks}
	if _, err := s.srv.AddStream(door, kvsmediatest.StreamConfig{RetentionHours: 24}); err != nil {
		t.Fatal(err)
	}
	return s
}

// produce makes the producer; it completes cfg.
func (s *studio) produce(cfg kvsmedia.ProducerConfig) {
	s.t.Helper()
	if cfg.Stream, cfg.Tracks = door, s.tracks; cfg.AWS.Credentials == nil {
		cfg.AWS = s.srv.AWS()
	}
	s.aws = cfg.AWS
	if cfg.Logger == nil {
		cfg.Logger = quiet
	}
	var err error
	if s.Producer, err = kvsmedia.NewProducer(cfg); err != nil {
		s.t.Fatal(err)
	}
}

// note passes frames on and remembers those of the producer's tracks.
func (s *studio) note(frames iter.Seq[kvsmedia.Frame]) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		for f := range frames {
			if slices.Contains(s.tracks, f.Track) {
				s.given = append(s.given, f)
			}
			if !yield(f) {
				return
			}
		}
	}
}

// fragments reads the whole archive: each fragment once, in the order of their
// producer timestamps. Those that are there twice must be the same.
func (s *studio) fragments() []*kvsmedia.Fragment {
	s.t.Helper()
	a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: s.aws, Stream: door})
	if err != nil {
		s.t.Fatal(err)
	}
	var infos []kvsmedia.FragmentInfo
	for f, err := range a.ListFragments(context.Background(), kvsmedia.Range{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		infos = append(infos, f)
	}
	slices.SortFunc(infos, func(a, b kvsmedia.FragmentInfo) int {
		return cmp.Or(a.ProducerTime.Compare(b.ProducerTime), cmp.Compare(len(a.Number), len(b.Number)), cmp.Compare(a.Number, b.Number))
	})
	var list []*kvsmedia.Fragment
	for chunk := range slices.Chunk(infos, 1000) {
		var numbers []string
		for _, f := range chunk {
			numbers = append(numbers, f.Number)
		}
		m, err := a.MediaForFragments(context.Background(), numbers...)
		if err != nil {
			s.t.Fatal(err)
		}
		for f := range m.Fragments() {
			if n := len(list); n > 0 && list[n-1].ProducerTime.Equal(f.ProducerTime) {
				s.twice++
				if !slices.EqualFunc(list[n-1].Frames, f.Frames, func(a, b kvsmedia.Frame) bool {
					return a.PTS == b.PTS && a.Track.Name == b.Track.Name && bytes.Equal(a.Data, b.Data)
				}) {
					s.t.Fatalf("two fragments of %v differ", f.ProducerTime)
				}
				continue
			}
			list = append(list, f)
		}
		if err := errors.Join(m.Err(), m.Close()); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(time.Second) // for the quota; in a bubble
	}
	return list
}

// play is a clip in real time for a while.
func play(c *clips.Clip, d time.Duration) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		for f := range clips.Play(ctx, c) {
			if !yield(f) {
				return
			}
		}
	}
}

// all checks that the archive has the frames given, each as it was and once, in
// the order of each track, but for those that are said to be missing.
func (s *studio) all(missing *kvsmedia.MissingError) {
	s.t.Helper()
	fragments := s.fragments()
	left := list(missing)
	for i, track := range s.tracks {
		var got []kvsmedia.Frame
		for _, fr := range fragments {
			for _, f := range fr.Frames {
				if f.Track.Name == track.Name {
					got = append(got, f)
				}
			}
		}
		count := 0
		for _, want := range s.given {
			if want.Track != track {
				continue
			}
			count++
			if len(got) > 0 && got[0].Time.Sub(want.Time).Abs() <= s.slack+2*ms && bytes.Equal(got[0].Data, want.Data) {
				got = got[1:]
				continue
			}
			if !slices.ContainsFunc(left, func(m kvsmedia.Missing) bool {
				return !want.Time.Before(m.Start.Add(-ms)) && !want.Time.After(m.End.Add(ms))
			}) {
				s.t.Fatalf("track %d: frame %d, of %v, is not in the archive, and not said to be missing", i, count, want.Time)
			}
		}
		if len(got) > 0 {
			s.t.Fatalf("track %d: the archive has %d more frames than were given, the first of %v", i, len(got), got[0].Time)
		}
	}
}

func list(m *kvsmedia.MissingError) []kvsmedia.Missing {
	if m == nil {
		return nil
	}
	return m.Missing
}

func TestUpload(t *testing.T) {
	day := clips.Day()
	for name, tracks := range map[string][]*kvsmedia.Track{
		"video":           {find(day, "main")},
		"video and sound": {find(day, "main"), find(day, "aac")},
		"sound first":     {find(day, "opus"), find(day, "main")},
		"sound alone":     {find(day, "aac")},
		"three":           {find(day, "main"), find(day, "aac"), find(day, "opus")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: tracks})
				defer s.srv.Close()
				if err := s.Upload(t.Context(), s.note(play(day, 65*time.Second))); err != nil {
					t.Fatal(err)
				}
				s.all(nil)
				if n := s.srv.Calls("PutMedia"); n != 1 {
					t.Errorf("%d sessions, want 1", n)
				}
				st := s.Stats()
				if st.Buffered.Fragments != 0 || st.Stored.Frames != len(s.given) || st.Resent != 0 {
					t.Errorf("stats: %+v", st)
				}
			})
		})
	}
}
