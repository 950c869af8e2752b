package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// pause is from how much time without media on a movie leaves it out.
const pause = 50 * time.Millisecond

// movie writes runs as one MP4 file: a clip that is longer than the service makes
// them, or of several runs. Times without media are left out, as the service does.
type movie struct {
	archive *kvsmedia.Archive
	tracks  []*kvsmedia.Track // nil before the first fragment
	done    []written         // by track
	start   time.Time         // of the movie, moved on by the time that is left out
	end     time.Time         // of the media before
	err     error             // of the archive
}

// write writes the movie.
func (m *movie) write(ctx context.Context, runs []kvsmedia.Run, w io.Writer) error {
	next, stop := iter.Pull(m.frames(ctx, runs))
	defer stop()
	first, ok := next()
	if !ok {
		return m.err
	}
	for _, t := range m.tracks {
		if t.Codec == kvsmedia.Opus {
			return fmt.Errorf("%v has no place in an MP4 clip: viewer play saves it as Matroska", t.Codec)
		}
	}
	err := kvsmedia.WriteMP4(w, func(yield func(kvsmedia.Frame) bool) {
		for f, ok := first, true; ok && yield(f); f, ok = next() {
		}
	}, m.tracks...)
	return errors.Join(m.err, err)
}

// frames yields the frames of runs with their times in the movie.
func (m *movie) frames(ctx context.Context, runs []kvsmedia.Run) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		for _, run := range runs {
			for part := range run.Parts(perCall, 0) {
				if !m.part(ctx, part, yield) {
					return
				}
			}
		}
	}
}

// part yields the frames of fragments that one call returns, and whether more are wanted.
func (m *movie) part(ctx context.Context, part kvsmedia.Run, yield func(kvsmedia.Frame) bool) bool {
	media, err := m.archive.MediaForFragments(ctx, numbers(part)...)
	if err != nil {
		m.err = err
		return false
	}
	defer media.Close()
	if m.tracks == nil {
		if m.tracks, m.err = media.Tracks(); m.err != nil {
			return false
		}
		m.done = make([]written, len(m.tracks))
	}
	left := part.Fragments
	for f := range media.Fragments() {
		i := slices.IndexFunc(left, func(i kvsmedia.FragmentInfo) bool { return i.Number == f.Number })
		if i < 0 {
			continue
		}
		if !m.fragment(f, left[i].Length, yield) {
			return false
		}
		left = left[i+1:]
	}
	m.err = media.Err()
	return m.err == nil
}

// fragment yields the frames of a fragment of a length.
func (m *movie) fragment(f *kvsmedia.Fragment, length time.Duration, yield func(kvsmedia.Frame) bool) bool {
	if m.start.IsZero() {
		m.start, m.end = f.ProducerTime, f.ProducerTime
	}
	if without := f.ProducerTime.Sub(m.end); without > pause {
		m.start = m.start.Add(without)
	}
	m.end = f.ProducerTime.Add(length)
	for _, frame := range f.Frames {
		at := place(m.tracks, frame.Track)
		if at < 0 || !m.done[at].news(frame) {
			continue
		}
		frame.Track, frame.PTS = m.tracks[at], frame.Time.Sub(m.start)
		if !yield(frame) {
			return false
		}
	}
	return true
}

// place returns the index of the track that a frame of another answer belongs to, -1 if
// none.
func place(tracks []*kvsmedia.Track, track *kvsmedia.Track) int {
	return slices.IndexFunc(tracks, func(t *kvsmedia.Track) bool {
		return t == track || t.Codec == track.Codec && t.Name == track.Name
	})
}
