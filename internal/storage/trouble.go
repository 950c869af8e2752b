package storage

import (
	"errors"
	"syscall"
)

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
func (t Trouble) String() string {
	switch t {
	case None:
		return "none"
	case Full:
		return "full"
	case ReadOnly:
		return "read-only"
	case Failing:
		return "failing"
	case Gone:
		return "gone"
	case Other:
		return "other"
	}
	return "unknown"
}

// Classify returns what err means. Of several errors that are wrapped together, what is said first
// here counts: Gone, ReadOnly, Full, Failing.
func Classify(err error) Trouble {
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil:
		return None
	case is(ErrGone, syscall.ENODEV, syscall.ENXIO, syscall.ESTALE, syscall.ENOTCONN) || is(goneHere()...):
		return Gone
	case is(syscall.EROFS):
		return ReadOnly
	case is(ErrJournalFull, syscall.ENOSPC, syscall.EDQUOT):
		return Full
	case is(syscall.EIO, syscall.EBADMSG, syscall.EILSEQ, syscall.ETIMEDOUT) || is(failingHere()...):
		return Failing
	}
	return Other
}
