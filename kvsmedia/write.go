package kvsmedia

import (
	"fmt"
	"io"
	"iter"
)

// WriteMKV writes the frames of the tracks, out of a sequence that may have
// others too, as a Matroska file for players: see [Muxer], with Relative set. It
// returns when the sequence ends, or with the first error; what is written up to
// then is a valid file. That no frame could be written is an error.
func WriteMKV(w io.Writer, frames iter.Seq[Frame], tracks ...*Track) error {
	m := NewMuxer(w, tracks...)
	m.Relative = true
	var err error
	foreign := 0
	for f := range frames {
		if m.track(f.Track) == nil && m.err == nil {
			foreign++
			continue
		}
		if err = m.WriteFrame(f); err != nil {
			break
		}
	}
	if closed := m.Close(); err == nil {
		err = closed
	}
	if err == nil && !m.stamped {
		err = fmt.Errorf("kvsmedia: nothing to write: no key frame of the leading track%s came, and %d frames of tracks that WriteMKV was not given; frames point to the very Tracks that are given",
			quoted(m.lead.Track), foreign)
	}
	return err
}
