package recorder_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// whole checks that a clip of the tiny film is complete: from its pre-roll to its
// post-roll, each picture once.
func (u *upload) whole(id recorder.ClipID, event time.Time) {
	u.t.Helper()
	c := u.clip(id)
	readable(u.t, u.Recorder, c)
	if c.Start.After(event.Add(-4500*time.Millisecond)) || c.End.Before(event.Add(9500*time.Millisecond)) || len(c.Missing) > 0 {
		u.t.Errorf("event at %v: %+v", event, c)
	}
}

// offline is a recorder without uploader.
func offline(c *recorder.Config) { c.Uploader = nil }

// state waits until the storage is in a state: within 30 seconds.
func (u *upload) state(want recorder.Storage) recorder.Status {
	u.t.Helper()
	for range 30 {
		if st := u.Status(); st.Storage == want {
			return st
		}
		time.Sleep(time.Second)
	}
	u.t.Fatalf("not %v within 30 s: %+v", want, u.Status())
	return recorder.Status{}
}

// TestCardStates has each trouble of a card: its state, and what is recorded once it is
// over.
func TestCardStates(t *testing.T) {
	cards := map[string]struct {
		state recorder.Storage
		begin func(*storagetest.FS) (end func())
	}{
		"missing": {recorder.StorageMissing, func(f *storagetest.FS) func() {
			f.SetVolume(storage.Volume{ID: "root", Root: true})
			f.Break("WriteAt", storage.ErrGone) // what was mounted is no longer
			return func() { f.SetVolume(storage.Volume{ID: "card"}); f.Break("WriteAt", nil) }
		}},
		"ejected": {recorder.StorageGone, func(f *storagetest.FS) func() {
			f.Eject()
			return nil
		}},
		"read-only": {recorder.StorageReadOnly, func(f *storagetest.FS) func() {
			f.ReadOnly(true)
			return func() { f.ReadOnly(false) }
		}},
		"full": {recorder.StorageFull, func(f *storagetest.FS) func() {
			f.SetFree(1 << 20)
			return func() { f.SetFree(900 << 20) }
		}},
		"failing": {recorder.StorageFailing, func(f *storagetest.FS) func() {
			f.Break("Sync", syscall.EIO)
			return func() { f.Break("Sync", nil) }
		}},
		"slow": {recorder.StorageSlow, func(f *storagetest.FS) func() {
			f.Delay("Sync", 3*time.Second)
			return func() { f.Delay("Sync", 0) }
		}},
		"stuck": {recorder.StorageStuck, func(f *storagetest.FS) func() {
			return f.Stall("Sync")
		}},
	}
	for name, trouble := range cards {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, offline)
				defer u.close()
				u.record()
				time.Sleep(20 * time.Second)
				at := time.Now()
				first := u.trigger("before")
				time.Sleep(20 * time.Second)
				u.whole(first, at)
				end := trouble.begin(u.card)
				during := time.Now()
				id := u.trigger("during")
				st := u.state(trouble.state)
				if !trouble.state.Records() && st.Err == nil {
					t.Errorf("%+v", st)
				}
				if end == nil {
					return
				}
				time.Sleep(5 * time.Second)
				end()
				time.Sleep(30 * time.Second)
				if st := u.Status(); !st.Storage.Records() || st.Losing || st.LostFrames > 0 {
					t.Errorf("afterwards: %+v", st)
				}
				after := time.Now()
				last := u.trigger("after")
				time.Sleep(20 * time.Second)
				u.whole(last, after)
				u.whole(id, during) // under the ID that Trigger gave, and nothing is lost
				if c := u.clip(id); c.Reason != recorder.EndOfEvent || len(u.all()) != 3 && name != "full" {
					t.Errorf("%+v", u.all())
				}
			})
		})
	}
}

// TestOtherCard exchanges the card, and puts the first one back.
func TestOtherCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		first := u.trigger("first")
		time.Sleep(20 * time.Second)
		other := storagetest.New(storagetest.FAT, 1<<30)
		u.card.Insert(other)
		u.state(recorder.StorageOther)
		at := time.Now()
		second := u.trigger("second")
		time.Sleep(20 * time.Second)
		u.whole(second, at)
		if _, err := u.Clip(first); !errors.Is(err, recorder.ErrNoClip) {
			t.Error("the first card's clip is still known:", err)
		}
	})
}

// TestStuckForEver ends Run within its bound while a write never returns.
func TestStuckForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.srv.Close()
		u.record()
		time.Sleep(20 * time.Second)
		release := u.card.Stall("WriteAt")
		defer release()
		u.trigger("motion")
		u.state(recorder.StorageStuck)
		if err := u.Protect("01M8P570G009A9K9736VMHHTWJ", true); !errors.Is(err, recorder.ErrStuck) {
			t.Error(err)
		}
		start := time.Now()
		u.cancel()
		u.works.Wait()
		if took := time.Since(start); took > 6*time.Second || !errors.Is(u.err, recorder.ErrStuck) {
			t.Errorf("Run returned after %v: %v", took, u.err)
		}
	})
}

// TestTwoRecorders has two on one directory: the second one is told.
func TestTwoRecorders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newUpload(t, offline), newUpload(t, offline)
		defer a.close()
		b.card = a.card
		a.record()
		time.Sleep(2 * time.Second)
		b.record()
		defer b.close()
		if st := b.state(recorder.StorageInUse); st.Err == nil {
			t.Errorf("%+v", st)
		}
		a.studio.close()
		b.state(recorder.StorageReady)
	})
}

// TestSilentSource has an event while no frame comes, and one while no key frame does.
func TestSilentSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lines
		u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.Logger = nil, slog.New(slog.NewTextHandler(&log, nil)) })
		defer u.close()
		u.film.silent = true
		u.record()
		id := u.trigger("motion")
		time.Sleep(8 * time.Second)
		if st := u.Status(); !errors.Is(st.Source, recorder.ErrNoFrames) || !st.Losing {
			t.Errorf("%+v", st)
		}
		time.Sleep(30 * time.Second)
		if _, err := u.Clip(id); err == nil && u.clip(id).State == recorder.Recording {
			t.Errorf("%+v", u.clip(id))
		}
		if st := u.Status(); !errors.Is(st.Source, recorder.ErrNoFrames) || st.Losing {
			t.Errorf("after the clip: %+v", st)
		}
		text := log.String()
		for _, line := range []string{"no frame comes from the source", "nothing of a clip could be recorded"} {
			if strings.Count(text, line) != 1 {
				t.Errorf("the log says %d times %q:\n%s", strings.Count(text, line), line, text)
			}
		}
		u.film.silent = false
		u.trigger("motion")
		time.Sleep(8 * time.Second)
		if st := u.Status(); st.Source != nil {
			t.Errorf("frames come again: %+v", st)
		}
	})
}

// TestOtherTracks has a source whose frames point to copies of the tracks.
func TestOtherTracks(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var log lines
			u := newUpload(t, func(c *recorder.Config) {
				c.Uploader, c.Continuous, c.Logger = nil, continuous, slog.New(slog.NewTextHandler(&log, nil))
			})
			defer u.close()
			copied := *u.film.track
			u.cfg.Source = &remake{u.film, func(_ int, f kvsmedia.Frame) []kvsmedia.Frame {
				f.Track = &copied
				return []kvsmedia.Frame{f}
			}}
			u.record()
			time.Sleep(21 * time.Second)
			u.trigger("motion")
			time.Sleep(8 * time.Second)
			if st := u.Status(); !errors.Is(st.Source, recorder.ErrOtherTracks) {
				t.Errorf("%+v", st)
			}
			if text := log.String(); strings.Count(text, "of other tracks than Config.Tracks") != 1 {
				t.Error(text)
			}
		})
	}
}

// lines is what was logged.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestAFrameIsNeverHeldUp writes frames at their pace while the card is stuck.
func TestAFrameIsNeverHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, func(c *recorder.Config) { c.Continuous = true })
		s.record()
		defer s.close()
		time.Sleep(time.Second)
		release := s.card.Stall("WriteAt")
		defer release()
		picture := s.cfg.Tracks[0]
		data := newTinyFilm().frame(0).Data
		for n := range 3000 {
			start := time.Now()
			if err := s.cam.WriteFrame(kvsmedia.Frame{Track: picture, PTS: time.Duration(n) * 40 * time.Millisecond, Data: data}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 0 {
				t.Fatalf("frame %d was held up for %v", n, took)
			}
			time.Sleep(40 * time.Millisecond)
		}
		if st := s.Status(); st.Storage != recorder.StorageStuck {
			t.Errorf("%+v", st)
		}
		release()
	})
}
