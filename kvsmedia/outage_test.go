package kvsmedia_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// Ten hours without network: memory is bounded, the newest is kept, what was
// given up is named, and all else is stored.
func TestLongOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const budget = 1 << 20
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video(), BufferBytes: budget})
		defer s.srv.Close()
		began := time.Now()
		for at, on := range map[time.Duration]bool{time.Minute: true, 10*time.Hour + time.Minute: false} {
			defer time.AfterFunc(at, func() { s.srv.SetOutage(on) }).Stop()
		}
		most, dropped := int64(0), 0
		watch, unwatch := context.WithCancel(t.Context())
		acks := s.Acks(watch)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for a := range acks {
				if a.Type == kvsmedia.AckDropped && errors.Is(a.Err, kvsmedia.ErrBufferFull) {
					dropped++
				}
			}
		}()
		err := s.Upload(t.Context(), func(yield func(kvsmedia.Frame) bool) {
			for f := range s.note(play(slowGOP(4, time.Second), 10*time.Hour+2*time.Minute)) {
				if most = max(most, s.Stats().Buffered.Bytes); !yield(f) {
					return
				}
			}
		})
		unwatch()
		<-done
		var missing *kvsmedia.MissingError
		if !errors.As(err, &missing) || len(missing.Missing) != 1 || !errors.Is(err, kvsmedia.ErrBufferFull) {
			t.Fatal(err)
		}
		m := missing.Missing[0]
		if from, to := m.Start.Sub(began), m.End.Sub(began); from < 50*time.Second || from > time.Minute || to < 9*time.Hour || to > 10*time.Hour+time.Minute {
			t.Errorf("missing is from %v to %v", from, to)
		}
		if most > budget || most < budget/2 {
			t.Errorf("%d bytes were kept, %d are allowed", most, budget)
		}
		if st := s.Stats(); st.Dropped != m.Amount || dropped != m.Fragments || st.Dropped.Frames+st.Stored.Frames != len(s.given) {
			t.Errorf("%d acknowledgements of dropped fragments, %+v", dropped, st)
		}
		s.all(missing)
	})
}

// A pause of the network that the buffer bridges loses nothing, and the upload
// goes on within seconds.
func TestShortOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		defer time.AfterFunc(20*time.Second, func() { s.srv.SetOutage(true) }).Stop()
		defer time.AfterFunc(140*time.Second, func() { s.srv.SetOutage(false) }).Stop()
		defer time.AfterFunc(150*time.Second, func() {
			if st := s.Stats(); !st.Connected || st.Err != nil {
				t.Errorf("ten seconds after the outage: %+v", st)
			}
		}).Stop()
		defer time.AfterFunc(165*time.Second, func() { // 60 fragments wait, five a second are allowed
			if st := s.Stats(); st.BufferedTime > 5*time.Second {
				t.Errorf("25 s after the outage %v are not stored", st.BufferedTime)
			}
		}).Stop()
		if err := s.Upload(t.Context(), s.note(play(clips.Day(), 3*time.Minute))); err != nil {
			t.Fatal(err)
		}
		s.all(nil)
	})
}

// Trouble with the service's disk is as any other: what is not stored is sent
// again.
func TestServiceDiskFails(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{Dir: dir}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		stream, away := filepath.Join(dir, door+".stream"), filepath.Join(dir, "away")
		move := func(from, to string) func() {
			return func() {
				if err := os.Rename(from, to); err != nil {
					t.Error(err)
				}
			}
		}
		defer time.AfterFunc(7*time.Second, move(stream, away)).Stop()
		defer time.AfterFunc(25*time.Second, func() {
			var refused *kvsmedia.RefusedError
			if err := s.Stats().Err; !errors.As(err, &refused) || refused.ID != 5001 {
				t.Errorf("the reason of the trouble is %v", err)
			}
		}).Stop()
		defer time.AfterFunc(30*time.Second, move(away, stream)).Stop()
		if err := s.Upload(t.Context(), s.note(play(clips.Day(), 45*time.Second))); err != nil {
			t.Fatal(err)
		}
		s.all(nil)
	})
}

// fullDisk takes so many bytes.
type fullDisk struct {
	file *os.File
	room int
}

func (d *fullDisk) Write(b []byte) (int, error) {
	n, err := d.file.Write(b[:min(len(b), d.room)])
	if d.room -= n; err == nil && n < len(b) {
		err = &os.PathError{Op: "write", Path: d.file.Name(), Err: syscall.ENOSPC}
	}
	return n, err
}

// A disk that fills up is named as the reason, and what is written stays readable.
func TestFullDisk(t *testing.T) {
	day := clips.Day()
	file, err := os.Create(filepath.Join(t.TempDir(), "clip.mkv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	err = kvsmedia.WriteMKV(&fullDisk{file, 200_000}, slices.Values(day.Frames), day.Tracks[0])
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "clip.mkv") {
		t.Errorf("got %v", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	r := kvsmedia.NewReader(file)
	n := 0
	for f := range r.Frames() {
		for day.Frames[n].Track != day.Tracks[0] {
			n++
		}
		if string(f.Data) != string(day.Frames[n].Data) {
			t.Fatalf("frame %d differs", n)
		}
		n++
	}
	if n < 100 || !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
		t.Errorf("%d frames, %v", n, r.Err())
	}
}

// The clock of the camera is an hour slow, or a minute, and is set in the midst:
// times in the archive are the service's.
func TestClocks(t *testing.T) {
	for name, c := range map[string]struct {
		skew time.Duration // of the service
		set  time.Duration // the clock is set by so much after half a minute
	}{
		"right": {}, "an hour slow": {skew: time.Hour}, "a minute fast": {skew: -time.Minute},
		"set back an hour": {set: -time.Hour}, "set ahead an hour": {set: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
				defer s.srv.Close()
				time.Sleep(2 * time.Minute) // or the stream would be of the future
				s.srv.Skew(c.skew)
				frames := camera(clips.Day(), time.Minute, func(f *kvsmedia.Frame, _ int) bool {
					if f.PTS > 30*time.Second {
						f.Time = f.Time.Add(c.set)
					}
					return true
				})
				if err := s.Upload(t.Context(), s.note(frames)); err != nil {
					t.Fatal(err)
				}
				for i := range s.given { // as it should be in the archive
					f := &s.given[i]
					if f.Time = f.Time.Add(c.skew); f.PTS > 30*time.Second {
						f.Time = f.Time.Add(-c.set)
					}
				}
				fragments := s.fragments()
				for i, f := range fragments {
					if i > 0 && !f.ProducerTime.After(fragments[i-1].ProducerTime) {
						t.Errorf("fragment %d is of %v, the one before of %v", i, f.ProducerTime, fragments[i-1].ProducerTime)
					}
					if late := f.ServerTime.Sub(f.ProducerTime); late.Abs() > 2*time.Second {
						t.Errorf("fragment %d is of %v, the service got it at %v", i, f.ProducerTime, f.ServerTime)
					}
				}
				want := 0
				for _, f := range fragments {
					want += len(f.Frames)
				}
				if want != len(s.given) {
					t.Errorf("%d frames in the archive, want %d", want, len(s.given))
				}
				if c.skew == 0 && c.set <= 0 {
					s.slack = 50 * ms // the timeline approaches the clock by a millisecond a fragment
					s.all(nil)
				}
			})
		})
	}
}

// TestOutageBeyondTheBuffer has an outage that is longer than BufferTime while sessions
// send into nowhere: the oldest is given up and the newest kept, all of it is named, and
// sessions go on within seconds of the outage's end, though frames come without end.
func TestOutageBeyondTheBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wheels := pictureAndSound(nil, nil)
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: tracksOf(wheels), BufferTime: 30 * time.Second})
		defer s.srv.Close()
		const from, to = time.Minute, 3 * time.Minute
		start := time.Now()
		shots := shoot(start, 5*time.Minute, wheels)
		outages := []*time.Timer{time.AfterFunc(from, func() { s.srv.SetOutage(true) }), time.AfterFunc(to, func() { s.srv.SetOutage(false) })}
		var missing *kvsmedia.MissingError
		err := s.Upload(t.Context(), func(yield func(kvsmedia.Frame) bool) {
			for f := range deliver(start, shots) {
				if at := time.Since(start); at > to+20*time.Second && s.Stats().BufferedTime > 5*time.Second {
					t.Fatalf("%v wait at %v", s.Stats().BufferedTime, at)
				}
				if !yield(f) {
					return
				}
			}
		})
		for _, o := range outages {
			o.Stop()
		}
		if !errors.As(err, &missing) {
			t.Fatal(err)
		}
		frames := 0
		for _, m := range missing.Missing {
			frames += m.Frames
			if m.Start.Sub(start) < from-5*time.Second || m.End.Sub(start) > to-20*time.Second {
				t.Errorf("missing from %v to %v: the newest are to be kept", m.Start.Sub(start), m.End.Sub(start))
			}
		}
		if st := s.Stats(); st.UnfitFrames != 0 || st.Stored.Frames+frames != len(shots) {
			t.Errorf("%d frames are missing of %d: %+v", frames, len(shots), st)
		}
	})
}
