package recorder_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// upload is a recorder of a tiny film whose clips go to a stream, for tests in a bubble.
type upload struct {
	*studio
	film *tinyFilm
	srv  *kvsmediatest.Server
}

func newUpload(t *testing.T, change func(*recorder.Config)) *upload {
	time.Sleep(time.Until(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)))
	u := &upload{film: newTinyFilm(), srv: kvsmediatest.NewPipeServer(kvsmediatest.Config{})}
	u.studio = &studio{t: t, card: storagetest.New(storagetest.Ext4, 1<<30)}
	u.cfg = recorder.Config{Source: u.film, Tracks: []*kvsmedia.Track{u.film.track}, Logger: quiet, Uploader: u.producer()}
	if change != nil {
		change(&u.cfg)
	}
	return u
}

func (u *upload) producer() *kvsmedia.Producer { return u.producerOf(u.film.track) }

func (u *upload) producerOf(tracks ...*kvsmedia.Track) *kvsmedia.Producer {
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
		AWS: u.srv.AWS(), Stream: "front-door", Tracks: tracks,
		Create: &kvsmedia.StreamSettings{Retention: 24 * time.Hour}, Logger: quiet,
	})
	if err != nil {
		u.t.Fatal(err)
	}
	return p
}

func (u *upload) close() {
	u.studio.close()
	if err := u.srv.Close(); err != nil {
		u.t.Error(err)
	}
}

// all returns all clips, the oldest first.
func (u *upload) all() []recorder.Clip {
	list := slices.Collect(u.Clips(time.Time{}, time.Time{}))
	slices.Reverse(list)
	return list
}

// until waits until something holds, for at most so long.
func (u *upload) until(limit time.Duration, holds func() bool) {
	u.t.Helper()
	time.Sleep(time.Second) // what was triggered just now is known
	for end := time.Now().Add(limit); !holds(); time.Sleep(time.Second) {
		if time.Now().After(end) {
			u.t.Fatalf("it does not come: %+v\n%+v", u.Status(), u.all()[len(u.all())-1])
		}
	}
}

// uploaded reports whether all clips are.
func (u *upload) uploaded() bool {
	return !slices.ContainsFunc(u.all(), func(c recorder.Clip) bool { return c.State != recorder.Uploaded })
}

// played returns the pictures that players show of a clip's time, run after run.
func (u *upload) played(c recorder.Clip) (pictures []int) {
	u.t.Helper()
	a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: u.srv.AWS(), Stream: "front-door"})
	if err != nil {
		u.t.Fatal(err)
	}
	defer a.Close()
	for run, err := range a.Runs(u.t.Context(), kvsmedia.Range{Start: c.Start, End: c.End.Add(-time.Millisecond)}) {
		if err != nil {
			u.t.Fatalf("%+v: %v", c, err)
		}
		var numbers []string
		for _, f := range run.Fragments {
			numbers = append(numbers, f.Number)
		}
		m, err := a.MediaForFragments(u.t.Context(), numbers...)
		if err != nil {
			u.t.Fatal(err)
		}
		for f := range m.Frames() {
			pictures = append(pictures, number(f))
		}
		if err := m.Close(); err != nil {
			u.t.Error(err)
		}
	}
	return pictures
}

// check holds what plays of each clip against what is on the card.
func (u *upload) check() {
	u.t.Helper()
	for _, c := range u.all() {
		var want []int
		for _, f := range u.frames(c.ID) {
			want = append(want, number(f))
		}
		if got := u.played(c); len(want) == 0 || !slices.Equal(got, want) {
			u.t.Errorf("clip %s of %v plays as %v, want %v", c.ID, c.Start, got, want)
		}
		list, err := u.Receipt(c.ID)
		stored := 0
		for _, f := range list {
			if f.Stored {
				stored++
			}
		}
		inRuns := 0
		for _, r := range c.Runs {
			inRuns += r.Fragments
		}
		if err != nil || stored == 0 || stored != len(list) || inRuns != stored || len(c.Missing) > 0 {
			u.t.Errorf("%+v: receipt %+v %v", c, list, err)
		}
	}
}

// TestTwoHoursOffline has an event every few minutes without network, then with it: the
// new ones go up before the backlog, and everything plays.
func TestTwoHoursOffline(t *testing.T) {
	for name, order := range map[string]recorder.Order{"newest first": recorder.NewestFirst, "oldest first": recorder.OldestFirst} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newUpload(t, func(c *recorder.Config) { c.Backlog, c.BacklogRate = order, 10_000 })
				defer u.close()
				u.srv.SetOutage(true)
				u.record()
				time.Sleep(20 * time.Second)
				for range 30 {
					u.trigger("motion")
					time.Sleep(4 * time.Minute)
				}
				if st := u.Status(); st.Waiting != 30 || st.Upload == nil && st.Waiting == 0 {
					t.Errorf("%+v", st)
				}
				u.srv.SetOutage(false)
				time.Sleep(15 * time.Second)
				id := u.trigger("doorbell")
				u.until(time.Minute, func() bool { return u.clip(id).State == recorder.Uploaded })
				backlog := u.all()[:30]
				done := 0
				for _, c := range backlog {
					if c.State == recorder.Uploaded {
						done++
					}
				}
				if done > 25 {
					t.Errorf("%d clips of the backlog went up before the new event", done)
				}
				// The first clip had begun to go up without network, and is finished first; the last
				// one counted as new until the doorbell rang.
				if first, last := backlog[1].Sent, backlog[28].Sent; first+last != 1 || (order == recorder.NewestFirst) != (last == 1) {
					t.Errorf("of the backlog the oldest is sent to %v, the newest to %v", first, last)
				}
				u.until(2*time.Hour, u.uploaded)
				u.check()
			})
		})
	}
}

// TestReceiptsAreWrittenDownFirst kills the recorder at many moments while clips go up:
// nothing is uploaded that is not, and what goes up twice plays once.
func TestReceiptsAreWrittenDownFirst(t *testing.T) {
	for op := 60; op < 240; op += 6 {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, nil)
			defer u.close()
			u.card.CutAt(op)
			u.record()
			time.Sleep(20 * time.Second)
			for range 4 {
				u.trigger("motion")
				time.Sleep(time.Minute)
			}
			u.studio.close()
			u.card = u.card.Restart(rand.New(rand.NewPCG(1, uint64(op))))
			u.cfg.Uploader = u.producer()
			u.record()
			time.Sleep(2 * time.Second)
			u.until(time.Hour, u.uploaded)
			u.check()
		})
	}
}

// TestOutageInAClip loses the network in the midst of a clip, and has it back after newer
// ones: the clip plays in its runs.
func TestOutageInAClip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, nil)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		id := u.trigger("motion")
		time.Sleep(8 * time.Second)
		if c := u.clip(id); c.Sent == 0 {
			t.Errorf("%+v", c)
		}
		u.srv.SetOutage(true)
		time.Sleep(2 * time.Minute)
		u.trigger("motion")
		time.Sleep(5 * time.Second)
		u.srv.SetOutage(false)
		time.Sleep(30 * time.Second)
		u.trigger("motion")
		u.until(10*time.Minute, u.uploaded)
		u.check()
	})
}

// TestSessionRollInAClip has clips one after another for an hour, in which the producer
// takes other sessions.
func TestSessionRollInAClip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, nil)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		for range 6 * 60 {
			u.trigger("motion")
			time.Sleep(10 * time.Second)
		}
		u.until(10*time.Minute, u.uploaded)
		u.check()
	})
}

// TestPublish has changes that are taken at the third try, in their order and with the
// same ID each time.
func TestPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var taken []recorder.Change
		tries := map[string]int{}
		u := newUpload(t, func(c *recorder.Config) {
			c.Publish = func(_ context.Context, ch recorder.Change) error {
				mu.Lock()
				defer mu.Unlock()
				if tries[ch.ID]++; tries[ch.ID] < 3 {
					return context.DeadlineExceeded
				}
				taken = append(taken, ch)
				return nil
			}
		})
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		id := u.trigger("motion")
		u.until(5*time.Minute, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(taken) == 3
		})
		u.studio.close()
		for i, kind := range []recorder.Kind{recorder.ClipStarted, recorder.ClipEnded, recorder.ClipStored} {
			if ch := taken[i]; ch.Kind != kind || ch.Clip.ID != id || ch.At.IsZero() {
				t.Errorf("change %d: %+v", i, ch)
			}
		}
		if len(tries) != 3 {
			t.Errorf("%v", tries)
		}
	})
}
