package mp4

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/nalu"
)

// Frames reads the frames of all tracks in the order in which they are decoded
// and calls emit with one after the other, until emit returns false. It fails if
// the file cannot be read.
//
// A picture that cannot be taken apart is left out, with those that follow up to
// the next key frame, and counted as Skipped of that.
func (f *File) Frames(r io.ReaderAt, emit func(kvsmedia.Frame) bool) error {
	readers := make([]reader, len(f.tracks))
	for i, t := range f.tracks {
		readers[i] = reader{track: t}
	}
	for {
		var next *reader
		for i := range readers {
			rd := &readers[i]
			if rd.at < len(rd.samples) && (next == nil || rd.due() < next.due()) {
				next = rd
			}
		}
		if next == nil {
			return nil
		}
		frame, ok, err := next.read(r)
		if err != nil {
			return fmt.Errorf("frame %d of the %s track: %w", next.at, next.media.Codec, err)
		}
		if ok && !emit(frame) {
			return nil
		}
	}
}

// reader reads the samples of one track.
type reader struct {
	*track
	at       int             // the next sample
	current  *description    // of the sample before
	pictures *nalu.Assembler // of video
	nalus    [][]byte        // reused
	waits    bool            // for a key frame
	skipped  int
}

func (r *reader) due() int64 { return int64(r.time(r.samples[r.at].dts)) }

// read reads the next sample; ok is false if it is left out.
func (r *reader) read(file io.ReaderAt) (f kvsmedia.Frame, ok bool, err error) {
	s := r.samples[r.at]
	r.at++
	d := &r.descriptions[s.description]
	if s.size == 0 {
		return f, false, nil // the frame before goes on
	}
	if d.err != nil {
		r.lose()
		return f, false, nil
	}
	data := make([]byte, s.size)
	if n, err := file.ReadAt(data, s.offset); n < len(data) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return f, false, err
	}
	f = kvsmedia.Frame{Track: r.media, PTS: r.time(s.dts + int64(s.delay)), Key: true, Data: data}
	if r.media.Codec.Video() {
		au := r.picture(d, data)
		if au.Err != nil || r.waits && !au.Key {
			r.lose()
			return f, false, nil
		}
		f.Key, f.Data = au.Key, au.Data
	}
	f.Skipped, r.skipped, r.waits = r.skipped, 0, false
	return f, true, nil
}

func (r *reader) lose() {
	r.skipped++
	r.waits = r.media.Codec.Video()
}

// picture returns the picture in a sample.
func (r *reader) picture(d *description, data []byte) (au nalu.AccessUnit) {
	if r.current == nil || !r.current.same(d) {
		if r.pictures, au.Err = nalu.NewAssembler(d.track.Codec); au.Err != nil {
			return au
		}
		r.pictures.SetParameters(d.sets...)
		r.waits = true // those before belong to other parameter sets
	}
	r.current = d
	if r.nalus, au.Err = nalu.SplitPrefixed(r.nalus[:0], data, d.lengthSize); au.Err != nil {
		return au
	}
	return r.pictures.Whole(0, r.nalus...)
}

// same reports whether two descriptions have the same parameter sets.
func (d *description) same(other *description) bool {
	return d == other || d.lengthSize == other.lengthSize && slices.EqualFunc(d.sets, other.sets, slices.Equal)
}
