package catalog

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// found is a file with a name of ours. Whether it is one of ours its content says: anybody can
// have given a name, or copied a file.
type found struct {
	seq     uint64
	day     int32
	size    int64
	picture bool
}

func (f found) name() string { return folderName(f.day) + "/" + fileName(f.seq, f.picture) }

// maxSeq bounds the sequence of what is ours, and maxNamed what a name that anybody can have
// given makes of those to come.
const (
	maxSeq   = 1 << 60
	maxNamed = 1 << 48
)

// list finds the files with names of ours.
func (r *recovery) list() error {
	entries, err := r.fsys.List(".")
	if err != nil {
		return err
	}
	r.here, r.blocked = map[uint64][]found{}, map[int32]bool{}
	for i, e := range entries {
		day, ok := parseFolder(e.Name())
		switch {
		case !ok || i > 0 && e.Name() == entries[i-1].Name(): // FAT can list a name twice
			continue
		case !e.IsDir():
			r.other(e.Name())
			r.blocked[day] = true
			continue
		}
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
	list := r.here[seq]
	if i := slices.IndexFunc(list, func(o found) bool { return o.day == day && o.picture == picture }); i >= 0 { // twice
		list[i].size = max(list[i].size, e.Size())
		return
	}
	r.here[seq] = append(list, found{seq, day, e.Size(), picture})
}

// found takes the file of a record out of those that were listed: that in its folder, or else
// one that was moved.
func (r *recovery) found(f *file) (at found, ok bool) {
	list := r.here[f.Seq]
	i := slices.IndexFunc(list, func(o found) bool { return o.picture == f.picture() && o.day == f.Day })
	if i < 0 {
		i = slices.IndexFunc(list, func(o found) bool { return o.picture == f.picture() })
	}
	if i < 0 {
		return at, false
	}
	at = list[i]
	r.here[f.Seq] = slices.Delete(list, i, i+1)
	return at, true
}

// freeDay returns the day in whose folder a file is made: the one before where a file of
// somebody else's has the folder's name.
func (c *Catalog) freeDay(ms int64) int32 {
	day := int32(ms / 86_400_000)
	for c.blocked[day] {
		day--
	}
	return day
}

// Taken tells that a file could not be made, as somebody else has given its name to another
// one: it is forgotten, and the other one left alone.
func (c *Catalog) Taken(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[seq]
	if f == nil {
		return
	}
	for _, cl := range f.clips {
		cl.Spans = slices.DeleteFunc(slices.Clone(cl.Spans), func(s Span) bool { return s.File == seq })
		c.refresh(cl)
		c.touchClip(cl)
	}
	c.dropFile(f)
}

// unknown judges the files without a record: media in the order in which they were made, then
// pictures, which are of clips. Those of numbers from from up to until are of the last boot.
func (r *recovery) unknown(from, until uint64) error {
	var all []found
	for _, list := range r.here {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b found) int {
		if a.picture != b.picture {
			return map[bool]int{true: 1, false: -1}[a.picture]
		}
		return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.day, b.day))
	})
	for _, at := range all {
		recent := from != 0 && from <= at.seq && at.seq < until
		var err error
		switch {
		case r.foreignFiles[at.seq]:
			r.report.Foreign++
		case r.files[at.seq] != nil: // the one of that number is there
			r.other(at.name())
		case at.picture:
			err = r.unknownPicture(at, recent)
		default:
			err = r.unknownMedia(at, recent)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// other leaves a file of somebody else's alone.
func (r *recovery) other(name string) {
	if r.report.Others++; r.report.Others == 1 {
		r.report.Other = name
	}
}

func (r *recovery) unknownMedia(at found, recent bool) error {
	f := &file{File: File{Seq: at.seq, Day: at.day}}
	content, err := r.content(&f.File)
	switch {
	case err == nil && content.Seq == at.seq && !r.foreignClips[ulid.ID(content.Clip)]:
		r.takeIn(f, content)
	case errors.Is(err, segment.ErrNone) && recent && at.size%segment.Step == 0: // made, and not written to
		r.report.Removed++
		f.Closed, f.Going, f.Reason = true, true, PowerLoss
		r.insertFile(f)
		r.touchFile(f)
	case errors.Is(err, segment.ErrForeign), err == nil && content.Seq == at.seq:
		r.report.Foreign++
	case err == nil, errors.Is(err, segment.ErrNone):
		r.other(at.name())
	case passing(err):
		return err
	default:
		r.report.Unreadable = append(r.report.Unreadable, at.name())
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
