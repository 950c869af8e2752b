package catalog

import (
	"iter"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// Options are of Open.
type Options struct {
	Now     time.Time     // wall clock, zero if unknown, and
	Up      time.Duration // the monotonic clock with it: see SetClock
	Publish bool          // changes wait until they are published, also on the card
	Upload  bool          // there is an uploader: clips that wait for it are evicted after others
	All     bool          // and it takes all that is recorded, not clips alone
	Longest time.Duration // that a file can get, for bases that do not overlap; zero means 5 min
	Journal int64         // bytes of the journal; zero means 64 MiB
}

// Report is what Open found.
type Report struct {
	Card       ID     // random, of this card
	New        bool   // nothing of ours was on it
	Newer      bool   // a newer firmware used it: its journal is left alone, another one is used
	Boot       uint32 // counts up at each Open
	Clips      int
	Files      int
	PowerLoss  []ID           // clips that were being recorded
	TakenIn    []uint64       // files that no record knew
	Lost       []string       // files of records that are not there, or have less than the record says
	Unreadable []string       // files that could not be read: left as they are
	Foreign    int            // files and records of a newer format, and files with names like ours: left alone
	Removed    int            // files without any content that were ours
	Damage     storage.Damage // of the journal
	Records    int            // of the journal that could be read but not be understood: left alone
}

// Catalog is what is on the card. All methods may be called concurrently; Commit, Evict,
// Erase and Close write to the card, take turns, and wait for it; the others only change or
// read memory.
type Catalog struct{}

// Open reads the journal and the folders, reads and repairs the files that were not
// closed, takes in those that no record knows, and ends each clip that was being recorded
// with the reason PowerLoss. It may be cut by a power loss at every operation and comes
// to the same result the next time. The error is of the storage.
func Open(fsys storage.FS, opt Options) (*Catalog, *Report, error) { panic("not yet") }

// Close commits and closes the journal; the FS stays open. Clips and files that are still
// being recorded are found as after a power loss.
func (c *Catalog) Close() error { panic("not yet") }

// Commit writes what was changed since the last one, all or nothing, and returns the
// changes of clips that are thereby on the card, in order. It does nothing if nothing
// changed. After an error everything is as before and the next Commit tries again.
func (c *Catalog) Commit() ([]Change, error) { panic("not yet") }

// Dirty reports whether there is something to commit, and whether it should not wait:
// receipts, growth and bases go with the next commit or after some seconds.
func (c *Catalog) Dirty() (some, urgent bool) { panic("not yet") }

// SetClock tells the wall clock (zero if it is not known, as are times before 2020) and the
// monotonic one, once a second or so. With the first time that is known it stamps the
// files that have none: of this boot exactly, of earlier ones with the latest time that
// they can have.
func (c *Catalog) SetClock(now time.Time, up time.Duration) { panic("not yet") }

// Steady reports whether the clock ran for an hour without a step of more than a minute:
// only then Evict judges age.
func (c *Catalog) Steady() bool { panic("not yet") }

// NewID returns an ID of the time now.
func (c *Catalog) NewID() ID { panic("not yet") }

// Begin makes a clip, with the change Started. An ID of zero makes one.
func (c *Catalog) Begin(id ID, e Event) (ID, error) { panic("not yet") }

// AddEvent adds a further event. One whose ID the clip has is the same; beyond MaxEvents
// they are counted.
func (c *Catalog) AddEvent(clip ID, e Event) error { panic("not yet") }

// NewFile makes the record of a file of clip (zero with Continuous) whose first frame is of
// up on the monotonic clock, and returns it with the header to create it with. A clip
// has its file's clusters as its next span. Commit first and create then, or the other
// way round: a file without a record is taken in by Open.
func (c *Catalog) NewFile(clip ID, up time.Duration) (File, segment.Header, error) { panic("not yet") }

// Grow tells what of a file is committed: its clusters, the media time after the last one,
// the bytes, and what it occupies.
func (c *Catalog) Grow(file uint64, clusters int, length time.Duration, bytes, room int64) error {
	panic("not yet")
}

// CloseFile tells that a file is complete and will not change any more. A file that has
// no clusters is removed by the next Evict.
func (c *Catalog) CloseFile(file uint64, reason string) error { panic("not yet") }

// SetSpan sets the clip's span of s.File, or adds it as its last one. A growing one
// follows Grow until the clip ends. It is for Continuous.
func (c *Catalog) SetSpan(clip ID, s Span) error { panic("not yet") }

// Lose adds what could not be recorded of a clip.
func (c *Catalog) Lose(clip ID, m Missing) error { panic("not yet") }

// End ends a clip for reason, with the change Ended: its file has to be closed, or with
// Continuous its span to be committed. A clip that has ended is left as it is.
func (c *Catalog) End(clip ID, reason string) error { panic("not yet") }

// Receive notes what became of a fragment, with the changes Stored or Lost once nothing
// of a clip waits any more. A fragment that has a number already keeps it.
func (c *Catalog) Receive(file uint64, r Receipt) error { panic("not yet") }

// Protect says that a clip is evicted only if nothing else is left, and never by age.
func (c *Catalog) Protect(clip ID, on bool) error { panic("not yet") }

// Published tells that a change is safe where it was to go.
func (c *Catalog) Published(change Change) { panic("not yet") }

// Pending returns the changes that are on the card and not published, in order: at most n.
func (c *Catalog) Pending(n int) []Change { panic("not yet") }

// Clip returns a clip and those of its files that are known, in the order of its spans.
func (c *Catalog) Clip(id ID) (View, bool) { panic("not yet") }

// File returns a file.
func (c *Catalog) File(seq uint64) (File, bool) { panic("not yet") }

// Clips yields all clips, newest first. Each is as it is when it is yielded; mutations
// meanwhile are allowed.
func (c *Catalog) Clips() iter.Seq[Clip] { panic("not yet") }

// Files yields all files that are on the card, oldest first, like Clips.
func (c *Catalog) Files() iter.Seq[File] { panic("not yet") }

// Used returns the bytes that files and journal occupy.
func (c *Catalog) Used() int64 { panic("not yet") }

// View is a clip with its files at one moment.
type View struct {
	Clip
	Files []File
}

// Run is a stretch of a clip in the stream.
type Run struct {
	First, Last string // numbers of the fragments
	Start, End  int64  // ms since 1970
	Fragments   int
}

// Fragment is a receipt for a part of a clip.
type Fragment struct {
	Receipt
	File uint64
	Time int64 // producer timestamp, ms since 1970; 0 unknown
}

// Fragments yields the receipts of the clip's parts, in the order of the clip.
func (v View) Fragments() iter.Seq[Fragment] { panic("not yet") }

// Runs returns where the clip is in the stream.
func (v View) Runs() []Run { panic("not yet") }

// Lacks returns what is not there, and why: first what was not recorded, then what never
// will be uploaded.
func (v View) Lacks() []Missing { panic("not yet") }
