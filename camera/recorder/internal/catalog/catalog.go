package catalog

import (
	"cmp"
	"encoding/json"
	"iter"
	"math"
	"sort"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/receipt"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// Resume is what a process made on a card before it opens it again.
type Resume struct {
	Card      ulid.ID                                       // if it is another one, the rest does not count
	Recording func(ulid.ID) bool                            // clips that it is still recording: Open does not end them
	Up        func(file uint64) (up time.Duration, ok bool) // when the first frames of files were, as for NewFile; false for files of before
	Made      []Change                                      // see Untold: those that are on the card are in the Report
}

// Options are of Open.
type Options struct {
	Now     time.Time     // wall clock, zero if unknown, and
	Up      time.Duration // the monotonic clock with it: see SetClock
	Publish bool          // changes wait until they are published, also on the card
	Upload  bool          // there is an uploader: what waits for it is evicted after the rest
	All     bool          // and it takes all that is recorded, not clips alone
	Resume  *Resume       // what this process made on a card that is opened again; nil: nothing
	Longest time.Duration // that a file can get, for bases that do not overlap; zero means 5 min
	Journal int64         // bound of the journal's files in bytes, from 4 MiB; zero means 64 MiB
}

const (
	defaultLongest = 5 * time.Minute
	defaultJournal = 64 << 20
	leastJournal   = 4 << 20
)

// Catalog is what is on the card. All methods may be called concurrently; Commit, Evict,
// Erase and Close write to the card, take turns, and wait for it; the others only change or
// read memory.
type Catalog struct {
	fsys    storage.FS
	opt     Options
	writing sync.Mutex // of those that write; taken before mu
	parted  []View     // clips that were forgotten since the last write began
	journal *storage.Journal
	slot    *slot

	mu         sync.Mutex
	clips      map[ulid.ID]*clip
	order      []*clip // by Seq
	files      map[uint64]*file
	made       []*file // by Seq
	dirtyClips []*clip
	dirtyFiles []*file
	removed    []uint64 // numbers of records to remove
	urgent     bool
	blocked    map[int32]bool // days whose folder's name a file of somebody else's has
	next       uint64         // number of the next file, clip or change
	clock      clock
	ids        ulid.IDs
}

// clip is a Clip with what only the catalog needs.
type clip struct {
	Clip
	record
	counts  [kinds]uint32 // changes so far
	durable uint64        // changes up to this Seq are on the card
	settled bool          // nothing of it waited when it was last looked at
	told    int64         // Refused then
	owed    bool          // Stored or Lost has yet to be told: see Departs
	shots   []*file       // pictures of its events that are on the card
	before  int64         // bytes of the file before the growing span
}

// file is a File with what only the catalog needs.
type file struct {
	File
	record
	clips []*clip       // that have parts of it
	up    time.Duration // of its first frame, on the monotonic clock of this boot
	timed bool          // up is known
	kept  bool          // Base goes on from the file before, though the clock was set
	loose bool          // Open had no room to close it: its record says that it is open

	underWay int // fragments: see Departs
	backlog  backlog
}

// backlog is how many bytes of a file waited for the uploader when it had so many bytes of
// receipts and so many clusters.
type backlog struct {
	sent     int
	clusters int32
	bytes    int64
}

// record is what is known of the record of a clip or file.
type record struct {
	number         uint64                     // in the journal; 0: it has none
	extra          map[string]json.RawMessage // fields of a later version
	dirty, dropped bool
}

// NewID returns an ID of the time now.
func (c *Catalog) NewID() ulid.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newID()
}

func (c *Catalog) newID() ulid.ID {
	if at := c.now(); at != 0 {
		return c.ids.New(time.UnixMilli(at))
	}
	return c.ids.New(time.Time{})
}

func (c *Catalog) now() int64 { return c.clock.time(c.clock.up) }

func (c *Catalog) seq() uint64 {
	c.next++
	return c.next - 1
}

// touchFile marks a file's record to be written.
func (c *Catalog) touchFile(f *file) {
	if !f.dirty && !f.dropped {
		f.dirty = true
		c.dirtyFiles = append(c.dirtyFiles, f)
	}
}

func (c *Catalog) touchClip(cl *clip) {
	if !cl.dirty && !cl.dropped {
		cl.dirty = true
		c.dirtyClips = append(c.dirtyClips, cl)
	}
}

// insert adds a clip in the order of sequence.
func (c *Catalog) insertClip(cl *clip) {
	c.clips[cl.ID] = cl
	i := sort.Search(len(c.order), func(i int) bool { return c.order[i].Seq >= cl.Seq })
	c.order = append(c.order, nil)
	copy(c.order[i+1:], c.order[i:])
	c.order[i] = cl
	c.next = max(c.next, cl.Seq+1)
}

func (c *Catalog) insertFile(f *file) {
	c.files[f.Seq] = f
	i := sort.Search(len(c.made), func(i int) bool { return c.made[i].Seq >= f.Seq })
	c.made = append(c.made, nil)
	copy(c.made[i+1:], c.made[i:])
	c.made[i] = f
	c.next = max(c.next, f.Seq+1)
}

// Dirty reports whether there is something to commit, and whether it should not wait:
// receipts, growth and bases go with the next commit or after some seconds.
func (c *Catalog) Dirty() (some, urgent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.dirtyClips)+len(c.dirtyFiles)+len(c.removed) > 0, c.urgent
}

// Clip returns a clip and those of its files that are known, in the order of its spans.
func (c *Catalog) Clip(id ulid.ID) (View, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clips[id]
	if cl == nil {
		return View{}, false
	}
	return c.view(cl), true
}

func (c *Catalog) view(cl *clip) View {
	v := View{Clip: cl.Clip}
	for _, s := range cl.Spans {
		if f := c.files[s.File]; f != nil {
			v.Files = append(v.Files, f.File)
		}
	}
	for _, f := range cl.shots {
		v.Pictures = append(v.Pictures, f.File)
	}
	return v
}

// File returns a file.
func (c *Catalog) File(seq uint64) (File, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.files[seq]; f != nil {
		return f.File, true
	}
	return File{}, false
}

// Clips yields all clips but deleted ones, newest first. Each is as it is when it is
// yielded; mutations meanwhile are allowed.
func (c *Catalog) Clips() iter.Seq[Clip] {
	before := func(seq uint64) (Clip, bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		i := sort.Search(len(c.order), func(i int) bool { return c.order[i].Seq >= seq })
		for i--; i >= 0; i-- {
			if !c.order[i].Deleted {
				return c.order[i].Clip, true
			}
		}
		return Clip{}, false
	}
	return func(yield func(Clip) bool) {
		for cl, ok := before(math.MaxUint64); ok && yield(cl); {
			cl, ok = before(cl.Seq)
		}
	}
}

// Files yields all media files that are on the card, oldest first, like Clips.
func (c *Catalog) Files() iter.Seq[File] {
	from := func(seq uint64) (File, bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		i := sort.Search(len(c.made), func(i int) bool { return c.made[i].Seq >= seq })
		for ; i < len(c.made); i++ {
			if f := c.made[i]; !f.Gone && !f.Going && !f.picture() {
				return f.File, true
			}
		}
		return File{}, false
	}
	return func(yield func(File) bool) {
		for f, ok := from(0); ok && yield(f); {
			f, ok = from(f.Seq + 1)
		}
	}
}

// waits returns how many bytes of a media file are neither in the cloud nor refused.
func (f *file) waits() int64 {
	if b := &f.backlog; b.sent != len(f.Sent) || b.clusters != f.Clusters {
		state, waiting, refused := make([]receipt.Outcome, f.Clusters), int64(0), int64(0)
		stored := f.Sent.Mark(0, state)
		for _, o := range state {
			switch o {
			case receipt.Waiting:
				waiting++
			case receipt.Refused:
				refused++
			case receipt.Stored:
			}
		}
		*b = backlog{len(f.Sent), f.Clusters, 0}
		if waiting > 0 {
			b.bytes = max(max(f.Bytes-stored, 0)*waiting/(waiting+refused), 1)
		}
	}
	return f.backlog.bytes
}

// Backlog returns how many media files wait for the uploader, how many bytes of them, and when
// the first one begins, in ms since 1970, 0 unknown.
func (c *Catalog) Backlog() (files int, bytes, oldest int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.made {
		if f.Gone || f.Going || f.picture() {
			continue
		}
		if n := f.waits(); n > 0 {
			files++
			bytes += n
			oldest = cmp.Or(oldest, f.Base)
		}
	}
	return files, bytes, oldest
}

// Used returns the bytes that files and journal occupy.
func (c *Catalog) Used() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used()
}

func (c *Catalog) used() int64 {
	_, bytes := c.journal.Bytes()
	for _, f := range c.made {
		if !f.Gone {
			bytes += max(f.Bytes, f.Room)
		}
	}
	return bytes
}

// Of returns the clips that have parts of a media file.
func (c *Catalog) Of(seq uint64) (list []View) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.files[seq]; f != nil {
		for _, cl := range f.clips {
			list = append(list, c.view(cl))
		}
	}
	return list
}
