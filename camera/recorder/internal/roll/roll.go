package roll

import (
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Config says what is recorded.
type Config struct {
	Tracks []*kvsmedia.Track // those that are recorded; frames of others are left out

	PreRoll  time.Duration // before an event
	PostRoll time.Duration // after the last event of a clip
	Longest  time.Duration // of a clip, unless a single GOP is longer

	Continuous bool          // one recording without end; a clip is a span of it
	FileTime   time.Duration // after which a file of it ends; zero means 5 min
	FileBytes  int64         // after which a file of it ends; zero means 256 MiB

	NewID func() ID // names a clip; required
}

// Roll turns events and frames into steps. Its methods are called by one goroutine at a
// time, with a time that never falls. The steps that they return are valid until the next
// call.
type Roll struct{}

// New returns a Roll to which no event happened.
func New(cfg Config) *Roll { panic("not yet") }

// Trigger takes an event and returns the clip that it belongs to, which goes on until
// PostRoll after it: the one that is being recorded, or one that begins. An event of the
// future counts as now, one of more than an hour ago as of an hour ago.
func (r *Roll) Trigger(now time.Duration, e Event) (ID, []Step) { panic("not yet") }

// Wanted reports whether frames are wanted: the owner loops over the source as long as it
// is true.
func (r *Roll) Wanted() bool { panic("not yet") }

// Start says that a loop over the source begins, and returns the pre-roll to ask the
// source for; wanted is false if there should be no loop.
func (r *Roll) Start(now time.Duration) (preRoll time.Duration, wanted bool) { panic("not yet") }

// Frame takes a frame of the loop, which arrived now.
func (r *Roll) Frame(now time.Duration, f kvsmedia.Frame) []Step { panic("not yet") }

// Tick takes note of the time, about once a second: it ends a clip whose frames have
// stopped, and warns of missing key frames.
func (r *Roll) Tick(now time.Duration) []Step { panic("not yet") }

// SourceEnded says that the loop has ended although frames are wanted, and ends what is
// being recorded.
func (r *Roll) SourceEnded(now time.Duration) []Step { panic("not yet") }
