package kvsmedia_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// card is what a camera has recorded and the service may not have: a plan over it yields
// new fragments before old ones, the newest clip first.
type card struct {
	t     *testing.T
	fresh chan kvsmedia.Stored // of the clip that is being recorded
	old   []kvsmedia.Stored
	done  map[string]bool // by key, once the receipt is noted
	sent  []string        // keys as they were yielded
}

func (c *card) plan(ctx context.Context) func(func(kvsmedia.Stored) bool) {
	return func(yield func(kvsmedia.Stored) bool) {
		old := slices.DeleteFunc(slices.Clone(c.old), func(f kvsmedia.Stored) bool { return c.done[f.Key] })
		for fresh := c.fresh; fresh != nil || len(old) > 0; {
			var next kvsmedia.Stored
			var backlog chan struct{} // ready if there is one
			if len(old) > 0 {
				backlog = make(chan struct{})
				close(backlog)
			}
			ok := false
			select {
			case next, ok = <-fresh:
			default:
				select {
				case next, ok = <-fresh:
				case <-backlog:
					next, old, ok = old[0], old[1:], true
				case <-ctx.Done():
					return
				}
			}
			if !ok {
				fresh = nil
				continue
			}
			c.sent = append(c.sent, next.Key)
			if !yield(next) {
				return
			}
		}
	}
}

// whole checks that sessions for the archive's runs play each fragment once, in order.
func (s *studio) whole(given []kvsmedia.Stored) {
	s.t.Helper()
	a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: s.aws, Stream: door})
	if err != nil {
		s.t.Fatal(err)
	}
	slices.SortFunc(given, func(a, b kvsmedia.Stored) int { return a.Time.Compare(b.Time) })
	var got []time.Time
	for run, err := range a.Runs(context.Background(), kvsmedia.Range{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		for _, f := range run.Fragments {
			got = append(got, f.ProducerTime)
		}
	}
	if len(got) != len(given) {
		s.t.Fatalf("%d fragments play, %d were given", len(got), len(given))
	}
	for i, f := range given {
		if !got[i].Equal(f.Time.Truncate(ms)) {
			s.t.Fatalf("fragment %d plays at %v, want %v", i, got[i], f.Time)
		}
	}
}

// A backlog goes up, a clip is recorded meanwhile and goes first, the network fails for two
// hours, and the camera's process is killed again and again between PERSISTED and the note
// of it: all is stored, plays once and in order, and has its receipt.
func TestStoredBacklogAndLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		c := &card{t: t, fresh: make(chan kvsmedia.Stored, 1000), done: map[string]bool{}}
		for i := range 5 { // the newest clip first
			c.old = append(shelved(clips.Day(), fmt.Sprintf("old%d-", i), at().Add(time.Duration(i)*time.Hour), 2*time.Second, 10), c.old...)
		}
		live := shelved(clips.Day(), "live", time.Now().Add(time.Minute), 2*time.Second, 10)
		given := append(slices.Clone(c.old), live...)
		defer time.AfterFunc(2*time.Second, func() { s.srv.SetOutage(true) }).Stop()
		defer time.AfterFunc(2*time.Hour, func() { s.srv.SetOutage(false) }).Stop()
		go func() {
			for _, f := range live {
				time.Sleep(time.Until(f.Time.Add(2 * time.Second)))
				c.fresh <- f
			}
			close(c.fresh)
		}()
		runs := map[string]string{}
		kills := 0
		for len(c.done) < len(given) {
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			for r, err := range s.UploadStored(ctx, c.plan(ctx)) {
				if err != nil || r.Err != nil {
					t.Fatal(err, r.Err)
				}
				if n++; n == 13 && kills != 3 { // the receipt comes, and is not noted
					kills++
					cancel()
					break
				}
				if runs[r.Run] = r.Key; c.done[r.Key] {
					t.Errorf("%s has two receipts", r.Key)
				}
				c.done[r.Key] = true
			}
			cancel()
			for _, f := range given[len(given)-10:] { // what was taken and has no receipt
				if slices.Contains(c.sent, f.Key) && !c.done[f.Key] && !slices.ContainsFunc(c.old, func(o kvsmedia.Stored) bool { return o.Key == f.Key }) {
					c.old = slices.Insert(c.old, 0, f)
				}
			}
		}
		if kills != 3 {
			t.Errorf("%d kills", kills)
		}
		first := slices.Index(c.sent, "live0")
		for i, key := range c.sent[first : first+10] {
			if key != fmt.Sprint("live", i) {
				t.Errorf("after the outage %s went before the recorded clip", key)
			}
		}
		s.whole(given)
		if n := len(s.srv.Fragments(door)); n <= len(given) {
			t.Errorf("%d fragments were ingested: no duplicate, so the test shows nothing", n)
		}
		for _, f := range s.srv.Fragments(door) {
			delete(runs, f.Number)
		}
		if len(runs) > 0 {
			t.Errorf("runs of no fragment: %v", slices.Collect(maps.Keys(runs)))
		}
	})
}

// The run of a receipt is what Archive.Runs finds, where no other process uploads.
func TestReceiptsNameTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		base := at()
		var plan []kvsmedia.Stored
		for _, hour := range []int{5, 6, 2, 8, 1} {
			plan = append(plan, shelved(clips.Day(), fmt.Sprint(hour, "h"), base.Add(time.Duration(hour)*time.Hour), 2*time.Second, 4)...)
		}
		got := s.receipts(func(yield func(kvsmedia.Stored) bool) {
			for i, f := range plan {
				if i == 6 { // within a clip
					time.Sleep(time.Hour)
				}
				if !yield(f) {
					return
				}
			}
		})
		run := map[string]string{} // of a fragment, by number
		for _, r := range got {
			run[r.Number] = r.Run
		}
		a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: s.aws, Stream: door})
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for r, err := range a.Runs(t.Context(), kvsmedia.Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			count++
			for _, f := range r.Fragments {
				if run[f.Number] != run[r.Fragments[0].Number] {
					t.Errorf("receipts have fragments of one run in %s and %s", run[f.Number], run[r.Fragments[0].Number])
				}
			}
		}
		distinct := slices.Compact(slices.Sorted(maps.Values(run)))
		if len(distinct) != 4 || count < 4 {
			t.Errorf("receipts name %d runs, the archive has %d", len(distinct), count)
		}
	})
}

// For two hours without network nothing is lost and nothing more is taken than can wait.
func TestStoredOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		s.srv.SetOutage(true)
		var taken atomic.Int64
		defer time.AfterFunc(2*time.Hour, func() {
			if st := s.Stats(); taken.Load() != 1 || st.Err == nil || st.Connected {
				t.Errorf("%d were taken; %+v", taken.Load(), st)
			}
			s.srv.SetOutage(false)
		}).Stop()
		list := shelved(clips.Day(), "f", at(), 2*time.Second, 10)
		got := s.receipts(func(yield func(kvsmedia.Stored) bool) {
			for _, f := range list {
				if taken.Add(1); !yield(f) {
					return
				}
			}
		})
		if k := keys(got); k != "f0 f1 f2 f3 f4 f5 f6 f7 f8 f9" {
			t.Error(k)
		}
		s.whole(list)
	})
}
