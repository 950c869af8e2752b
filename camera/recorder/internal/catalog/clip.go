package catalog

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/receipt"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// serviceTags are the service's own that have a meaning for it ("PutMedia").
var serviceTags = []string{"AWS_KINESISVIDEO_IMAGE_GENERATION", "AWS_KINESISVIDEO_IMAGE_PREFIX", "AWS_KINESISVIDEO_NOTIFICATION"}

// Event is why a clip is recorded.
type Event struct {
	ID    ulid.ID
	Type  string // at most 64 bytes
	Time  int64  // ms since 1970, 0 unknown
	Score float64
	Tags  map[string]string // at most five, names of 128 and values of 256 bytes; not changed any more

	Picture Picture
	Images  uint8 // fragments in the cloud that ask for images of it, at most MaxImages
}

// Check returns ErrEvent if a string of e is out of bounds, or a tag is one for which the
// service would refuse the fragment.
func (e Event) Check() error {
	ok := len(e.Type) <= maxType && utf8.ValidString(e.Type) && len(e.Tags) <= maxTags && e.Score-e.Score == 0 &&
		len(e.Picture.Key) <= maxKey && utf8.ValidString(e.Picture.Key)
	for k, v := range e.Tags {
		ok = ok && k != "" && len(k) <= maxTagName && len(v) <= maxTagValue && utf8.ValidString(k) && utf8.ValidString(v) &&
			!strings.Contains(k+v, "\x00") && (!strings.HasPrefix(k, "AWS") || slices.Contains(serviceTags, k))
	}
	if !ok {
		return ErrEvent
	}
	return nil
}

// Span is a run of clusters of a file.
type Span struct {
	File        uint64        // sequence of the file
	First, Last int32         // clusters, both included; Last < First while there is none
	Growing     bool          // it reaches to the end of the file, which is being recorded
	Start, End  time.Duration // media time from the file's first frame, ms
	Bytes       int64
}

// Missing is a stretch of a clip that is not there.
type Missing struct {
	Start  int64 // ms since 1970, 0 unknown
	Length time.Duration
	Frames int
	Bytes  int64
	Reason string
}

// Reasons of the catalog's own: why a clip or file ended, and why media are missing.
const (
	PowerLoss = "power loss" // found by Open
	Evicted   = "evicted"    // made room
	Expired   = "too old"    // older than MaxAge
	Deleted   = "deleted"    // by Delete
	Vanished  = "removed from the card by somebody else"
	Damaged   = "damaged on the card"
)

// Kind is what a Change tells.
type Kind uint8

// The kinds of changes.
const (
	Started     Kind = iota + 1
	Ended            // all that was recorded is on the card and can be read
	Stored           // all of the clip is in the cloud
	Lost             // a part of it never will be
	EvictedClip      // nothing or not all of it is on the card any more
	Pictured         // the picture of an event is in the cloud, or never will be
	kinds
)

var kindNames = [kinds]string{Started: "started", Ended: "ended", Stored: "stored", Lost: "lost", EvictedClip: "evicted", Pictured: "picture"}

// String returns the name, such as "ended".
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return ""
}

// Change is one step of a clip's life.
type Change struct {
	ID   ulid.ID // follows from Clip, Kind and N: the same at each repetition, also after a restart
	Clip ulid.ID
	Kind Kind
	N    int    // which one of its kind, from 1
	Seq  uint64 // order of all changes
	At   int64  // ms since 1970, 0 unknown
}

// Clip is what is known of a clip at one moment. What its fields point to is never changed.
type Clip struct {
	ID        ulid.ID
	Seq       uint64
	Boot      uint32
	Events    []Event
	More      int // further events, not kept
	Spans     []Span
	Missing   []Missing // what was not recorded
	Protected bool
	Ended     bool
	Deleted   bool   // it is kept for its changes alone; Clips leaves it out
	Reason    string // why it ended

	Start, End int64 // ms since 1970; 0 unknown
	Estimated  bool  // Start is the latest that it can be
	Bytes      int64
	Sent       int64    // bytes of it that are PERSISTED
	Refused    int64    // bytes of it that never will be: refused by the service, or gone before
	Waiting    int32    // clusters of it on the card that are neither
	OnCard     bool     // all of its spans are on the card
	Gone       bool     // none of them is
	Pending    []Change // not yet published, in order
}

// View is a clip with its files at one moment.
type View struct {
	Clip
	Files    []File
	Pictures []File // of its events, that are on the card
}

// Removed is why the clip, or a part of it, is not on the card any more; empty if it is.
func (v View) Removed() string {
	for _, f := range v.Files {
		if f.Going || f.Gone {
			return f.Reason
		}
	}
	if v.Deleted {
		return Deleted
	}
	return ""
}

// Run is a stretch of a clip in the stream.
type Run struct {
	First, Last string // numbers of the fragments
	Start, End  int64  // ms since 1970
	Fragments   int
}

// Fragment is a receipt for a part of a clip.
type Fragment struct {
	receipt.Receipt
	File uint64
	Time int64 // producer timestamp, ms since 1970; 0 unknown
}

// Fragments yields the receipts of the clip's parts, in the order of the clip.
func (v View) Fragments() iter.Seq[Fragment] {
	return func(yield func(Fragment) bool) {
		for _, s := range v.Spans {
			i := slices.IndexFunc(v.Files, func(f File) bool { return f.Seq == s.File })
			if i < 0 {
				continue
			}
			f := v.Files[i]
			all := slices.SortedFunc(f.Sent.All(), func(a, b receipt.Receipt) int { return cmp.Compare(a.From, b.From) })
			for _, r := range all {
				if r.To < s.First || r.From > s.Last {
					continue
				}
				part := Fragment{Receipt: r, File: f.Seq}
				if f.Base != 0 {
					part.Time = f.Base + r.Start.Milliseconds()
				}
				if !yield(part) {
					return
				}
			}
		}
	}
}

// Runs returns where the clip is in the stream.
func (v View) Runs() (runs []Run) {
	last := ""
	for f := range v.Fragments() {
		if f.Number == "" {
			continue
		}
		if len(runs) == 0 || f.Run != last {
			runs = append(runs, Run{First: f.Number, Start: f.Time})
			last = f.Run
		}
		run := &runs[len(runs)-1]
		run.Last, run.Fragments = f.Number, run.Fragments+1
		if f.Time != 0 {
			run.End = f.Time + (f.End - f.Start).Milliseconds()
		}
	}
	return runs
}

// Lacks returns what is not there, and why: first what was not recorded, then what never
// will be uploaded because the service refused it or it went before.
func (v View) Lacks() []Missing {
	out := slices.Clone(v.Missing)
	for f := range v.Fragments() {
		if f.Number == "" {
			out = append(out, Missing{Start: f.Time, Length: f.End - f.Start, Bytes: f.Bytes, Reason: f.Err})
		}
	}
	for _, s := range v.Spans {
		i := slices.IndexFunc(v.Files, func(f File) bool { return f.Seq == s.File })
		if s.Last < s.First || i >= 0 && !v.Files[i].Going && !v.Files[i].Gone {
			continue
		}
		m := Missing{Length: s.End - s.Start, Bytes: s.Bytes, Reason: Vanished}
		if i >= 0 {
			m = remainder(s, v.Files[i])
		}
		if m.Bytes > 0 {
			out = append(out, m)
		}
	}
	return out
}

// remainder is what has no receipt of a span whose file went.
func remainder(s Span, f File) Missing {
	m := Missing{Length: s.End - s.Start, Bytes: s.Bytes, Reason: f.Reason}
	if f.Sent.Covers(s.First, s.Last) {
		return Missing{}
	}
	from := s.Start
	for r := range f.Sent.All() {
		if r.To >= s.First && r.From <= s.Last {
			m.Bytes -= r.Bytes
			m.Length -= r.End - r.Start
			if r.Start <= from {
				from = max(from, r.End)
			}
		}
	}
	m.Bytes, m.Length = max(m.Bytes, 1), max(m.Length, time.Millisecond)
	if f.Base != 0 {
		m.Start = f.Base + from.Milliseconds()
	}
	return m
}

// File is what is known of a media file, or of the picture of an event, at one moment.
type File struct {
	Seq       uint64
	Clip      ulid.ID // whose it is alone; zero with Continuous
	Event     ulid.ID // of a picture; zero of a media file
	Day       int32   // days since 1970 of its folder
	Boot      uint32  // in which it was made; 0 unknown
	Base      int64   // ms since 1970 of its first frame; 0 unknown
	Estimated bool    // Base is the latest that it can be
	Settled   bool    // Base is known and on the card, or comes there with the first block: it stays
	Follows   bool    // with Continuous: nothing is missing since the file before, whatever the bases say
	Length    time.Duration
	Bytes     int64 // committed
	Room      int64 // what it occupies: preallocated while it is recorded
	Clusters  int32
	Closed    bool   // it is complete
	Going     bool   // it is to be removed, or being removed
	Gone      bool   // it is no longer on the card; its receipts are kept for the clips that have parts of it
	Reason    string // why it was closed, or went
	Sent      receipt.List
}

// Name returns the file's name, such as "2026-11-30/0000012a.mkv".
func (f *File) Name() string { return f.Folder() + "/" + fileName(f.Seq, f.picture()) }

func (f *File) picture() bool { return !f.Event.IsZero() }

// Folder returns the folder of the day.
func (f *File) Folder() string { return folderName(f.Day) }

// The ends of names: of media, and of pictures.
const (
	mediaExt   = ".mkv"
	pictureExt = ".jpg"
)

func fileName(seq uint64, picture bool) string {
	if picture {
		return fmt.Sprintf("%08x"+pictureExt, seq)
	}
	return fmt.Sprintf("%08x"+mediaExt, seq)
}

func folderName(day int32) string {
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}

// parseFolder returns the day of a folder of ours.
func parseFolder(name string) (day int32, ok bool) {
	t, err := time.Parse(time.DateOnly, name)
	return int32(t.Unix() / 86400), err == nil
}

// parseName returns the sequence of a file of ours, and whether it is a picture.
func parseName(name string) (seq uint64, picture, ok bool) {
	hex, media := strings.CutSuffix(name, mediaExt)
	if !media {
		hex, picture = strings.CutSuffix(name, pictureExt)
	}
	seq, err := strconv.ParseUint(hex, 16, 64)
	return seq, picture, err == nil && fileName(seq, picture) == name
}
