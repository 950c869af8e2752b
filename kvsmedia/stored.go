package kvsmedia

import (
	"context"
	"errors"
	"iter"
	"sync"
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

// ErrUploadEnded is in the chain of [Receipt.Err] of a fragment that was neither stored nor
// refused when the upload ended, for which the same receipt has the reason.
var ErrUploadEnded = errors.New("kvsmedia: the upload has ended")

// UploadStored sends fragments in the order in which the sequence yields them, and yields
// what became of each. The sequence is the caller's plan: it is asked for the next fragment
// only when that can be sent at once, so what is urgent is to be yielded first. It may take
// its time, hours even, while there is nothing to do: what was sent is stored meanwhile and
// its receipts come, the session is ended after 15 s, and another begins with the next
// fragment. Without network a fragment that was taken waits for any time, and no other is
// taken. When the sequence ends, the loop does once all has its receipt.
//
// Each fragment is one of the service's: it begins with a key frame of the leading track,
// the first video track, has at most 20 s and 50 MB and no more than BufferBytes, and any
// of the producer's tracks. Frames are of a producer's track if they point to it or to a
// Track with its codec and name, as a [Reader] makes them; one of the names may be empty.
// Those of other tracks are left out. Fragments are sent as they are, with their Time and
// PTS whatever the service's clock says. One that begins before all frames of the one before
// it have ended, on any track, or that has other tracks or parameter sets takes a new
// session: tracks should be in the order of PTS when fragments are cut. Within BufferBytes,
// at most two fragments are in memory that the service does not have; others wait there
// only for PERSISTED.
//
// Each fragment that is taken gets exactly one receipt: none is dropped, those of one
// session come in their order, and a loop that is slow only keeps fragments from being
// taken. A fragment that cannot be read, that the service would not take, or that it has
// refused twice for its content (a [*RefusedError]) gets one with the reason, and others go
// on. A loop that is left gets no more receipts.
//
// The error ends the loop, after the receipts. It is ctx's, which ends the upload at once,
// that of a permanent refusal, as of Upload, or [ErrUploading]. What the service has not
// acknowledged then has a receipt with that error, but may be stored all the same, and is to
// be sent once more with the same Time. To stop with all receipts, end the sequence.
//
// Frames and sequence run on a goroutine of UploadStored's, one at a time, and their panics
// are passed on to the loop. When the loop has ended, UploadStored waits for that goroutine:
// a sequence that waits must end with ctx, and before a loop that is left ctx should.
func (p *Producer) UploadStored(ctx context.Context, fragments iter.Seq[Stored]) iter.Seq2[Receipt, error] {
	return func(yield func(Receipt, error) bool) {
		if !p.busy.CompareAndSwap(false, true) {
			yield(Receipt{}, ErrUploading)
			return
		}
		defer p.busy.Store(false)
		s := newShelf(&p.cfg, &p.out)
		r := p.start(ctx, 0)
		var taker sync.WaitGroup
		taker.Go(func() { s.take(fragments, r.stop) })
		defer s.rethrow()
		defer taker.Wait()
		defer s.close()
		defer r.close()
		for receipt, ok := s.next(); ok; receipt, ok = s.next() {
			if !yield(receipt, nil) {
				return
			}
		}
		if r.runs.Wait(); r.err != nil && !errors.Is(r.err, errPanicked) {
			yield(Receipt{}, r.err)
		}
	}
}
