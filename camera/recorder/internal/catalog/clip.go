package catalog

import (
	"time"
	"unicode/utf8"
)

// Event is why a clip is recorded.
type Event struct {
	ID    ID
	Type  string // at most 64 bytes
	Time  int64  // ms since 1970, 0 unknown
	Score float64
	Tags  map[string]string // at most five, names of 128 and values of 256 bytes; not changed any more
}

// Check returns ErrEvent if a string of e is out of bounds.
func (e Event) Check() error {
	ok := len(e.Type) <= maxType && utf8.ValidString(e.Type) && len(e.Tags) <= maxTags && e.Score-e.Score == 0
	for k, v := range e.Tags {
		ok = ok && len(k) <= maxTagName && len(v) <= maxTagValue && utf8.ValidString(k) && utf8.ValidString(v)
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
	kinds
)

var kindNames = [kinds]string{Started: "started", Ended: "ended", Stored: "stored", Lost: "lost", EvictedClip: "evicted"}

// String returns the name, such as "ended".
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return ""
}

// Change is one step of a clip's life.
type Change struct {
	ID   ID // follows from Clip, Kind and N: the same at each repetition, also after a restart
	Clip ID
	Kind Kind
	N    int    // which one of its kind, from 1
	Seq  uint64 // order of all changes
	At   int64  // ms since 1970, 0 unknown
}

// Clip is what is known of a clip at one moment. What its fields point to is never changed.
type Clip struct {
	ID        ID
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
