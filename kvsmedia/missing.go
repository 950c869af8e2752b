package kvsmedia

import (
	"errors"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/fragment"
)

// ErrBufferFull is in the chain of [Missing.Err] and [Ack.Err] when fragments
// were given up because the buffer had no room for newer ones.
var ErrBufferFull = errors.New("the buffer is full")

// Missing is a stretch of media that is not in the stream.
type Missing struct {
	Start, End time.Time // producer timestamps of its first and last frames
	Amount
	Err error // the reason: ErrBufferFull, a *RefusedError, or why the upload ended
}

// MissingError is the error of an upload that left media out.
type MissingError struct {
	Stream  string
	Missing []Missing // in the order in which they were given up; of more than 1000, the last are summed up
	Err     error     // why the upload ended, nil if that was the end of the sequence
}

// Error says how much is missing, the first stretch of it, and why.
func (e *MissingError) Error() string {
	var sum Amount
	for _, m := range e.Missing {
		sum.Fragments += m.Fragments
		sum.Frames += m.Frames
	}
	m := e.Missing[0]
	are := "are"
	if sum.Fragments == 1 {
		are = "is"
	}
	s := fmt.Sprintf("kvsmedia: %s with %s %s missing in %q", count(sum.Fragments, "fragment", "fragments"), count(sum.Frames, "frame", "frames"), are, e.Stream)
	const layout = "2006-01-02T15:04:05.000Z"
	s += fmt.Sprintf(", from %s to %s (%v)", m.Start.UTC().Format(layout), m.End.UTC().Format(layout), bare(m.Err))
	if n := len(e.Missing) - 1; n > 0 {
		s += " and in " + count(n, "more stretch", "more stretches")
	}
	if e.Err != nil && !errors.Is(m.Err, e.Err) {
		s += "; " + bare(e.Err).Error()
	}
	return s
}

// count returns how many things there are: "1 frame", "2 frames".
func count(n int, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Unwrap returns why the upload ended, and why media is missing.
func (e *MissingError) Unwrap() []error {
	var list []error
	if e.Err != nil {
		list = append(list, e.Err)
	}
	for _, m := range e.Missing {
		list = append(list, m.Err)
	}
	return list
}

// maxMissing bounds the list of what is missing.
const maxMissing = 1000

type missing []Missing

// add notes that a fragment is given up. Fragments that follow one another, and
// are missing for the same reason, are one stretch; it reports whether one begins.
func (m *missing) add(f *fragment.Fragment, err error) (begins bool) {
	end := time.UnixMilli(f.End)
	if n := len(*m); n > 0 {
		last := &(*m)[n-1]
		if n == maxMissing || errors.Is(last.Err, err) && last.End.UnixMilli() == f.Before {
			last.End = end
			last.Amount.add(f)
			return false
		}
	}
	next := Missing{Start: f.Time(), End: end, Err: err}
	next.Amount.add(f)
	*m = append(*m, next)
	return true
}

func (m missing) wrap(stream string, err error) error {
	if len(m) == 0 {
		return err
	}
	return &MissingError{Stream: stream, Missing: m, Err: err}
}
