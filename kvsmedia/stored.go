package kvsmedia

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Stored is a fragment that is kept elsewhere, as on a camera's card, until the service
// has it.
type Stored struct {
	// Key is the caller's name of the fragment, which its Receipt returns.
	Key string

	// Time is the producer timestamp of the first frame, at which the others' PTS are
	// counted from. It should be the same at each attempt, also after a restart: of
	// fragments with the same timestamp, players show one. Milliseconds count.
	Time time.Time

	// Tags are the fragment's tags, at most ten. AWS_KINESISVIDEO_IMAGE_GENERATION,
	// AWS_KINESISVIDEO_IMAGE_PREFIX and AWS_KINESISVIDEO_NOTIFICATION have the meaning
	// that they have for the service (see [Muxer.TagImage]), and then the others are the
	// picture's metadata and the message's payload as well.
	Tags Tags

	// Frames yields the frames in the order of decoding, from a key frame of the leading
	// track on, or an error if they cannot be read. It is ranged once.
	Frames iter.Seq2[Frame, error]
}

// Receipt tells what became of a [Stored].
type Receipt struct {
	Key    string        // of the Stored
	Number string        // the service's number of the fragment; empty if it is not stored
	Time   time.Time     // producer timestamp, in ms
	Length time.Duration // of the media; zero if the frames could not be read

	// Run is the number of the first fragment of the ingestion run that the fragment is
	// in: fragments with the same Run play in one session. Empty if it is not stored.
	Run string

	// Err is nil once the service has stored the fragment (PERSISTED, or RECEIVED where
	// retention is 0), and otherwise why it has not.
	Err error
}

// ErrUploading is the error of the second of [Producer.Upload] and
// [Producer.UploadStored] at a time: a stream takes one session.
var ErrUploading = errors.New("kvsmedia: an upload of this producer is already running: one session at a time is possible for a stream")

// UploadStored sends fragments in the order in which the sequence yields them, and yields
// one receipt for each.
func (p *Producer) UploadStored(ctx context.Context, fragments iter.Seq[Stored]) iter.Seq2[Receipt, error] {
	return func(yield func(Receipt, error) bool) {
		yield(Receipt{}, errors.New("kvsmedia: not yet"))
	}
}
