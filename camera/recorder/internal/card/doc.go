// Package card opens the storage that clips are on, and knows how it does. A [Drive] is where
// cards come and go, as well as the directory of a device without: it has the [Card] that is
// open, and the [Health] of what is done on it. What is written is the matter of package
// disk; anybody may read.
package card

import (
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// Config says where cards are, and how they are opened.
type Config struct {
	Dir      string
	OnRoot   bool                       // Dir may lie on the root file system
	FS       func() (storage.FS, error) // instead of Dir
	MaxBytes int64                      // of what is recorded, which the journal is bounded by; zero: all there is
	Longest  time.Duration              // that a file can get
	Publish  bool                       // changes wait until they are published
	Upload   bool                       // there is an uploader,
	All      bool                       // and it takes all that is recorded, not clips alone

	Now  func() time.Time     // wall clock; zero if it is not known
	Mono func() time.Duration // monotonic clock
	Log  *slog.Logger
}
