package catalog

import (
	"cmp"
	"errors"
	"io/fs"
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
	days         []int32
	here         map[uint64]found
}

// found is a file with a name of ours.
type found struct {
	day     int32
	size    int64
	picture bool
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
	changes, err := r.commit()
	if r.resumes() {
		changes = append(slices.DeleteFunc(slices.Clone(r.opt.Resume.Made), r.lacks), changes...)
	}
	r.report.Changes = changes
	if err == nil {
		err = r.sweep(r.going())
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

// list finds the files with names of ours.
func (r *recovery) list() error {
	entries, err := r.fsys.List(".")
	if err != nil {
		return err
	}
	r.here = map[uint64]found{}
	for _, e := range entries {
		day, ok := parseFolder(e.Name())
		if !ok || !e.IsDir() || slices.Contains(r.days, day) {
			continue
		}
		r.days = append(r.days, day)
		files, err := r.fsys.List(e.Name())
		if err != nil {
			return err
		}
		for _, f := range files {
			r.listed(day, f)
		}
	}
	return nil
}

func (r *recovery) listed(day int32, e fs.FileInfo) {
	seq, picture, ok := parseName(e.Name())
	if !ok || e.IsDir() || seq == 0 || seq > maxSeq {
		return
	}
	if seq < maxNamed {
		r.next = max(r.next, seq+1)
	}
	old, twice := r.here[seq]
	switch f := r.files[seq]; {
	case !twice:
		r.here[seq] = found{day, e.Size(), picture}
	case old.day == day && old.picture == picture: // FAT can list a name twice
		old.size = max(old.size, e.Size())
		r.here[seq] = old
	case f != nil && f.Day == day && f.picture() == picture:
		r.report.Foreign++
		r.here[seq] = found{day, e.Size(), picture}
	default:
		r.report.Foreign++
	}
}

// maxSeq bounds the sequence of what is ours, and maxNamed what a name that anybody can have
// given makes of those to come.
const (
	maxSeq   = 1 << 60
	maxNamed = 1 << 48
)

// known judges a file that has a record.
func (r *recovery) known(f *file) error {
	at, here := r.here[f.Seq]
	delete(r.here, f.Seq)
	switch {
	case f.Gone:
		if len(f.clips) == 0 {
			r.dropFile(f)
		}
		return nil
	case f.Going: // swept at the end
		return nil
	case !here || at.picture != f.picture():
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
	content, err := r.content(f)
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

// content reads a file and closes it properly if a crash left it open.
func (r *recovery) content(f *file) (*segment.Content, error) {
	on, err := r.fsys.Open(f.Name(), os.O_RDWR)
	if err != nil {
		return nil, err
	}
	defer on.Close()
	content, err := segment.Open(on)
	if err != nil || content.Closed || content.Seq != f.Seq {
		return content, err
	}
	if err := segment.Repair(on, func() error { return r.fsys.SyncDir(f.Folder()) }, content); err != nil {
		return nil, err
	}
	return content, nil
}

// fill takes what a file has, and follows it in the clips.
func (r *recovery) fill(f *file, content *segment.Content) {
	had := f.Clusters
	f.Clusters = int32(min(len(content.Clusters), maxClusters))
	f.Closed, f.Bytes, f.Room, f.Length = true, content.Length, content.Length, 0
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

// unknown judges the files without a record, in the order in which they were made. Those of
// numbers from from up to until are of the last boot.
func (r *recovery) unknown(from, until uint64) error {
	var seqs []uint64
	for seq := range r.here {
		seqs = append(seqs, seq)
	}
	slices.SortFunc(seqs, func(a, b uint64) int { // pictures are of clips
		if p, q := r.here[a].picture, r.here[b].picture; p != q {
			return map[bool]int{true: 1, false: -1}[p]
		}
		return cmp.Compare(a, b)
	})
	for _, seq := range seqs {
		if r.foreignFiles[seq] {
			r.report.Foreign++
			continue
		}
		f := &file{File: File{Seq: seq, Day: r.here[seq].day}}
		if r.here[seq].picture {
			if err := r.unknownPicture(f, from != 0 && from <= seq && seq < until); err != nil {
				return err
			}
			continue
		}
		content, err := r.content(f)
		switch {
		case err == nil && content.Seq == seq && !r.foreignClips[ulid.ID(content.Clip)]:
			r.takeIn(f, content)
		case errors.Is(err, segment.ErrNone) && from != 0 && from <= seq && seq < until:
			r.report.Removed++
			f.Closed, f.Going, f.Reason = true, true, PowerLoss
			r.insertFile(f)
			r.touchFile(f)
		case err == nil || errors.Is(err, segment.ErrNone) || errors.Is(err, segment.ErrForeign):
			r.report.Foreign++
		case passing(err):
			return err
		default:
			r.report.Unreadable = append(r.report.Unreadable, f.Name())
		}
	}
	return nil
}

// takeIn makes the record of a file, and of its clip if that has none.
func (r *recovery) takeIn(f *file, content *segment.Content) {
	r.report.TakenIn = append(r.report.TakenIn, f.Seq)
	f.Clip = content.Clip
	r.insertFile(f)
	if !f.Clip.IsZero() {
		cl := r.clips[f.Clip]
		if cl == nil {
			cl = &clip{Clip: Clip{ID: f.Clip, Seq: f.Seq, Events: []Event{parseEvent(content.Event, f.Clip)}}}
			r.insertClip(cl)
			r.change(cl, Started)
		}
		if len(cl.Spans) < MaxSpans {
			i, _ := slices.BinarySearchFunc(cl.Spans, f.Seq, func(s Span, seq uint64) int { return int(int64(s.File) - int64(seq)) })
			cl.Spans = slices.Insert(cl.Spans, i, Span{File: f.Seq, Last: -1, Growing: true})
			f.clips = append(f.clips, cl)
		}
	}
	r.fill(f, content)
}
