package catalog

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// Room is what Evict left.
type Room uint8

// The outcomes of Evict.
const (
	Fits  Room = iota + 1 // the limits are kept
	More                  // more has to go: call it again soon
	Stuck                 // the limits are not kept, and nothing is left that may go
)

// atOnce is how many files one Evict removes: on a slow card each takes some 50 ms.
const atOnce = 8

// Evict removes from the card what Delete and age (zero: no limit) have chosen, and then
// what is chosen until no more than limit bytes are used (below zero: that others leave too
// little room for anything) and MaxClips known: what does not
// wait for the uploader before what does, the oldest sequence first; protected clips only
// when nothing else is left and that is enough, and never by age; never what is being recorded. It commits, and
// removes some eight files in one call so that frames do not wait for long. On a card without
// any room it removes them first: an error of storage.Full says that even then nothing could
// be written. The changes are those that Commit returned.
func (c *Catalog) Evict(limit int64, age time.Duration) ([]Change, Room, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	c.parted = nil
	room := c.pick(limit, age)
	going := c.going()
	c.mu.Unlock()
	changes, err := c.clear(going[:min(len(going), atOnce)])
	if len(going) > atOnce {
		room = More
	}
	if err == nil && room == Fits {
		err = c.mend()
	}
	return changes, room, err
}

// clear commits, and then removes files. A card that is too full to write anything down has
// them removed before: what a power cut comes between is found to be missing.
func (c *Catalog) clear(going []*file) ([]Change, error) {
	changes, err := c.commit()
	full := storage.Classify(err) == storage.Full && len(going) > 0
	if err != nil && !full {
		return changes, err
	}
	if err := c.sweep(going); err != nil || !full {
		return changes, err
	}
	more, err := c.commit()
	return append(changes, more...), err
}

// going returns the files that are to be removed.
func (c *Catalog) going() (files []*file) {
	for _, f := range c.made {
		if f.Going && !f.Gone {
			files = append(files, f)
		}
	}
	return files
}

// pick chooses what goes, and says what will be left when it is gone.
func (c *Catalog) pick(limit int64, age time.Duration) Room {
	all := true
	if age > 0 && c.clock.steady() {
		all = c.send(c.old(age), Expired)
	}
	c.leave()
	over, clips := c.overBytes(limit), c.overClips()
	clips -= c.forgetGone(clips)
	var units []unit
	if over > 0 || clips > 0 {
		units = choose(c.units(), over, clips)
	}
	all = c.send(units, Evicted) && all
	for _, u := range units {
		clips -= u.clips
	}
	switch {
	case !all:
		return More
	case c.overBytes(limit) <= 0 && clips <= 0:
		return Fits
	}
	return Stuck
}

// send marks the files of units to be removed, until atOnce or a few more are, and reports
// whether that is all.
func (c *Catalog) send(units []unit, reason string) bool {
	free := atOnce - len(c.going())
	for _, u := range units {
		if free <= 0 {
			return false
		}
		free -= len(u.files)
		c.remove(u.files, reason)
	}
	return true
}

// remove marks files to be removed; their clips change.
func (c *Catalog) remove(files []*file, reason string) {
	var clips []*clip
	for _, f := range files {
		if f.picture() {
			if c.removePicture(f, reason); f.clips[0].Bytes > 0 {
				continue // the clip is there with its media, or goes with them
			}
		}
		f.Going, f.Reason = true, reason
		c.touchFile(f)
		for _, cl := range f.clips {
			if !slices.Contains(clips, cl) {
				clips = append(clips, cl)
			}
		}
	}
	for _, cl := range clips {
		if !cl.Deleted {
			c.away(cl)
		}
	}
	c.urgent = true
}

func (c *Catalog) overBytes(limit int64) int64 {
	over := c.used() - limit
	for _, f := range c.going() {
		over -= max(f.Bytes, f.Room)
	}
	return over
}

// overClips is how many clips are too many: at least one if the journal has little room. It
// holds 3/8 of its bound.
func (c *Catalog) overClips() int {
	over := max(len(c.order)-MaxClips, c.untold()-MaxPending, 0)
	if live, _ := c.journal.Bytes(); live > c.opt.Journal/3 {
		over = max(over, len(c.order)/100, 1)
	}
	return over
}

// untold is how many clips are kept for their changes alone.
func (c *Catalog) untold() (n int) {
	for _, cl := range c.order {
		if len(cl.Pending) > 0 && cl.Gone && (cl.Sent == 0 || cl.Deleted) {
			n++
		}
	}
	return n
}

// units returns what can be evicted, in the order in which it was made.
func (c *Catalog) units() (units []unit) {
	of := make(map[ulid.ID]int)
	for _, f := range c.made {
		cl := c.clips[f.Clip]
		if f.Gone || f.Going || cl == nil && !f.Clip.IsZero() {
			continue
		}
		i, ok := of[f.Clip]
		if !ok || cl == nil {
			i = len(units)
			of[f.Clip] = i
			units = append(units, unit{seq: f.Seq})
		}
		u := &units[i]
		u.files = append(u.files, f)
		u.bytes += max(f.Bytes, f.Room)
		u.busy = u.busy || !f.Closed
		u.waiting = u.waiting || c.opt.All && !f.picture() && f.waits() > 0
		for _, cl := range f.clips {
			if !cl.Deleted {
				u.busy, u.protected = u.busy || !cl.Ended, u.protected || cl.Protected
				u.waiting = u.waiting || c.opt.Upload && cl.Waiting > 0 || f.picture() && c.waits(f)
			}
			if !f.picture() || cl.Bytes == 0 { // with its media a clip goes, not with its pictures
				u.clips = max(u.clips, len(f.clips))
			}
		}
	}
	return units
}

// old returns the units that ended longer than age ago. This boot's are not older than it.
func (c *Catalog) old(age time.Duration) []unit {
	units := c.units()
	ends := make([]int64, len(units))
	for i, u := range units {
		for _, f := range u.files {
			if at := c.timeOf(f); at != 0 && (f.Boot != c.slot.Boot || c.clock.up-c.opt.Up >= age) {
				ends[i] = max(ends[i], at+f.Length.Milliseconds())
			}
		}
	}
	now := c.now()
	return expired(units, ends, now, now-age.Milliseconds())
}

// sweep removes files from the card and notes that they are gone once that is durable.
func (c *Catalog) sweep(going []*file) error {
	var folders []string
	for _, f := range going {
		if err := removeFile(c.fsys, f.Name()); err != nil {
			return err
		}
		if !slices.Contains(folders, f.Folder()) {
			folders = append(folders, f.Folder())
		}
	}
	for _, folder := range folders {
		if err := c.fsys.SyncDir(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	c.mu.Lock()
	for _, f := range going {
		f.Gone, f.Room = true, 0
		c.touchFile(f)
		if f.picture() {
			c.dropFile(f)
		}
		for _, cl := range slices.Clone(f.clips) {
			c.retire(cl)
		}
		if len(f.clips) == 0 && !f.dropped {
			c.dropFile(f)
		}
	}
	for _, f := range c.made {
		if !f.Gone {
			folders = slices.DeleteFunc(folders, func(s string) bool { return s == f.Folder() })
		}
	}
	c.mu.Unlock()
	for _, folder := range folders {
		_ = c.fsys.Remove(folder) // it stays if somebody else has files in it
	}
	return nil
}

// removeFile removes a file that may be gone already.
func removeFile(fsys storage.FS, name string) error {
	if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Delete chooses clips and what only they have for Evict; with Continuous the recording
// stays. It is durable with the next Commit. A clip that is being recorded has to be ended
// before. Unknown ones are left out.
func (c *Catalog) Delete(ids ...ulid.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		cl := c.clips[id]
		if cl == nil || cl.Deleted || !cl.Ended {
			continue
		}
		cl.Deleted, cl.Protected, c.urgent = true, false, true
		for _, s := range cl.Spans {
			if f := c.files[s.File]; f != nil && f.Clip == id && !f.Gone && !f.Going {
				f.Going, f.Reason = true, Deleted
				c.touchFile(f)
			}
		}
		for _, f := range cl.shots {
			c.removePicture(f, Deleted)
		}
		c.away(cl)
	}
}

// unit is what goes as a whole: a clip with its files, or a file of Continuous.
type unit struct {
	seq       uint64 // of its first file
	bytes     int64
	files     []*file // on the card
	clips     int     // that have parts of it
	waiting   bool    // a part of it is yet to be uploaded
	protected bool
	busy      bool // is being recorded
}

// rank is the order in which units go.
func (u unit) rank() int {
	switch {
	case u.protected:
		return 2
	case u.waiting:
		return 1
	}
	return 0
}

// choose returns the units whose removal frees so many bytes and clips, in the order in which
// they go: what does not wait for upload before what does, protected ones last, the oldest
// first. More than are wanted do not go, and no protected one if all of them are too few.
func choose(units []unit, bytes int64, clips int) (chosen []unit) {
	units = slices.DeleteFunc(slices.Clone(units), func(u unit) bool { return u.busy })
	slices.SortFunc(units, func(a, b unit) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.seq, b.seq))
	})
	for i, u := range units {
		if u.protected && (i == 0 || !units[i-1].protected) && !enough(units[i:], bytes, clips) {
			break
		}
		if bytes > 0 || clips > 0 && u.clips > 0 {
			chosen, bytes, clips = append(chosen, u), bytes-u.bytes, clips-u.clips
		}
	}
	return chosen
}

// enough reports whether units have so many bytes and clips.
func enough(units []unit, bytes int64, clips int) bool {
	for _, u := range units {
		bytes, clips = bytes-u.bytes, clips-u.clips
	}
	return bytes <= 0 && clips <= 0
}

// expired returns the units, given in the order in which they were made, that ended before
// a time in ms since 1970 and are neither protected nor being recorded.
func expired(units []unit, ends []int64, now, before int64) (chosen []unit) {
	for i, end := range ages(ends, now) {
		if u := units[i]; end != 0 && end < before && !u.protected && !u.busy {
			chosen = append(chosen, u)
		}
	}
	return chosen
}
