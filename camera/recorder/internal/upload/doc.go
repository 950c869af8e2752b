// Package upload takes what is on the card to the cloud. [Uploads] keeps the plan of what
// goes up next in step with the card: package disk tells it what is written, and it reads
// what was there before. [Uploads.Run] opens the fragments that are planned for an
// [Uploader], and writes the receipts for them into the catalog.
package upload

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/plan"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Uploader is recorder.Uploader.
type Uploader interface {
	UploadStored(ctx context.Context, fragments iter.Seq[kvsmedia.Stored]) iter.Seq2[kvsmedia.Receipt, error]
}

// Config says what is uploaded, and by whom.
type Config struct {
	Uploader Uploader   // nil: nothing is
	All      bool       // all that is recorded, not clips alone
	Backlog  plan.Order // of what is not recorded any more
	Rate     int        // of that, bit/s; zero: twice the bitrate of what is recorded

	Images  string        // what keys of images of events begin with; empty: nothing of ours
	PreRoll time.Duration // of clips, where the time of an event is not known

	Mono func() time.Duration // monotonic clock
	Log  *slog.Logger
}
