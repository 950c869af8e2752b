package kvsmedia

import (
	"errors"
	"fmt"
)

// NothingStoredError is the error of an upload to which frames came, and that stored
// none of them.
type NothingStoredError struct {
	Stream  string
	Frames  int   // that came
	Foreign int   // of them, frames of tracks that are not in [ProducerConfig.Tracks]
	Reason  error // why the first of the others was left out
	Err     error // why the upload ended, nil if that was the end of the sequence
}

// Error says how many frames came, why none is stored, and what to do.
func (e *NothingStoredError) Error() string {
	s := fmt.Sprintf("kvsmedia: none of the %d frames that came is stored in %q: ", e.Frames, e.Stream)
	switch {
	case e.Reason == nil:
		s += "they are of other tracks than ProducerConfig.Tracks; give the producer the very Tracks that the frames point to"
	case e.Foreign > 0:
		s += fmt.Sprintf("%d are of other tracks than ProducerConfig.Tracks, the others are left out: %v", e.Foreign, e.Reason)
	default:
		s += bare(e.Reason).Error()
	}
	if e.Err != nil {
		s += "; " + bare(e.Err).Error()
	}
	return s
}

// Unwrap returns why frames were left out, and why the upload ended.
func (e *NothingStoredError) Unwrap() (list []error) {
	for _, err := range []error{e.Reason, e.Err} {
		if err != nil {
			list = append(list, err)
		}
	}
	return list
}

var errNoKeyFrame = errors.New("no key frame of the leading track came, with which a fragment could begin; have the encoder send one every two seconds")

// nothing returns the error of an upload that stored none of the frames that came.
func (in *intake) nothing(stream string, err error) error {
	e := &NothingStoredError{Stream: stream, Frames: in.came, Foreign: in.foreign, Reason: in.refused, Err: err}
	if e.Reason == nil && e.Foreign < e.Frames {
		e.Reason = errNoKeyFrame
	}
	return e
}
