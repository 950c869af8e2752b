package upload

import (
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/plan"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// usualRate is taken for the recorded bitrate until that is known, in bit/s.
const usualRate = 4_000_000

// Uploads knows what is to be uploaded of the card that is open. A unit is a clip, or with
// Config.All a file; the plan knows it by its sequence number. It is safe for concurrent
// use; nothing in it waits for the storage but fragments.
type Uploads struct {
	cfg     Config
	changed chan struct{} // something was added to the plan

	mu    sync.Mutex
	plan  *plan.Plan
	c     *card.Card // that the plan is of; nil if none
	units map[uint64]*unit
	rate  int   // bit/s, of the latest recording
	err   error // why nothing can be uploaded
}

// unit is a clip or file that is not uploaded.
type unit struct {
	clip    ulid.ID // zero for a file
	file    uint64
	undated bool            // of the backlog: the plan waits for its time
	resumed bool            // it is being recorded since before the card was opened, or could not be read, and is backlog when it ends
	again   time.Duration   // when it is tried to read it again; 0: it is in the plan, or resumed
	tries   int             // to read it
	over    bool            // no more fragments come
	found   map[uint64]int  // how many fragments of each file were found
	waiting []plan.Fragment // of files whose time is not known; the plan does not have them
}

// New returns uploads that know of no card.
func New(cfg Config) *Uploads {
	u := &Uploads{cfg: cfg, changed: make(chan struct{}, 1), rate: usualRate}
	u.reset(nil)
	return u
}

// on reports whether there is anything to do for a card.
func (u *Uploads) on(c *card.Card) bool { return u.cfg.Uploader != nil && c != nil && c == u.c }

func (u *Uploads) reset(c *card.Card) {
	u.c, u.units = c, map[uint64]*unit{}
	u.plan = plan.New(u.cfg.Backlog)
	u.setRate(u.rate)
}

func (u *Uploads) setRate(rate int) {
	u.rate = rate
	if u.cfg.Rate > 0 {
		u.plan.SetRate(u.cfg.Rate)
		return
	}
	u.plan.SetRate(2 * rate)
}

// Enter makes the plan for another card, which has a backlog of its own.
func (u *Uploads) Enter(c *card.Card) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reset(c)
	if !u.on(c) {
		return
	}
	if u.cfg.All {
		for f := range c.Cat.Files() {
			if f.Closed && !f.Sent.Covers(0, f.Clusters-1) {
				u.add(f.Seq, &unit{file: f.Seq, undated: true}, plan.Clip{Begun: len(f.Sent) > 0})
			}
		}
	} else {
		for cl := range c.Cat.Clips() {
			switch {
			case !cl.Ended:
				u.units[cl.Seq] = &unit{clip: cl.ID, resumed: true}
			case cl.Waiting > 0:
				u.add(cl.Seq, &unit{clip: cl.ID, undated: true}, plan.Clip{Begun: cl.Sent > 0})
			}
		}
	}
	wake(u.changed)
}

func (u *Uploads) add(seq uint64, n *unit, p plan.Clip) {
	n.found = map[uint64]int{}
	u.units[seq] = n
	p.Seq, p.Undated = seq, n.undated
	if u.plan.Add(p); n.undated {
		u.date(seq)
	}
}

// Grown plans what is committed of a file that is being written.
func (u *Uploads) Grown(c *card.Card, seq uint64, clip ulid.ID, content *segment.Content) {
	u.file(c, seq, clip, content, false)
}

// Closed plans the rest of a file.
func (u *Uploads) Closed(c *card.Card, seq uint64, clip ulid.ID, content *segment.Content) {
	u.file(c, seq, clip, content, true)
	u.mu.Lock()
	defer u.mu.Unlock()
	if n := len(content.Clusters); n > 0 && content.Clusters[n-1].End > time.Second {
		u.setRate(int(float64(content.Length) * 8 / content.Clusters[n-1].End.Seconds()))
	}
	if u.on(c) && u.cfg.All {
		u.end(seq)
	}
}

func (u *Uploads) file(c *card.Card, seq uint64, clip ulid.ID, content *segment.Content, whole bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.on(c) {
		return
	}
	to := len(content.Clusters) - 1
	if content.Growing {
		to--
	}
	p := segment.Part{Content: content, To: to}
	switch {
	case to < 0:
	case u.cfg.All:
		u.commit(seq, &unit{file: seq}, seq, p.Fragments(whole))
	case clip != (ulid.ID{}):
		if v, ok := c.Cat.Clip(clip); ok {
			u.commit(v.Seq, &unit{clip: clip}, seq, p.Fragments(whole))
		}
	}
}

// Spanned plans what a clip has of a file of a recording of all the time; whole says that
// no more follows in the file.
func (u *Uploads) Spanned(c *card.Card, clip ulid.ID, content *segment.Content, s catalog.Span, whole bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.on(c) || u.cfg.All {
		return
	}
	v, ok := c.Cat.Clip(clip)
	if !ok || v.Deleted {
		return
	}
	p := segment.Part{Content: content, From: int(s.First), To: int(s.Last)}
	u.commit(v.Seq, &unit{clip: clip}, s.File, p.Fragments(whole))
}

// commit adds the fragments of a file to a unit that is being recorded.
func (u *Uploads) commit(seq uint64, n *unit, file uint64, list []segment.Fragment) {
	if u.units[seq] == nil {
		u.add(seq, n, plan.Clip{Live: true})
	}
	if n = u.units[seq]; n.resumed || n.again > 0 {
		return
	}
	for _, f := range list[min(n.found[file], len(list)):] {
		n.found[file]++
		n.waiting = append(n.waiting, plan.Fragment{File: file, From: f.From, To: f.To, Bytes: f.Bytes})
	}
	u.date(seq)
}

// Ended says that a clip has all its fragments.
func (u *Uploads) Ended(c *card.Card, clip ulid.ID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	v, ok := c.Cat.Clip(clip)
	if !u.on(c) || u.cfg.All || !ok {
		return
	}
	u.end(v.Seq)
	if n := u.units[v.Seq]; n != nil && n.resumed {
		n.resumed, n.over, n.undated = false, false, true
		u.add(v.Seq, n, plan.Clip{Begun: v.Sent > 0})
		u.date(v.Seq)
	}
}

func (u *Uploads) end(seq uint64) {
	if n := u.units[seq]; n != nil {
		n.over = true
		u.date(seq)
	}
}

// Dated looks whether the times of units have become known.
func (u *Uploads) Dated(c *card.Card) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.on(c) {
		return
	}
	for seq, n := range u.units {
		if n.again > 0 && n.again <= u.cfg.Mono() {
			u.retry(seq, n)
		}
		if n.undated || len(n.waiting) > 0 {
			u.date(seq)
		}
	}
}

// date gives the plan what has a time that a power cut does not change: a fragment that went
// up with another one would play twice, or have a wrong one for ever.
func (u *Uploads) date(seq uint64) {
	n := u.units[seq]
	if n.again > 0 {
		return
	}
	for len(n.waiting) > 0 {
		if f, ok := u.c.Cat.File(n.waiting[0].File); ok && !f.Settled {
			return
		}
		u.plan.Commit(seq, n.waiting[0])
		n.waiting = n.waiting[1:]
		wake(u.changed)
	}
	if n.over && u.plan.End(seq) {
		delete(u.units, seq)
	}
	wake(u.changed)
	if !n.undated {
		return
	}
	if n.clip != (ulid.ID{}) {
		if v, ok := u.c.Cat.Clip(n.clip); !ok || !settled(v) {
			return
		}
	} else if f, ok := u.c.Cat.File(n.file); !ok || !f.Settled {
		return
	}
	n.undated = false
	u.plan.Dated(seq)
	wake(u.changed)
}

// postpone takes a unit out of the plan that cannot be read: for a while, or until it is
// recorded. It reports false if that was tried often enough, as far as it counts.
func (u *Uploads) postpone(c *card.Card, seq uint64, counts bool) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := u.units[seq]
	if !u.on(c) || n == nil || n.resumed || n.again > 0 {
		return true
	}
	if counts {
		n.tries++
	}
	if n.tries >= mostTries {
		return false
	}
	u.plan.Remove(seq)
	n.waiting, n.over, n.undated = nil, false, true
	if v, ok := c.Cat.Clip(n.clip); ok && !v.Ended {
		n.resumed = true
		return true
	}
	n.again = u.cfg.Mono() + uploadAgain
	return true
}

// retry puts a unit back into the plan.
func (u *Uploads) retry(seq uint64, n *unit) {
	f, file := u.c.Cat.File(n.file)
	if file && !f.Closed {
		return
	}
	v, _ := u.c.Cat.Clip(n.clip)
	n.again = 0
	u.add(seq, n, plan.Clip{Begun: v.Sent > 0 || len(f.Sent) > 0})
}

// settled reports whether the times of all that a clip has on the card are known for good.
func settled(cl catalog.View) bool {
	return cl.Start != 0 && !slices.ContainsFunc(cl.Files, func(f catalog.File) bool { return !f.Settled && !f.Gone })
}

// Remove forgets a clip that is no longer on the card, or was deleted.
func (u *Uploads) Remove(c *card.Card, seq uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.on(c) {
		u.plan.Remove(seq)
		delete(u.units, seq)
	}
}

// Trouble returns why nothing can be uploaded, nil if that is not known.
func (u *Uploads) Trouble() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// wake puts a value into a channel with room for one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
