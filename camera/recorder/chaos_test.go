package recorder_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

// chaos is a recorder to which all kinds of things happen.
type chaos struct {
	*upload
	coin           *rand.Rand
	shift          atomic.Int64 // of the clock
	large          atomic.Bool
	ejects, others bool
	script         []string // what happened
	events         []happened

	mu    sync.Mutex
	kinds map[recorder.ClipID]map[recorder.Kind][]string // IDs of changes
	ended map[recorder.ClipID]recorder.Clip
	seen  map[recorder.ClipID]map[recorder.Kind]int // by Changes
	gone  map[recorder.ClipID]bool                  // deleted
}

type happened struct {
	id recorder.ClipID
	at time.Time
}

func (c *chaos) publish(_ context.Context, ch recorder.Change) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds[ch.Clip.ID] == nil {
		c.kinds[ch.Clip.ID] = map[recorder.Kind][]string{}
	}
	k := c.kinds[ch.Clip.ID]
	if !slices.Contains(k[ch.Kind], ch.ID) {
		k[ch.Kind] = append(k[ch.Kind], ch.ID)
	}
	if ch.Kind == recorder.ClipEnded {
		c.ended[ch.Clip.ID] = ch.Clip
	}
	return nil
}

// watch looks at Changes until the studio is closed.
func (c *chaos) watch() {
	ctx, cancel := context.WithCancel(c.t.Context())
	before := c.cancel
	c.cancel = func() { cancel(); before() }
	changes := c.Changes(ctx)
	c.works.Go(func() {
		for ch := range changes {
			c.mu.Lock()
			if c.seen[ch.Clip.ID] == nil {
				c.seen[ch.Clip.ID] = map[recorder.Kind]int{}
			}
			c.seen[ch.Clip.ID][ch.Kind]++
			c.mu.Unlock()
		}
	})
}

func (c *chaos) note(format string, args ...any) {
	c.script = append(c.script, time.Now().Format("04:05.0 ")+fmt.Sprintf(format, args...))
}

func (c *chaos) within(most time.Duration) time.Duration {
	return time.Duration(c.coin.Int64N(int64(most)))
}

var operations_ = []string{"Open", "Remove", "Mkdir", "List", "SyncDir", "Space", "Volume", "ReadAt", "WriteAt", "Size", "Truncate", "Sync"}

// act does something.
func (c *chaos) act() {
	op := operations_[c.coin.IntN(len(operations_))]
	switch c.coin.IntN(17) {
	case 14:
		if !c.ejects {
			return
		}
		c.note("run ends")
		c.studio.close()
		time.Sleep(c.within(10 * time.Second))
		if c.coin.IntN(2) == 0 {
			c.note("another recorder")
			c.others = true
			c.record()
		} else {
			c.note("runs again")
			c.again(c.Recorder)
		}
		c.watch()
	case 15:
		if !c.ejects {
			return
		}
		if c.coin.IntN(3) > 0 {
			return
		}
		c.note("erase")
		for id := range c.kinds {
			c.gone[id] = true
		}
		for _, e := range c.events {
			c.gone[e.id] = true
		}
		ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
		defer cancel()
		if err := c.Erase(ctx); err != nil {
			c.note("%v", err)
		}
	case 16:
		if !c.ejects {
			return
		}
		c.note("power fails")
		c.others = true
		c.card.CutAt(c.card.Ops())
		c.studio.close()
		c.card = c.card.Restart(c.coin)
		c.record()
		c.watch()
	case 0, 1, 2, 3, 4:
		c.note("event")
		c.events = append(c.events, happened{c.trigger("motion"), time.Now()})
	case 5, 6:
		err := []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS}[c.coin.IntN(3)]
		c.note("%s: %v", op, err)
		c.card.Break(op, err)
		time.Sleep(c.within(7 * time.Second))
		c.card.Break(op, nil)
	case 7:
		c.note("%s stalls", op)
		release := c.card.Stall(op)
		time.Sleep(c.within(25 * time.Second))
		release()
	case 8:
		c.note("%s fails for a moment", op)
		c.card.Break(op, syscall.EIO)
		time.Sleep(c.within(300 * time.Millisecond))
		c.card.Break(op, nil)
	case 9:
		c.note("outage")
		c.srv.SetOutage(true)
		time.Sleep(c.within(30 * time.Second))
		c.srv.SetOutage(false)
	case 10:
		by := []time.Duration{-24 * time.Hour, -5 * time.Second, 0, 7 * time.Second, 24 * time.Hour}[c.coin.IntN(5)]
		c.note("clock is off by %v", by)
		c.shift.Store(int64(by))
	case 11:
		c.note("size changes")
		c.large.Store(!c.large.Load())
	case 12:
		if list := c.all(); len(list) > 0 {
			id := list[c.coin.IntN(len(list))].ID
			if c.coin.IntN(2) == 0 {
				c.note("protect %s: %v", id, c.Protect(id, true))
				return
			}
			if !c.ejects {
				return
			}
			err := c.Delete(id)
			c.note("delete %s: %v", id, err)
			c.gone[id] = true
		}
	case 13:
		if !c.ejects {
			return
		}
		c.note("eject")
		card := c.card.Restart(c.coin)
		c.card.Eject()
		time.Sleep(c.within(30 * time.Second))
		c.card.Insert(card)
	}
}

func (c *chaos) check() {
	t := c.t
	c.until(2*time.Minute, func() bool { return c.Status().Unpublished == 0 })
	if st := c.Status(); !st.Storage.Records() || st.Losing || st.LostFrames > 0 || st.Recording != "" {
		t.Errorf("%+v", st)
	}
	pictures := map[int]bool{}
	for _, cl := range c.all() {
		if cl.State == recorder.Recording || !cl.OnDevice && cl.Bytes > 0 {
			t.Errorf("%+v", cl)
		}
		readable(t, c.Recorder, cl)
		if cl.Bytes > 0 && cl.OnDevice {
			for _, f := range c.frames(cl.ID) {
				if n := number(f); pictures[n] && !c.others {
					t.Errorf("picture %d is in two clips", n)
				} else {
					pictures[n] = true
				}
			}
		}
		if e, ok := c.ended[cl.ID]; ok && cl.Length < e.Length {
			t.Errorf("ended with %v, has %v: %s", e.Length, cl.Length, cl.ID)
		}
		if !cl.Start.IsZero() && (cl.End.Sub(cl.Start) < cl.Length || cl.End.Sub(cl.Start) > cl.Length+time.Second) && !c.ejects && !c.cfg.Continuous {
			t.Errorf("%v from start to end: %+v", cl.End.Sub(cl.Start), cl)
		}
	}
	c.mu.Lock()
	for id, k := range c.kinds {
		if c.gone[id] && len(k[recorder.ClipStarted]) <= 1 && len(k[recorder.ClipEnded]) <= 1 {
			continue
		}
		if len(k[recorder.ClipStarted]) != 1 || len(k[recorder.ClipEnded]) != 1 {
			t.Errorf("%s: %v", id, k)
		}
	}
	for id, k := range c.seen {
		if !c.ejects && (k[recorder.ClipStarted] != 1 || k[recorder.ClipEnded] != 1) || k[recorder.ClipStarted] > 1 || k[recorder.ClipEnded] > 1 || k[recorder.ClipStored] > 1 {
			t.Errorf("seen of %s: %v", id, k)
		}
	}
	c.mu.Unlock()
	for _, e := range c.events {
		if c.gone[e.id] {
			continue
		}
		if _, err := c.Clip(e.id); err != nil && !c.ejects {
			t.Errorf("event at %v: %v", e.at, err)
		}
		if !c.ejects {
			from, to := int(e.at.Add(-4500*time.Millisecond).Sub(c.film.start)/tinyStep), int(e.at.Add(9500*time.Millisecond).Sub(c.film.start)/tinyStep)
			for n := from; n <= to; n++ {
				if !pictures[n] {
					t.Errorf("picture %d of the event at %v is missing", n, e.at)
					break
				}
			}
		}
	}
	if c.cfg.Uploader != nil {
		time.Sleep(20 * time.Minute)
		for _, cl := range c.all() {
			if cl.State != recorder.Uploaded {
				t.Errorf("not uploaded: %+v", cl)
			}
		}
	}
}

// TestChaos has all kinds of things happen for some minutes: the recorder keeps what it
// promises, and everything is well afterwards.
func TestChaos(t *testing.T) {
	seeds := 20
	if testing.Short() || race {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &chaos{coin: coin(seed), kinds: map[recorder.ClipID]map[recorder.Kind][]string{}, ended: map[recorder.ClipID]recorder.Clip{}, gone: map[recorder.ClipID]bool{}, seen: map[recorder.ClipID]map[recorder.Kind]int{}}
				c.ejects = seed/2%2 == 1
				c.upload = newUpload(t, func(cfg *recorder.Config) {
					cfg.Continuous = seed%2 == 1
					cfg.Publish = c.publish
					cfg.Now = func() time.Time { return time.Now().Add(time.Duration(c.shift.Load())) }
					if seed%5 == 0 {
						cfg.Uploader = nil
					}
				})
				defer c.close()
				if seed%7 == 0 {
					c.card = storagetest.New(storagetest.FAT, 1<<30)
				}
				c.cfg.Source = resized(c.film, func(int) bool { return c.large.Load() })
				c.record()
				c.watch()
				time.Sleep(20 * time.Second)
				for range 40 {
					time.Sleep(c.within(12 * time.Second))
					c.act()
				}
				time.Sleep(time.Minute)
				c.check()
				if t.Failed() {
					for _, s := range c.script {
						t.Log(s)
					}
				}
			})
		})
	}
}
