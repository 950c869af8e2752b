// Package catalog knows what is on the card: media files, pictures of events, clips, receipts
// of the service and changes that have yet to be published.
//
// Everything is in memory; the card has one record of each file and of each clip in a
// storage.Journal. A mutation changes memory and marks the record; [Catalog.Commit] writes
// what is marked, all or nothing. Order is by sequence numbers, never by times.
//
// A media file is wanted as long as its record is. What is not recorded as closed is read:
// truth about a file comes from its content ([segment.Scan]), never from names, sizes or
// times. What [Open] finds is either taken in, removed by a record that says so, or left
// alone and counted.
//
// Invariants, after Open and after each Commit:
//   - A file of ours on the card has a record, or was made after the last Commit.
//   - A file that is to be removed is recorded so before it is removed, unless the card has no
//     room for that, and the record stays until the removal is durable.
//   - An event that had a picture has its file, says that it was put into the cloud, or why
//     there is none.
//   - A change is published only when it is on the card, and a clip has one "started" and
//     one "ended".
package catalog

import "errors"

// Bounds of what comes from outside or grows for ever.
const (
	MaxClips      = 20_000  // on the device or known to be in the cloud
	MaxEvents     = 64      // of a clip; more are counted
	MaxSpans      = 256     // of a clip
	MaxMissing    = 64      // stretches of a clip that were not recorded; more are summed up
	MaxPending    = 4096    // clips that are gone but have changes to publish
	maxType       = 64      // bytes
	maxClusters   = 1 << 20 // of a file
	maxTags       = 5
	maxTagName    = 128      // bytes, "PutMedia" of the service
	maxTagValue   = 256      // bytes
	maxReason     = 200      // bytes
	maxEventBytes = 16 << 10 // of a clip's events as JSON
	maxHeader     = 1 << 10  // of the event in a file's header
	maxKey        = 512      // bytes, of a picture
	MaxImages     = 2        // fragments that are asked for images of an event
)

// Errors of mutations.
var (
	// ErrUnknown: no such clip or file; it may have been deleted meanwhile.
	ErrUnknown = errors.New("catalog: no such clip or file")

	// ErrFull: the clip has MaxSpans spans: end it and begin another.
	ErrFull = errors.New("catalog: the clip has too many parts")

	// ErrEvent: a string of the event is too long or no UTF-8, or it has too many tags.
	ErrEvent = errors.New("catalog: the event is out of bounds")
)
