package catalog

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/receipt"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// Begin makes a clip, with the change Started. An ID of zero makes one.
func (c *Catalog) Begin(id ulid.ID, e Event) (ulid.ID, error) {
	if err := e.Check(); err != nil {
		return ulid.ID{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if id.IsZero() {
		id = c.newID()
	}
	if c.clips[id] != nil {
		return id, nil
	}
	cl := &clip{Clip: Clip{ID: id, Seq: c.seq(), Boot: c.slot.Boot, Events: []Event{e}}}
	c.insertClip(cl)
	c.refresh(cl)
	c.change(cl, Started)
	return id, nil
}

// AddEvent adds a further event. One whose ID the clip has is the same, and gives that its
// score if that is higher; beyond MaxEvents they are counted.
func (c *Catalog) AddEvent(id ulid.ID, e Event) error {
	if err := e.Check(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clips[id]
	if cl == nil {
		return ErrUnknown
	}
	if i := cl.event(e.ID); i >= 0 {
		if !cl.Events[i].Picture.Given && e.Picture.Given { // it comes later than the event
			c.setPicture(cl, i, e.Picture)
		}
		if e.Score > cl.Events[i].Score {
			cl.Events = slices.Clone(cl.Events)
			cl.Events[i].Score = e.Score
			c.touchClip(cl)
		}
		return nil
	}
	if len(cl.Events) < MaxEvents && eventBytes(cl.Events)+eventBytes([]Event{e}) <= maxEventBytes {
		cl.Events = append(cl.Events, e)
	} else {
		cl.More++
	}
	c.touchClip(cl)
	c.urgent = true
	return nil
}

// CountEvents tells how many events a clip has, those that were not added included.
func (c *Catalog) CountEvents(id ulid.ID, events int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clips[id]
	if cl == nil {
		return ErrUnknown
	}
	if more := events - len(cl.Events); more > cl.More {
		cl.More = more
		c.touchClip(cl)
	}
	return nil
}

func eventBytes(events []Event) (n int) {
	for _, e := range events {
		b, _ := json.Marshal(eventRecord(e)) // it cannot fail: see Check
		n += len(b)
	}
	return n
}

// NewFile makes the record of a file of clip (zero with Continuous) whose first frame is of
// up on the monotonic clock, and returns it with the header to create it with. A clip
// has its file's clusters as its next span. Commit first and create then, or the other
// way round: a file without a record is taken in by Open.
func (c *Catalog) NewFile(id ulid.ID, up time.Duration) (File, segment.Header, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clips[id]
	switch {
	case id.IsZero():
	case cl == nil || cl.Ended:
		return File{}, segment.Header{}, ErrUnknown
	case len(cl.Spans) == MaxSpans:
		return File{}, segment.Header{}, ErrFull
	}
	f := &file{File: File{Seq: c.seq(), Clip: id, Boot: c.slot.Boot}, up: up, timed: true}
	f.Day = c.freeDay(c.now())
	c.insertFile(f)
	if up != Later {
		c.follow(f)
	}
	if base := c.baseOf(f); base != 0 {
		f.Base, f.Settled = place(base, c.opt.Longest, c.taken(f)), true
		f.Day = c.freeDay(f.Base)
	}
	c.touchFile(f)
	c.urgent = true
	h := segment.Header{Version: segment.Version, Seq: f.Seq, Clip: id}
	_, _ = rand.Read(h.Nonce[:]) // it never fails (Go 1.24)
	if cl != nil {
		h.Event = headerEvent(cl.Events[0], maxHeader)
		c.setSpan(cl, Span{File: f.Seq, Last: -1, Growing: true})
		cl.before = segment.LeastHead // which is none of the clip's bytes
	}
	return f.File, h, nil
}

// Grow tells what of a file is committed: its clusters, the media time after the last one,
// the bytes, and what it occupies.
func (c *Catalog) Grow(seq uint64, clusters int, length time.Duration, bytes, room int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[seq]
	if f == nil {
		return ErrUnknown
	}
	f.Clusters, f.Length, f.Bytes, f.Room = int32(min(clusters, maxClusters)), length.Truncate(time.Millisecond), bytes, room
	c.grown(f)
	return nil
}

// grown lets the growing spans of a file reach to its end.
func (c *Catalog) grown(f *file) {
	c.touchFile(f)
	for _, cl := range f.clips {
		if i := len(cl.Spans) - 1; !cl.Ended && cl.Spans[i].Growing && cl.Spans[i].File == f.Seq {
			cl.Spans = slices.Clone(cl.Spans)
			s := &cl.Spans[i]
			s.Last, s.End, s.Bytes = f.Clusters-1, max(f.Length, s.Start), max(f.Bytes-cl.before, 0)
			c.refresh(cl)
			c.touchClip(cl)
		}
	}
}

// CloseFile tells that a file is complete and will not change any more. A file that has
// no clusters is removed by the next Evict.
func (c *Catalog) CloseFile(seq uint64, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[seq]
	if f == nil {
		return ErrUnknown
	}
	f.Closed, f.Room, f.Reason = true, f.Bytes, cut(reason, maxReason)
	f.Going = f.Going || f.Clusters == 0
	c.touchFile(f)
	c.urgent = true
	return nil
}

// SetSpan sets the clip's span of s.File, or adds it as its last one. A growing one
// follows Grow until the clip ends. It is for Continuous.
func (c *Catalog) SetSpan(id ulid.ID, s Span) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl, f := c.clips[id], c.files[s.File]
	if cl == nil || f == nil || cl.Ended {
		return ErrUnknown
	}
	if len(cl.Spans) == MaxSpans && !slices.Contains(f.clips, cl) {
		return ErrFull
	}
	s.Start, s.End = s.Start.Truncate(time.Millisecond), s.End.Truncate(time.Millisecond)
	c.setSpan(cl, s)
	return nil
}

func (c *Catalog) setSpan(cl *clip, s Span) {
	f := c.files[s.File]
	cl.before = f.Bytes - s.Bytes
	cl.Spans = slices.Clone(cl.Spans)
	if i := slices.IndexFunc(cl.Spans, func(o Span) bool { return o.File == s.File }); i >= 0 {
		cl.Spans[i] = s
	} else {
		if i := len(cl.Spans) - 1; i >= 0 {
			cl.Spans[i].Growing = false
		}
		cl.Spans = append(cl.Spans, s)
		f.clips = append(f.clips, cl)
	}
	c.refresh(cl)
	c.touchClip(cl)
	c.urgent = true
}

// Lose adds what could not be recorded of a clip.
func (c *Catalog) Lose(id ulid.ID, m Missing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clips[id]
	if cl == nil {
		return ErrUnknown
	}
	c.lose(cl, m)
	return nil
}

func (c *Catalog) lose(cl *clip, m Missing) {
	m.Reason, m.Length = cut(m.Reason, maxReason), m.Length.Truncate(time.Millisecond)
	cl.Missing = slices.Clone(cl.Missing)
	if n := len(cl.Missing); n == MaxMissing {
		last := &cl.Missing[n-1]
		last.Length, last.Frames, last.Bytes = last.Length+m.Length, last.Frames+m.Frames, last.Bytes+m.Bytes
	} else {
		cl.Missing = append(cl.Missing, m)
	}
	c.touchClip(cl)
}

// End ends a clip for reason, with the change Ended: its file has to be closed, or with
// Continuous its span to be committed. Where the time of its media is yet to come, the change
// comes with that: see Anchor. A clip that has ended is left as it is.
func (c *Catalog) End(id ulid.ID, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clips[id]
	if cl == nil {
		return ErrUnknown
	}
	c.end(cl, reason)
	return nil
}

func (c *Catalog) end(cl *clip, reason string) {
	if cl.Ended {
		return
	}
	cl.Ended, cl.Reason, cl.Spans = true, cut(reason, maxReason), slices.Clone(cl.Spans)
	for i := range cl.Spans {
		cl.Spans[i].Growing = false
	}
	c.touchClip(cl)
	c.urgent = true
	c.conclude(cl)
}

// conclude tells that a clip has ended, unless that was told or its time is yet to come.
func (c *Catalog) conclude(cl *clip) {
	if !cl.Ended || cl.counts[Ended] > 0 ||
		slices.ContainsFunc(cl.Spans, func(s Span) bool { f := c.files[s.File]; return f != nil && f.up == Later }) {
		return
	}
	c.change(cl, Ended)
	c.update(cl)
}

// Receive notes what became of a fragment, with the changes Stored or Lost once nothing
// of a clip waits any more. A fragment that has a number already keeps it.
func (c *Catalog) Receive(seq uint64, r receipt.Receipt) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[seq]
	if f == nil {
		return ErrUnknown
	}
	if r.From < 0 || r.To < r.From || r.To >= maxClusters {
		return nil // of no cluster that can be
	}
	f.Sent = f.Sent.Add(r)
	c.touchFile(f)
	for _, cl := range f.clips {
		c.update(cl)
		c.touchClip(cl)
	}
	return nil
}

// Protect says that a clip is evicted only if nothing else is left, and never by age.
func (c *Catalog) Protect(id ulid.ID, on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clips[id]
	if cl == nil || cl.Deleted {
		return ErrUnknown
	}
	if cl.Protected != on {
		cl.Protected, c.urgent = on, true
		c.touchClip(cl)
	}
	return nil
}
