package catalog

import (
	"errors"
	"os"
	"slices"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// recovery is one Open.
type recovery struct {
	*Catalog
	report       *Report
	foreignFiles map[uint64]bool // of records of a newer version
	foreignClips map[ulid.ID]bool
	here         map[uint64][]found
}

func (r *recovery) run() error {
	r.records()
	if err := r.list(); err != nil {
		return err
	}
	from, until := r.slot.From, r.slot.Next+ahead
	if err := r.boot(r.report); err != nil {
		return err
	}
	for _, f := range slices.Clone(r.made) {
		if err := r.known(f); err != nil {
			return err
		}
	}
	if err := r.unknown(from, until); err != nil {
		return err
	}
	r.missPictures()
	for _, f := range r.made {
		if r.resumes() {
			if up, ok := r.opt.Resume.Up(f.Seq); ok {
				f.up, f.timed = up, true
			}
		}
	}
	for _, cl := range slices.Clone(r.order) {
		if !cl.Ended && !r.recording(cl.ID) {
			r.report.PowerLoss = append(r.report.PowerLoss, cl.ID)
			r.end(cl, PowerLoss)
		}
		r.conclude(cl) // for those that ended while their time was yet to come
		if cl.owed {
			cl.settled = false
			r.update(cl)
		}
		r.retire(cl)
	}
	if r.clock.known {
		r.stamp()
	}
	r.report.Damage, r.report.Clips = r.journal.Damage(), len(r.order)
	for _, f := range r.made {
		if !f.Gone && !f.Going {
			r.report.Files++
		}
	}
	changes, err := r.clear(r.going())
	if r.resumes() {
		changes = append(slices.DeleteFunc(slices.Clone(r.opt.Resume.Made), r.lacks), changes...)
	}
	r.report.Changes = changes
	if storage.Classify(err) == storage.Full {
		err = nil // Evict finds it again
	}
	return err
}

// resumes reports whether this process has had the card open before.
func (r *recovery) resumes() bool { return r.opt.Resume != nil && r.opt.Resume.Card == r.slot.Card }

// recording reports whether this process is still recording a clip of the card.
func (r *recovery) recording(clip ulid.ID) bool { return r.resumes() && r.opt.Resume.Recording(clip) }

// lacks reports whether a change is not on the card: it will be made again.
func (r *recovery) lacks(ch Change) bool {
	cl := r.clips[ch.Clip]
	return cl == nil || cl.counts[ch.Kind] < uint32(ch.N)
}

// known judges a file that has a record.
func (r *recovery) known(f *file) error {
	at, here := r.found(f)
	switch {
	case f.Gone:
		if len(f.clips) == 0 {
			r.dropFile(f)
		}
		return nil
	case f.Going: // swept at the end
		return nil
	case !here:
		r.vanished(f)
		return nil
	}
	if f.Day != at.day {
		f.Day = at.day
		r.touchFile(f)
	}
	if f.Closed && at.size >= f.Bytes {
		return nil
	}
	if f.picture() {
		return r.knownPicture(f)
	}
	content, err := r.content(&f.File)
	switch {
	case errors.Is(err, segment.ErrForeign):
		r.report.Foreign++ // it cannot be: a record of ours names a file of ours
		return nil
	case err == nil && content.Seq == f.Seq && ulid.ID(content.Clip) == f.Clip:
		r.fill(f, content)
		return nil
	case err == nil || errors.Is(err, segment.ErrNone):
		r.emptied(f)
		return nil
	case passing(err):
		return err
	}
	r.report.Unreadable = append(r.report.Unreadable, f.Name())
	f.Closed, f.Reason = true, Damaged
	r.touchFile(f)
	return nil
}

// passing reports whether an error is of the storage as a whole, and not of one file.
func passing(err error) bool {
	t := storage.Classify(err)
	return t == storage.Gone || t == storage.ReadOnly || t == storage.Full
}

// content reads a file and closes it properly if a crash left it open. On a full card it is
// not closed.
func (c *Catalog) content(f *File) (*segment.Content, error) {
	on, err := c.fsys.Open(f.Name(), os.O_RDWR)
	if err != nil {
		return nil, err
	}
	defer on.Close()
	content, err := segment.Open(on)
	if err != nil || content.Closed || content.Seq != f.Seq {
		return content, err
	}
	err = segment.Repair(on, func() error { return c.fsys.SyncDir(f.Folder()) }, content)
	if err != nil && storage.Classify(err) != storage.Full {
		return nil, err
	}
	return content, nil
}

// mend closes one of the files that there was no room to close.
func (c *Catalog) mend() error {
	c.mu.Lock()
	i := slices.IndexFunc(c.made, func(f *file) bool { return f.loose && !f.Going })
	if i < 0 {
		c.mu.Unlock()
		return nil
	}
	f, of := c.made[i], c.made[i].File
	c.mu.Unlock()
	content, err := c.content(&of)
	if passing(err) || err == nil && !content.Closed {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f.loose = false // what cannot be read now is found out by the next Open
	c.touchFile(f)
	return nil
}

// fill takes what a file has, and follows it in the clips.
func (r *recovery) fill(f *file, content *segment.Content) {
	had := f.Clusters
	f.Clusters = int32(min(len(content.Clusters), maxClusters))
	f.Closed, f.Bytes, f.Room, f.Length, f.loose = true, content.Length, content.Length, 0, !content.Closed
	if f.Reason == "" {
		f.Reason = PowerLoss
	}
	if n := len(content.Clusters); n > 0 {
		f.Length = content.Clusters[n-1].End
	}
	if f.Base == 0 && content.Base >= earliest && content.Base <= latest {
		f.Base, f.Settled = content.Base, true
	}
	r.touchFile(f)
	if f.Clusters < had {
		r.report.Lost = append(r.report.Lost, f.Name())
	}
	for _, cl := range f.clips {
		r.follow(cl, f, content)
	}
}

// follow lets a clip's span of a file have what the file has, no more, and all of it if it
// was growing.
func (r *recovery) follow(cl *clip, f *file, content *segment.Content) {
	i := slices.IndexFunc(cl.Spans, func(s Span) bool { return s.File == f.Seq })
	s := &cl.Spans[i]
	had := *s
	if !s.Growing && s.Last < f.Clusters {
		return
	}
	s.Last, s.Bytes = f.Clusters-1, 0
	if s.Last >= s.First {
		for _, c := range content.Clusters[s.First : s.Last+1] {
			s.Bytes += c.Bytes
		}
		s.Start, s.End = content.Clusters[s.First].Start, content.Clusters[s.Last].End
	}
	if s.Last < had.Last {
		r.lose(cl, Missing{Length: max(had.End-s.End, 0), Bytes: max(had.Bytes-s.Bytes, 0), Reason: Damaged})
	}
	r.refresh(cl)
	r.touchClip(cl)
}

// emptied notes that a file has no content of its own any more.
func (r *recovery) emptied(f *file) {
	if f.Clusters > 0 {
		r.report.Lost = append(r.report.Lost, f.Name())
	}
	if f.Clusters == 0 {
		r.report.Removed++
	}
	r.remove([]*file{f}, Damaged)
}

// vanished notes that a file is not there.
func (r *recovery) vanished(f *file) {
	if f.picture() {
		r.vanishedPicture(f)
		return
	}
	f.Closed, f.Room = true, 0
	if f.Clusters > 0 {
		r.report.Lost = append(r.report.Lost, f.Name())
		r.remove([]*file{f}, Vanished)
	}
	f.Going, f.Gone = true, true
	r.touchFile(f)
	if len(f.clips) == 0 {
		r.dropFile(f)
	}
}
