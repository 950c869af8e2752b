package roll

import (
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// ID is a clip's ULID.
type ID [16]byte

// Event is why a clip is recorded.
type Event struct {
	ID    ID            // one that the clip has already is the same event; zero is none
	At    time.Duration // when it happened, on the owner's monotonic clock
	Score float64       // how sure it is, from 0 to 1
	Info  any           // the owner's, passed on
	Held  []byte        // what it brings along, passed on
}

// Kind is what a [Step] asks of the owner.
type Kind uint8

const (
	// Begin says that Clip has begun with Event, whose frames are yet to come; or, if Follows
	// is set, without an event of its own: it goes on where the clip Follows ended.
	Begin Kind = iota + 1

	// Join says that Event happened in Clip. The first 64 events of a clip are passed on, the
	// rest are counted in End. With Again it is one of these, which is surer now by a hundredth,
	// or holds something for the first time.
	Join

	// Frame is a frame of Clip; with Continuous, of the one recording, and Clip is zero.
	Frame

	// Anchor says what to add to a PTS of Clip, or with Continuous of the file, for the monotonic
	// time. It comes once, between the first Frame and End or Cut: as soon as the pre-roll has
	// been read, so that Offset is right. Files that end before that, as they are long enough,
	// have none of their own: that of the next one is theirs too.
	Anchor

	// Span says, with Continuous alone, that Clip begins with the key frame at From. That frame
	// is in the newest file whose first frame is not later than From, or is about to come.
	Span

	// Cut says, with Continuous alone, that the file is complete: the next frame belongs to
	// another one.
	Cut

	// End says that all frames of Clip were passed on, and why no more follow: there is one for
	// each Begin. With Continuous the clip is the recording from From until before Until; if these
	// are equal it has no frames.
	End

	// Late says that Clip began Got after Event, its first one, or with Want so long after what
	// came before: neither it nor another one has that time. It comes before End.
	Late

	// Warn says what keeps clips from being as they should be: once for each Warning.
	Warn
)

// Step is something for the owner to do. Which fields are set depends on Kind.
type Step struct {
	Kind    Kind
	Clip    ID
	Follows ID             // Begin: the clip before, which ended where this one begins; zero if none
	Event   *Event         // Begin, Join, Late
	Again   bool           // Join
	Frame   kvsmedia.Frame // Frame. Skipped counts also what the roll had to leave out before it
	Lead    bool           // Frame: it is of the leading track
	Offset  time.Duration  // Anchor
	From    time.Duration  // Span, End: PTS of the clip's first key frame
	Until   time.Duration  // End: PTS of what comes after the clip's last frame
	Reason  Reason         // End, Cut
	Events  int            // End: all of the clip's events, those not passed on included
	Skipped int            // End: frames that a queue dropped after the clip's, or the recording's, last one
	Warning Warning        // Warn
	Want    time.Duration  // Warn, Late
	Got     time.Duration  // Warn, Late
}

// Reason is why a clip ended. Its String is what is written down.
type Reason uint8

// The reasons.
const (
	EventOver   Reason = iota + 1 // and its post-roll
	Longest                       // another clip follows without a gap; of a Cut: the file is long or large enough
	Jump                          // media time jumped; another clip follows if the event goes on
	NoFrames                      // none came for 10 s
	NoKey                         // the clip has not begun as no key frame of the leading track came for 30 s
	SourceEnded                   // the loop ended
	Stopped                       // Roll.Stop was called
	Deleted                       // Roll.Delete was called
)

var reasons = [...]string{
	EventOver: "event over", Longest: "longest clip", Jump: "media time jumped", NoFrames: "no more frames",
	NoKey: "no key frame", SourceEnded: "no more frames", Stopped: "recorder stopped", Deleted: "deleted",
}

// String returns words for people, such as "media time jumped".
func (r Reason) String() string { return reasons[r] }

// Warning is what keeps clips from being as they should be.
type Warning uint8

// The warnings.
const (
	// LongGOP says that key frames are further apart (Got) than the pre-roll is long (Want), so
	// that clips begin earlier and end later than asked.
	LongGOP Warning = iota + 1

	// ShortReach says that the source reached less far back (Got) than asked (Want), although
	// the roll has been there for longer than that.
	ShortReach

	// MissingKey says that no key frame of the leading track has come for so long (Got), so that
	// no clip can begin. It comes again when key frames have come in between.
	MissingKey
)
