package roll

import (
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// ID is a clip's ULID.
type ID [16]byte

// Event is why a clip is recorded.
type Event struct {
	At   time.Duration // when it happened, on the owner's monotonic clock
	Info any           // the owner's; passed on
}

// Kind is what a [Step] asks of the owner.
type Kind uint8

const (
	// Begin says that Clip has begun with Event, whose frames are yet to come; or, if Follows
	// is set, without an event of its own: it goes on where the clip Follows ended.
	Begin Kind = iota + 1

	// Join says that Event happened in Clip. The first 64 events of a clip are passed on, the
	// rest are counted in End.
	Join

	// Frame is a frame of Clip; with Continuous, of the one recording, and Clip is zero.
	Frame

	// Anchor says that Offset is now known and what the base of the file is computed from:
	// once for each file, after its first frame and before its end.
	Anchor

	// Span says, with Continuous alone, that Clip begins with the key frame at From. That frame
	// is in the newest file whose first frame is not later than From, or is the next one.
	Span

	// Cut says, with Continuous alone, that the file is complete: the next frame belongs to
	// another one.
	Cut

	// End says that all frames of Clip were passed on, and why no more follow. With Continuous
	// the clip is the recording between From and Until; if these are equal it has no frames.
	End

	// Warn says what keeps clips from being as they should be: once for each Warning.
	Warn
)

// Step is something for the owner to do. Which fields are set depends on Kind.
type Step struct {
	Kind    Kind
	Clip    ID
	Follows ID             // Begin: the clip before, which ended where this one begins; zero if none
	Event   *Event         // Begin, Join
	Frame   kvsmedia.Frame // Frame. Skipped counts also what the roll had to leave out before it
	Lead    bool           // Frame: it is of the leading track
	Offset  time.Duration  // Anchor: what is to be added to a PTS for the monotonic time
	From    time.Duration  // Span, End: PTS
	Until   time.Duration  // End: PTS
	Reason  Reason         // End, Cut
	Events  int            // End: all of the clip's events, those not passed on included
	Warning Warning        // Warn
	Want    time.Duration  // Warn
	Got     time.Duration  // Warn
}

// Reason is why a clip ended. Its String is what is written down.
type Reason uint8

const (
	Complete Reason = iota + 1 // the post-roll is over
	Longest                    // another clip follows without a gap; with Cut: the file is long or large enough
	Jump                       // media time jumped
	NoFrames                   // no frame came for 10 s
	NoKey                      // no key frame of the leading track came for 30 s
	Stopped                    // the source ended
)

// String returns words for people, such as "no frames came".
func (r Reason) String() string { panic("not yet") }

// Warning is what keeps clips from being as they should be.
type Warning uint8

const (
	// LongGOP says that key frames are further apart (Got) than the pre-roll is long (Want), so
	// that clips begin earlier and end later than asked.
	LongGOP Warning = iota + 1

	// ShortReach says that the source reached less far back (Got) than asked (Want).
	ShortReach

	// MissingKey says that no key frame of the leading track has come for so long (Got): frames
	// that come are lost unless a clip has begun before. It is given once until a key frame comes.
	MissingKey
)
