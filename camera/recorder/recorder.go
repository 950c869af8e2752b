package recorder

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Recorder records clips into one directory. All its methods may be called concurrently.
type Recorder struct {
	cfg Config
}

// New returns a recorder. It does no I/O and starts nothing; its error names the field of
// cfg that cannot be used.
func New(cfg Config) (*Recorder, error) {
	cfg, err := cfg.validated()
	if err != nil {
		return nil, err
	}
	return &Recorder{cfg: cfg}, nil
}

// Run records, uploads, hands on and evicts until ctx ends, and picks up what an earlier
// process left. The clip that is being recorded then is ended and kept. Trouble of the
// storage, of the source and of the network is waited for and shown in Status; Run
// returns ctx's error, or one that no waiting mends. It may be called again when it has
// returned.
func (r *Recorder) Run(ctx context.Context) error { panic("not yet") }

// Trigger tells of an event: it begins a clip, or is one more event of the one that is
// being recorded. It waits for nothing, and may be called before Run and without
// storage. The error is of the event.
func (r *Recorder) Trigger(e Event) (ClipID, error) { panic("not yet") }

// Clips yields the clips that begin before to and end after from, the newest first, in
// the order in which they were made; zero times mean no limit. Those whose time is not
// known are within every range. It yields what was known when it was called, clips that
// were evicted and are in the cloud included.
func (r *Recorder) Clips(from, to time.Time) iter.Seq[Clip] { panic("not yet") }

// Clip returns one clip, or ErrNoClip.
func (r *Recorder) Clip(id ClipID) (Clip, error) { panic("not yet") }

// Changes yields what becomes of clips from the call on until ctx ends. Each loop gets
// all; one that falls behind by more than 256 loses the oldest. Unlike Publish it repeats
// nothing.
func (r *Recorder) Changes(ctx context.Context) iter.Seq[Change] { panic("not yet") }

// Receipt returns the receipts of a clip's fragments, in the order of its media.
func (r *Recorder) Receipt(id ClipID) ([]Fragment, error) { panic("not yet") }

// Media is a clip that is being read.
type Media struct {
	*kvsmedia.Reader
}

// Close gives back the files.
func (m *Media) Close() error { panic("not yet") }

// Open reads the frames of a clip that is on the device; of one that is being recorded,
// those that were committed before the call.
func (r *Recorder) Open(id ClipID) (*Media, error) { panic("not yet") }

// MP4 returns a clip on the device as a fragmented MP4 file, for http.ServeContent; of
// one that is being recorded, what was committed before the call. A later call returns the
// same bytes and more.
func (r *Recorder) MP4(id ClipID) (io.ReadSeekCloser, error) { panic("not yet") }

// Protect keeps a clip from eviction, or no longer. The change is durable when it returns
// nil.
func (r *Recorder) Protect(id ClipID, on bool) error { panic("not yet") }

// Delete removes clips from the device; what is in the cloud stays there. One that is
// being recorded is ended.
func (r *Recorder) Delete(ids ...ClipID) error { panic("not yet") }

// Erase removes everything from the device, for a factory reset or a new owner: clips,
// what is known of them, and changes that were not published. It returns nil once nothing
// of it can be read from the directory any more.
func (r *Recorder) Erase(ctx context.Context) error { panic("not yet") }

// Status returns the recorder's state.
func (r *Recorder) Status() Status { panic("not yet") }
