package recorder

import (
	"slices"
	"strconv"
	"time"
)

// Event is why a clip is recorded.
type Event struct {
	// ID is a ULID; empty means that Trigger makes one. A second event with the ID of
	// one that the clip being recorded has is the same event: it prolongs the clip and adds
	// no event to it. Its Score counts if that is higher, by a hundredth at least; of Type,
	// Time and Tags the first stay. When that clip has ended it begins another one.
	ID string `json:"id"`

	// Type is what happened: "motion", "doorbell" and so on, at most 64 bytes; it may be
	// empty.
	Type string `json:"type"`

	// Time is when it happened, by the clock of Config.Now. Zero means now, and so does a
	// time to come. The clip of one that is longer than ten minutes ago is that of an event
	// ten minutes ago; the time stays as it is. One that is not of the years 1970 to 2200
	// becomes unknown: zero.
	Time time.Time `json:"time,omitzero"`

	// Score is how sure the detector is, from 0 to 1; what lies beyond counts as 0 or 1.
	Score float64 `json:"score,omitempty"`

	// Tags are put on the fragment of the stream in which the event is: at most five,
	// names of 1 to 128 and values of at most 256 bytes, without zero bytes. Of the names
	// that begin with AWS, which are the service's, those of kvsmedia.Stored are possible.
	Tags map[string]string `json:"tags,omitempty"`

	// Picture is a JPEG that shows what happened, for Trigger: at most 1 MiB, from FF D8 FF
	// to FF D9, and zeros after that. What is none, or larger, costs the picture and not the
	// event; an empty one is none at all. It may come later than the event, by another Trigger
	// with the same ID while the clip is recorded; the first that is one stays. Recorder.Picture
	// reads it.
	Picture []byte `json:"-"`

	// PictureKey is the key that the picture has in the cloud, or will have, from the first
	// Change on: PictureFolder/ID.jpg. Empty if it has none and if it never will be there.
	// PicturePut tells that it is there. PictureError is why it never will be there, or was
	// not kept. PictureBytes is its size on the device; zero if it is not there (yet). These
	// four are set by the recorder; Trigger takes no notice of them. Where an event goes on in
	// another clip, they are in the first one alone; a picture that is given again there has
	// the same key, under which S3 keeps the first.
	PictureKey   string `json:"picture,omitempty"`
	PicturePut   bool   `json:"picturePut,omitempty"`
	PictureError string `json:"pictureError,omitempty"`
	PictureBytes int    `json:"pictureBytes,omitempty"`
}

// ClipID is a ULID: 26 characters that sort by the time at which the clip was begun, by
// the clock as it was then.
type ClipID string

// State is what has become of a clip.
type State uint8

// The states of a clip.
const (
	Recording State = iota + 1 // it is not over yet
	Kept                       // on the device; waiting to be uploaded if there is an Uploader
	Uploading                  // partly in the cloud
	Uploaded                   // all of it is PERSISTED
	Partial                    // what is missing cannot be uploaded any more: see Clip.Missing
	Lost                       // nothing of it is left, on the device or in the cloud, or could be recorded
)

var stateNames = [...]string{Recording: "recording", Kept: "kept", Uploading: "uploading", Uploaded: "uploaded", Partial: "partial", Lost: "lost"}

// String returns the state's name, such as "uploaded".
func (s State) String() string {
	if int(s) < len(stateNames) && stateNames[s] != "" {
		return stateNames[s]
	}
	return "State(" + strconv.Itoa(int(s)) + ")"
}

// MarshalText returns what String does.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText returns. A name that it does not know, as of a
// newer version, becomes 0.
func (s *State) UnmarshalText(text []byte) error {
	*s = State(max(0, slices.Index(stateNames[:], string(text))))
	return nil
}

// Clip is what is known of a clip at one moment.
type Clip struct {
	ID     ClipID  `json:"id"`
	State  State   `json:"state"`
	Events []Event `json:"events"` // in the order of Trigger; at most 64

	// MoreEvents is how many further events there were.
	MoreEvents int `json:"moreEvents,omitempty"`

	// Start and End are the times of its first frame and after its last one; zero while
	// the clock has never been right. Estimated tells that the clock was set only after
	// the device had been restarted: it was no later than that.
	Start     time.Time `json:"start,omitzero"`
	End       time.Time `json:"end,omitzero"`
	Estimated bool      `json:"estimated,omitempty"`

	// Length is its media's, in JSON "lengthSeconds", and Bytes their size.
	Length time.Duration `json:"-"`
	Bytes  int64         `json:"bytes"`

	// Reason is why it ended: see the constants. Removed is another matter.
	Reason Reason `json:"reason,omitempty"`

	OnDevice bool `json:"onDevice"` // all of it that was recorded

	// Removed is why it is not, or not all of it: "evicted" to make room, "too old"
	// (Config.MaxAge), "deleted" by Recorder.Delete, or what else became of its files.
	Removed string `json:"removed,omitempty"`

	Protected bool `json:"protected,omitempty"`

	// Sent is the share of its bytes that is PERSISTED in the stream, from 0 to 1.
	Sent float64 `json:"sent"`

	// Runs are where it is in the stream. One session of a player shows one of them. Of
	// more than 64 the rest is counted in MoreRuns: Recorder.Receipt has all.
	Runs     []Run `json:"runs,omitempty"`
	MoreRuns int   `json:"moreRuns,omitempty"`

	// Missing is what is not there, and why: first what was not recorded, then what
	// cannot be uploaded any more. Of more than 64 stretches the last are summed up.
	Missing []Missing `json:"missing,omitempty"`
}

// Reason is why a clip ended.
type Reason string

// The reasons.
const (
	EndOfEvent    Reason = "event over"        // and its post-roll
	LongestClip   Reason = "longest clip"      // the next clip follows
	TimeJumped    Reason = "media time jumped" // the next clip follows, if the event goes on
	SourceEnded   Reason = "no more frames"    // the source ended, or nothing came for 10 s
	NoKeyFrame    Reason = "no key frame"      // none came for 30 s, so that the clip has no media
	Stopped       Reason = "recorder stopped"  // Run returned
	PowerLoss     Reason = "power loss"        // found at the next start
	StorageFailed Reason = "storage failed"    // the storage went or broke
	DeletedEarly  Reason = "deleted"           // by Delete or Erase while it was recorded
)

// Run is a stretch of a clip in the stream: fragments that were ingested one after
// another.
type Run struct {
	First     string    `json:"first"` // number of its first fragment
	Last      string    `json:"last"`
	Start     time.Time `json:"start"` // producer timestamp of the first fragment
	End       time.Time `json:"end"`   // at which the media of the last one end
	Fragments int       `json:"fragments"`
}

// Fragment is the receipt of one fragment of a clip.
type Fragment struct {
	Number string        `json:"number,omitempty"` // the service's; empty if it is not stored
	Time   time.Time     `json:"time,omitzero"`    // producer timestamp
	Length time.Duration `json:"-"`                // in JSON "lengthSeconds"
	Bytes  int64         `json:"bytes"`
	Stored bool          `json:"stored"`          // PERSISTED
	Error  string        `json:"error,omitempty"` // why it never will be
}

// Missing is what a clip lacks.
type Missing struct {
	Start  time.Time     `json:"start,omitzero"`
	Length time.Duration `json:"-"` // as far as it is known; in JSON "lengthSeconds"
	Frames int           `json:"frames,omitempty"`
	Bytes  int64         `json:"bytes,omitempty"`
	Reason string        `json:"reason"`
}

// Kind is what a [Change] tells.
type Kind string

// The kinds of changes.
const (
	ClipStarted Kind = "started"
	ClipEnded   Kind = "ended"   // all that was recorded can be read
	ClipStored  Kind = "stored"  // all of it is in the stream: Clip.State is Uploaded
	ClipLost    Kind = "lost"    // a part of it can no longer be uploaded: see Clip.Missing
	ClipEvicted Kind = "evicted" // it is no longer on the device: Clip.Removed says whether it made room or was deleted
	ClipPicture Kind = "picture" // pictures of events are in the cloud, or never will be: see Clip.Events; one tells of several that are put together
)

// Change is one step of a clip's life. Each clip has one ClipStarted and one ClipEnded; that of
// one whose card was taken out comes when the card is back, and what goes on on another card is
// another clip, whose Missing names it.
type Change struct {
	ID   string    `json:"id"` // the same at each repetition
	Kind Kind      `json:"kind"`
	Clip Clip      `json:"clip"` // as it is when the change is handed on
	At   time.Time `json:"at,omitzero"`
}
