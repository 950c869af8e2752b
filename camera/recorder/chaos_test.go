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
	coin   *rand.Rand
	shift  atomic.Int64 // of the clock
	large  atomic.Bool  // the picture
	harsh  bool         // clips are deleted, cards pulled, and Run ends
	others bool         // several recorders, which do not know of each other's clips
	script []string     // what happened
	events []happened

	mu    sync.Mutex
	kinds map[recorder.ClipID]map[recorder.Kind][]string // IDs of changes that were published
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

// act does something.
func (c *chaos) act() {
	acts := []func(){c.event, c.event, c.event, c.event, c.event, c.fail, c.fail, c.stall, c.moment, c.outage, c.clock, c.size, c.protect}
	if c.harsh {
		acts = append(acts, c.delete, c.eject, c.restart, c.erase, c.powerCut)
	}
	acts[c.coin.IntN(len(acts))]()
}

func (c *chaos) event() {
	c.note("event")
	c.events = append(c.events, happened{c.trigger("motion"), time.Now()})
}

// op returns an operation of the card.
func (c *chaos) op() string {
	ops := []string{"Open", "Remove", "Mkdir", "List", "SyncDir", "Space", "Volume", "ReadAt", "WriteAt", "Size", "Truncate", "Sync"}
	return ops[c.coin.IntN(len(ops))]
}

func (c *chaos) fail() {
	op, err := c.op(), []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS}[c.coin.IntN(3)]
	c.note("%s: %v", op, err)
	c.card.Break(op, err)
	time.Sleep(c.within(7 * time.Second))
	c.card.Break(op, nil)
}

func (c *chaos) moment() {
	op := c.op()
	c.note("%s fails for a moment", op)
	c.card.Break(op, syscall.EIO)
	time.Sleep(c.within(300 * time.Millisecond))
	c.card.Break(op, nil)
}

func (c *chaos) stall() {
	op := c.op()
	c.note("%s stalls", op)
	release := c.card.Stall(op)
	time.Sleep(c.within(25 * time.Second))
	release()
}

func (c *chaos) outage() {
	c.note("no network")
	c.srv.SetOutage(true)
	time.Sleep(c.within(30 * time.Second))
	c.srv.SetOutage(false)
}

func (c *chaos) clock() {
	by := []time.Duration{-24 * time.Hour, -5 * time.Second, 0, 7 * time.Second, 24 * time.Hour}[c.coin.IntN(5)]
	c.note("the clock is off by %v", by)
	c.shift.Store(int64(by))
}

func (c *chaos) size() {
	c.note("the picture changes its size")
	c.large.Store(!c.large.Load())
}

// some returns one of the clips, if there are any.
func (c *chaos) some() (id recorder.ClipID, ok bool) {
	list := c.all()
	if len(list) == 0 {
		return "", false
	}
	return list[c.coin.IntN(len(list))].ID, true
}

func (c *chaos) protect() {
	if id, ok := c.some(); ok {
		c.note("protect %s: %v", id, c.Protect(id, true))
	}
}

func (c *chaos) delete() {
	if id, ok := c.some(); ok {
		c.note("delete %s: %v", id, c.Delete(id))
		c.gone[id] = true
	}
}

func (c *chaos) eject() {
	c.note("the card is pulled out")
	card := c.card.Restart(c.coin)
	c.card.Eject()
	time.Sleep(c.within(30 * time.Second))
	c.card.Insert(card)
}

func (c *chaos) restart() {
	c.note("Run ends")
	c.studio.close()
	time.Sleep(c.within(10 * time.Second))
	if c.coin.IntN(2) == 0 {
		c.note("another recorder")
		c.others = true
		c.record()
	} else {
		c.again(c.Recorder)
	}
	c.watch()
}

func (c *chaos) powerCut() {
	c.note("the power fails")
	c.others = true
	c.card.CutAt(c.card.Ops())
	c.studio.close()
	c.card = c.card.Restart(c.coin)
	c.record()
	c.watch()
}

func (c *chaos) erase() {
	for _, e := range c.events {
		c.gone[e.id] = true
	}
	c.mu.Lock()
	for id := range c.kinds {
		c.gone[id] = true
	}
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	c.note("erase: %v", c.Erase(ctx))
}

// check holds what is there against what was promised.
func (c *chaos) check() {
	c.until(2*time.Minute, func() bool { return c.Status().Unpublished == 0 })
	if st := c.Status(); !st.Storage.Records() || st.Losing || st.LostFrames > 0 || st.Recording != "" {
		c.t.Errorf("%+v", st)
	}
	pictures := map[int]bool{}
	for _, cl := range c.all() {
		c.checkClip(cl, pictures)
	}
	c.checkChanges()
	for _, e := range c.events {
		if !c.harsh {
			c.checkEvent(e, pictures)
		}
	}
	if c.cfg.Uploader == nil {
		return
	}
	time.Sleep(20 * time.Minute)
	for _, cl := range c.all() {
		if cl.State != recorder.Uploaded {
			c.t.Errorf("not uploaded: %+v", cl)
		}
	}
}

func (c *chaos) checkClip(cl recorder.Clip, pictures map[int]bool) {
	if cl.State == recorder.Recording || !cl.OnDevice && cl.Bytes > 0 {
		c.t.Errorf("%+v", cl)
	}
	readable(c.t, c.Recorder, cl)
	if cl.Bytes > 0 && cl.OnDevice {
		for _, f := range c.frames(cl.ID) {
			n := number(f)
			if pictures[n] && !c.others {
				c.t.Errorf("picture %d is in two clips", n)
			}
			pictures[n] = true
		}
	}
	if e, ok := c.ended[cl.ID]; ok && cl.Length < e.Length {
		c.t.Errorf("ended with %v, has %v: %s", e.Length, cl.Length, cl.ID)
	}
	if took := cl.End.Sub(cl.Start); !c.harsh && !c.cfg.Continuous && (took < cl.Length || took > cl.Length+time.Second) {
		c.t.Errorf("%v from start to end: %+v", took, cl)
	}
}

// checkChanges looks whether each clip began and ended once.
func (c *chaos) checkChanges() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, k := range c.kinds {
		began, ended := len(k[recorder.ClipStarted]), len(k[recorder.ClipEnded])
		if c.gone[id] && began <= 1 && ended <= 1 {
			continue // what was not published was erased
		}
		if began != 1 || ended != 1 {
			c.t.Errorf("%s: %v", id, k)
		}
	}
	for id, k := range c.seen {
		began, ended := k[recorder.ClipStarted], k[recorder.ClipEnded]
		if !c.harsh && (began != 1 || ended != 1) || began > 1 || ended > 1 || k[recorder.ClipStored] > 1 {
			c.t.Errorf("seen of %s: %v", id, k)
		}
	}
}

// checkEvent looks whether an event has its clip, and all its pictures.
func (c *chaos) checkEvent(e happened, pictures map[int]bool) {
	if _, err := c.Clip(e.id); err != nil {
		c.t.Errorf("event at %v: %v", e.at, err)
	}
	for at := e.at.Add(-4500 * time.Millisecond); at.Before(e.at.Add(9500 * time.Millisecond)); at = at.Add(tinyStep) {
		if n := int(at.Sub(c.film.start) / tinyStep); !pictures[n] {
			c.t.Errorf("picture %d of the event at %v is missing", n, e.at)
			return
		}
	}
}

// TestChaos has all kinds of things happen for some minutes: the recorder keeps what it
// promises, and everything is well afterwards.
func TestChaos(t *testing.T) {
	seeds := 20
	if testing.Short() || race {
		seeds = 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &chaos{coin: coin(seed), kinds: map[recorder.ClipID]map[recorder.Kind][]string{}, ended: map[recorder.ClipID]recorder.Clip{}, gone: map[recorder.ClipID]bool{}, seen: map[recorder.ClipID]map[recorder.Kind]int{}}
				c.harsh = seed%2 == 1
				c.upload = newUpload(t, func(cfg *recorder.Config) {
					cfg.Continuous = seed/2%2 == 1
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
