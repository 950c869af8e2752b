package storage

// Trouble is what an error of an FS or File means to whoever owns the card.
type Trouble uint8

const (
	None     Trouble = iota // no error
	Full                    // ENOSPC, EDQUOT, ErrJournalFull
	ReadOnly                // EROFS
	Failing                 // EIO and what else a broken card or file system returns
	Gone                    // ENODEV, ENXIO, ESTALE, ErrGone: no card, or no longer the one that was opened
	Other                   // anything else, such as a missing file
)

// String returns the word for t in English.
func (t Trouble) String() string { panic("not yet") }

// Classify returns what err means.
func Classify(err error) Trouble { panic("not yet") }
