package catalog

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/receipt"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// changeID returns the ID of the n-th change of its kind: a ULID with the time of the
// clip's, so that it is the same however often it is made.
func changeID(clip ulid.ID, kind Kind, n int) ulid.ID {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", clip, kind, n))
	copy(sum[:6], clip[:6])
	return ulid.ID(sum[:16])
}

// change adds a change of a clip. One of the same kind that still waits is replaced: what
// it would tell is in this one.
func (c *Catalog) change(cl *clip, kind Kind) {
	cl.counts[kind]++
	n := int(cl.counts[kind])
	ch := Change{ID: changeID(cl.ID, kind, n), Clip: cl.ID, Kind: kind, N: n, Seq: c.seq(), At: c.now()}
	rest := slices.DeleteFunc(slices.Clone(cl.Pending), func(o Change) bool { return o.Kind == kind })
	cl.Pending = append(rest, ch)
	c.touchClip(cl)
	c.urgent = true
}

// refresh finds what follows from a clip's spans and their files.
func (c *Catalog) refresh(cl *clip) {
	cl.Bytes, cl.Sent, cl.Refused, cl.Waiting = 0, 0, 0, 0
	cl.Start, cl.End, cl.Estimated = 0, 0, false
	some, all := false, true
	for i, s := range cl.Spans {
		f := c.files[s.File]
		if s.Last >= s.First {
			here := f != nil && !f.Going && !f.Gone
			some, all = some || here, all && here
			cl.Bytes += s.Bytes
			c.count(cl, s, f, here)
		}
		if f == nil || f.Base == 0 {
			cl.End = 0
			continue
		}
		if i == 0 {
			cl.Start = f.Base + s.Start.Milliseconds()
		}
		cl.End, cl.Estimated = f.Base+s.End.Milliseconds(), cl.Estimated || f.Estimated
	}
	cl.OnCard, cl.Gone = some && all, cl.Ended && !some
}

// count adds what became of a span's bytes.
func (c *Catalog) count(cl *clip, s Span, f *file, here bool) {
	n := s.Last - s.First + 1
	state, sent := make([]receipt.Outcome, n), int64(0)
	if f != nil {
		sent = min(f.Sent.Mark(s.First, state), s.Bytes)
	}
	var of [receipt.Stored + 1]int32
	for _, o := range state {
		of[o]++
	}
	if !here {
		of[receipt.Refused], of[receipt.Waiting] = of[receipt.Refused]+of[receipt.Waiting], 0
	}
	switch {
	case of[receipt.Stored] == n:
		sent = s.Bytes
	case of[receipt.Waiting] == 0:
		cl.Refused += s.Bytes - sent
	default:
		cl.Refused += (s.Bytes - sent) * int64(of[receipt.Refused]) / int64(of[receipt.Refused]+of[receipt.Waiting])
	}
	cl.Sent += sent
	cl.Waiting += of[receipt.Waiting]
}

// settle takes a clip as it is, without a change.
func (c *Catalog) settle(cl *clip) {
	c.refresh(cl)
	cl.settled, cl.told = cl.Ended && cl.Waiting == 0, cl.Refused
}

// update finds what follows from a clip's files, with the changes Stored and Lost.
func (c *Catalog) update(cl *clip) {
	was, told := cl.settled, cl.told
	c.refresh(cl)
	settled, tell := cl.Ended && cl.Waiting == 0, Kind(0)
	switch {
	case !c.opt.Upload || !settled || cl.Bytes == 0:
		cl.settled = settled
		return
	case cl.Refused == 0 && cl.counts[Stored] == 0:
		tell = Stored
	case cl.Refused > 0 && (!was || cl.Refused > told):
		tell = Lost
	}
	if tell != 0 {
		if c.travels(cl) {
			c.owe(cl)
			return
		}
		c.change(cl, tell)
	}
	cl.settled, cl.told = true, cl.Refused
	if cl.owed {
		cl.owed = false
		c.touchClip(cl)
	}
}

// owe notes, also on the card, that it has yet to be told what became of a clip.
func (c *Catalog) owe(cl *clip) {
	if cl.settled = false; !cl.owed {
		cl.owed = true
		c.touchClip(cl)
	}
}

// Departs says that a fragment of a file is under way to the service, and Arrives that it is
// not any more: Receive was called before, or nothing became of it. Only then it is told what
// of a clip is stored, or lost as it was evicted meanwhile; if a power loss comes before, Open
// tells it.
func (c *Catalog) Departs(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.files[seq]; f != nil {
		f.underWay++
	}
}

// Arrives is explained at Departs.
func (c *Catalog) Arrives(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[seq]
	if f == nil {
		return
	}
	f.underWay--
	for _, cl := range slices.Clone(f.clips) {
		c.update(cl)
		c.retire(cl)
	}
}

// travels reports whether something of a clip is under way to the service.
func (c *Catalog) travels(cl *clip) bool {
	return slices.ContainsFunc(cl.Spans, func(s Span) bool { f := c.files[s.File]; return f != nil && f.underWay > 0 })
}

// away follows a clip some of whose files go, with the changes EvictedClip, and Lost if
// something of them was yet to be uploaded.
func (c *Catalog) away(cl *clip) {
	lost := cl.Refused
	if cl.Ended && cl.counts[Ended] == 0 {
		c.change(cl, Ended) // though its time is not known: see conclude
	}
	c.change(cl, EvictedClip)
	c.refresh(cl)
	if c.opt.Upload && cl.Refused > lost && !cl.Deleted {
		if c.travels(cl) {
			c.owe(cl)
			return
		}
		c.change(cl, Lost)
	}
	cl.settled, cl.told = cl.Ended && cl.Waiting == 0, cl.Refused
}

// Published tells that a change is safe where it was to go.
func (c *Catalog) Published(ch Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clips[ch.Clip]
	if cl == nil {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(cl.Pending), func(o Change) bool { return o.ID == ch.ID })
	if len(rest) < len(cl.Pending) {
		cl.Pending = rest
		c.touchClip(cl)
		c.retire(cl)
	}
}

// Untold returns the changes that no Commit has returned yet. After an error they may be on
// the card all the same.
func (c *Catalog) Untold() (out []Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cl := range c.order {
		for _, ch := range cl.Pending {
			if ch.Seq > cl.durable {
				out = append(out, ch)
			}
		}
	}
	return out
}

// Pending returns the changes that are on the card and not published, in order: at most n.
func (c *Catalog) Pending(n int) []Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Change
	for _, cl := range c.order {
		for _, ch := range cl.Pending {
			if ch.Seq <= cl.durable {
				out = append(out, ch)
			}
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return cmp.Compare(a.Seq, b.Seq) })
	return out[:min(n, len(out))]
}

// retire forgets a clip of which nothing is left anywhere and nothing is to be told.
func (c *Catalog) retire(cl *clip) {
	if !cl.Ended || len(cl.Pending) > 0 || cl.counts[Ended] == 0 || !cl.Deleted && (cl.Sent > 0 || c.travels(cl)) {
		return
	}
	if !c.gone(cl) {
		return
	}
	c.parted = append(c.parted, c.view(cl))
	c.dropClip(cl)
}

// Parted returns what was known of a clip that the last Commit or Evict told of and that
// nothing is known of any more.
func (c *Catalog) Parted(id ulid.ID) (View, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.parted {
		if v.ID == id {
			return v, true
		}
	}
	return View{}, false
}

// dropClip forgets a clip, and files that are gone and no other clip has parts of.
func (c *Catalog) dropClip(cl *clip) {
	if cl.dropped {
		return
	}
	delete(c.clips, cl.ID)
	if i := slices.Index(c.order, cl); i >= 0 {
		c.order = slices.Delete(c.order, i, i+1)
	}
	c.drop(&cl.record)
	for _, s := range cl.Spans {
		f := c.files[s.File]
		if f == nil {
			continue
		}
		f.clips = slices.DeleteFunc(f.clips, func(o *clip) bool { return o == cl })
		if f.Gone && len(f.clips) == 0 {
			c.dropFile(f)
		}
	}
}

func (c *Catalog) dropFile(f *file) {
	if f.picture() {
		for _, cl := range f.clips {
			cl.shots = slices.DeleteFunc(slices.Clone(cl.shots), func(o *file) bool { return o == f })
		}
	}
	delete(c.files, f.Seq)
	if i := slices.Index(c.made, f); i >= 0 {
		c.made = slices.Delete(c.made, i, i+1)
	}
	c.drop(&f.record)
}

func (c *Catalog) drop(r *record) {
	r.dropped = true
	if r.number != 0 {
		c.removed = append(c.removed, r.number)
	}
}

// forget drops up to n clips that are not on the card, the oldest first: those with changes
// that were never published after the others.
func (c *Catalog) forget(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forgetGone(n) > 0
}

func (c *Catalog) forgetGone(n int) (forgotten int) {
	for _, untold := range []bool{false, true} {
		for _, cl := range slices.Clone(c.order) {
			if forgotten < n && c.gone(cl) && len(cl.Pending) > 0 == untold {
				c.dropClip(cl)
				forgotten++
			}
		}
	}
	return forgotten
}

// gone reports whether no file of an ended clip is on the card any more.
func (c *Catalog) gone(cl *clip) bool {
	if len(cl.shots) > 0 {
		return false
	}
	for _, s := range cl.Spans {
		if f := c.files[s.File]; f != nil && !f.Gone && (f.Clip == cl.ID || !cl.Deleted) {
			return false
		}
	}
	return cl.Ended
}
