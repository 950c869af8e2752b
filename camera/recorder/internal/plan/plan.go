// Package plan decides which fragment of which clip goes up next. A [Plan] has no clock,
// no goroutine and does no I/O.
//
// The owner asks for [Plan.Next] when a fragment can be sent, and calls [Plan.Done] once what
// became of it is written down; package upload does.
//
// # The order
//
// First comes the new clip: the one that is recorded now, fragment by fragment as they are
// committed, before it the rest of the one before if that has begun to go up. A new clip
// nothing of which went up before the next one began is backlog, as are all clips of
// before the start. Of the backlog a clip that has begun to go up is finished first; then
// come the others, newest or oldest first. Each fragment is decided upon when it is
// asked for, so the backlog yields to a new clip at the end of a fragment. The rate limit
// is for the backlog alone. Clips whose time is not known wait until it is.
package plan

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Order is the order of the backlog.
type Order uint8

const (
	NewestFirst Order = iota
	OldestFirst
)

// Clip is what a plan knows of a clip before its turn.
type Clip struct {
	Seq     uint64 // in which clips were made; names the clip
	Live    bool   // it is being recorded: its fragments come with Commit until End
	Begun   bool   // some of it is in the cloud
	Undated bool   // its time is not known: see Dated
}

// Fragment is a part of a clip's file that goes up as one.
type Fragment struct {
	File     uint64 // sequence number
	From, To int    // clusters, both included
	Bytes    int64
	Settled  bool // in Load: it is in the cloud, or will never be
}

// Do is what the owner has to do next.
type Do uint8

const (
	Wait Do = iota // until Next.Until, or until something changes
	Load           // call Plan.Load for Next.Clip
	Send           // Next.Fragment of Next.Clip
)

// Next is the answer of Plan.Next.
type Next struct {
	Do       Do
	Clip     uint64
	Fragment Fragment
	Until    time.Duration // Wait: when the rate allows more; Never if only a change does
}

// Never is later than any time.
const Never = time.Duration(math.MaxInt64)

// Plan holds what is to go up. Its methods are called by one goroutine at a time, with
// times of a monotonic clock. Clips and fragments it does not know are ignored in all of
// them: they were removed in the meantime.
//
// A clip costs 16 bytes of memory until its turn comes, and its fragments from then on.
type Plan struct {
	order   Order
	rate    float64 // bit/s; 0 is no limit
	owed    float64 // bits of the backlog that went up sooner than the rate allows
	counted time.Duration

	active  []*clip // in the order in which they became active
	backlog []Clip  // that are not active, by Seq
}

// clip is a clip whose fragments are known.
type clip struct {
	Clip
	fresh     bool       // it is not of the backlog
	fragments []fragment // that are not settled
	file      uint64     // of the last fragment
	to        int        // its last cluster
}

type fragment struct {
	Fragment
	underWay bool
}

// New returns an empty plan.
func New(order Order) *Plan { return &Plan{order: order} }

// SetRate limits the backlog, in bit/s; 0 is no limit.
func (p *Plan) SetRate(rate int) {
	if p.rate = float64(max(rate, 0)); p.rate == 0 {
		p.owed = 0
	}
}

// Add adds clips. One that is there stays as it is.
func (p *Plan) Add(clips ...Clip) {
	for _, c := range clips {
		i, found := p.search(c.Seq)
		if found || p.find(c.Seq) != nil {
			continue
		}
		if !c.Live {
			p.backlog = slices.Insert(p.backlog, i, c)
			continue
		}
		for _, old := range slices.Clone(p.active) {
			if old.fresh = old.fresh && old.Begun; !old.fresh {
				p.putBack(old)
			}
		}
		p.active = append(p.active, &clip{Clip: c, fresh: true, to: -1})
	}
}

// putBack makes a clip inactive of which nothing went up: what it has is loaded again in
// its turn.
func (p *Plan) putBack(c *clip) {
	if c.Live || c.Begun || c.fresh {
		return
	}
	p.forget(c)
	i, _ := p.search(c.Seq)
	p.backlog = slices.Insert(p.backlog, i, c.Clip)
}

// Dated says that a clip's time is known.
func (p *Plan) Dated(seq uint64) {
	if c := p.find(seq); c != nil {
		c.Undated = false
	} else if i, found := p.search(seq); found {
		p.backlog[i].Undated = false
	}
}

// Commit adds fragments, which are whole and on the card, to a live clip. Those that are not
// after the ones before are ignored.
func (p *Plan) Commit(seq uint64, fragments ...Fragment) {
	if c := p.find(seq); c != nil && c.Live {
		c.add(fragments)
	}
}

func (c *clip) add(fragments []Fragment) {
	for _, f := range fragments {
		if f.File < c.file || f.File == c.file && f.From <= c.to {
			continue
		}
		c.file, c.to = f.File, f.To
		if !f.Settled {
			c.fragments = append(c.fragments, fragment{Fragment: f})
		}
	}
}

// End says that a live clip has no more fragments, and reports whether all of it is
// settled: the plan has forgotten it then.
func (p *Plan) End(seq uint64) (settled bool) {
	c := p.find(seq)
	if c == nil || !c.Live {
		return false
	}
	c.Live = false
	if p.settle(c) {
		return true
	}
	p.putBack(c)
	return false
}

// Load says which fragments a clip has that Next asked for, and reports whether all of it
// is settled: the plan has forgotten it then.
func (p *Plan) Load(seq uint64, fragments ...Fragment) (settled bool) {
	i, found := p.search(seq)
	if !found {
		return false
	}
	c := &clip{Clip: p.backlog[i], to: -1}
	p.backlog = slices.Delete(p.backlog, i, i+1)
	c.add(fragments)
	p.active = append(p.active, c)
	return p.settle(c)
}

// settle forgets a clip if nothing of it is left.
func (p *Plan) settle(c *clip) bool {
	if c.Live || len(c.fragments) > 0 {
		return false
	}
	p.forget(c)
	return true
}

// Next returns what to do now. The fragment to send is under way from then on, until Done
// or Release.
func (p *Plan) Next(now time.Duration) Next {
	p.owed = max(p.owed-p.rate*max(now-p.counted, 0).Seconds(), 0)
	p.counted = max(p.counted, now)
	if c, f := p.ready(true); c != nil {
		return c.send(f)
	}
	limited := p.owed >= 1
	if c, f := p.ready(false); c != nil {
		if limited {
			return p.wait(now)
		}
		p.owe(f)
		return c.send(f)
	}
	i := p.pick()
	switch {
	case i < 0:
		return Next{Until: Never}
	case limited:
		return p.wait(now)
	}
	return Next{Do: Load, Clip: p.backlog[i].Seq}
}

// ready returns the first fragment that can be sent, of the fresh clips or of the others.
func (p *Plan) ready(fresh bool) (*clip, *fragment) {
	for _, c := range p.active {
		if c.fresh != fresh || c.Undated {
			continue
		}
		for i := range c.fragments {
			if !c.fragments[i].underWay {
				return c, &c.fragments[i]
			}
		}
	}
	return nil, nil
}

func (c *clip) send(f *fragment) Next {
	c.Begun, f.underWay = true, true
	return Next{Do: Send, Clip: c.Seq, Fragment: f.Fragment}
}

// owe takes note of a fragment of the backlog.
func (p *Plan) owe(f *fragment) {
	if p.rate > 0 {
		p.owed += 8 * float64(f.Bytes)
	}
}

func (p *Plan) wait(now time.Duration) Next {
	const most = 24 * time.Hour
	seconds := min(p.owed/p.rate, most.Seconds())
	return Next{Until: now + time.Duration(math.Ceil(seconds*float64(time.Second)))}
}

// pick returns which clip of the backlog has its turn, -1 if none.
func (p *Plan) pick() int {
	first := -1
	for i := range p.backlog {
		if p.order == NewestFirst {
			i = len(p.backlog) - 1 - i
		}
		switch c := p.backlog[i]; {
		case c.Undated:
		case c.Begun:
			return i
		case first < 0:
			first = i
		}
	}
	return first
}

// Done says that a fragment, wherever it was, needs not go up any more: it is in the
// cloud, was refused for good, cannot be read or was evicted. It reports whether all of
// the clip is settled: the plan has forgotten it then. Of a clip that waits for its turn
// Done is ignored: Load says what is settled.
func (p *Plan) Done(seq uint64, f Fragment) (settled bool) {
	c := p.find(seq)
	if c == nil {
		return false
	}
	c.fragments = slices.DeleteFunc(c.fragments, func(g fragment) bool {
		return g.File == f.File && g.From == f.From && g.To == f.To
	})
	return p.settle(c)
}

// Release says that the upload has ended: what was under way is to be sent again.
func (p *Plan) Release() {
	for _, c := range p.active {
		for i := range c.fragments {
			c.fragments[i].underWay = false
		}
	}
}

// Remove forgets a clip: it was deleted or evicted.
func (p *Plan) Remove(seq uint64) {
	if c := p.find(seq); c != nil {
		p.forget(c)
	} else if i, found := p.search(seq); found {
		p.backlog = slices.Delete(p.backlog, i, i+1)
	}
}

func (p *Plan) find(seq uint64) *clip {
	for _, c := range p.active {
		if c.Seq == seq {
			return c
		}
	}
	return nil
}

func (p *Plan) forget(c *clip) {
	p.active = slices.DeleteFunc(p.active, func(other *clip) bool { return other == c })
}

func (p *Plan) search(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(p.backlog, seq, func(c Clip, seq uint64) int {
		return cmp.Compare(c.Seq, seq)
	})
}
