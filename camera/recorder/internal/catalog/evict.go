package catalog

import "time"

// Room is what Evict left.
type Room uint8

// The outcomes of Evict.
const (
	Fits  Room = iota + 1 // the limits are kept
	More                  // more has to go: call it again soon
	Stuck                 // the limits are not kept, and nothing is left that may go
)

// Evict removes from the card what Delete and age (zero: no limit) have chosen, and then
// what is chosen until no more than limit bytes are used and MaxClips known: what does not
// wait for the uploader before what does, the oldest sequence first; protected clips only
// when nothing else is left, and never by age; never what is being recorded. It commits, and
// removes at most eight files in one call so that frames do not wait for long. The
// changes are those that Commit returned.
func (c *Catalog) Evict(limit int64, age time.Duration) ([]Change, Room, error) { panic("not yet") }

// Delete chooses clips and what only they have for Evict; with Continuous the recording
// stays. It is durable with the next Commit. A clip that is being recorded has to be ended
// before. Unknown ones are left out.
func (c *Catalog) Delete(clips ...ID) { panic("not yet") }

// Erase removes everything of ours, newer formats included, and begins anew with another
// card ID. A power loss meanwhile does not stop it: Open goes on with it. Files that are
// being recorded have to be closed before.
func (c *Catalog) Erase() error { panic("not yet") }
