package main

import (
	"bytes"
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
	tracks  []*kvsmedia.Track // of all runs
	done    []written         // by track
	start   time.Time         // of the movie, moved on by the time that is left out
	end     time.Time         // of the media before
	late    *kvsmedia.Frame   // the first one that is left out, as its track is of no run's beginning
	err     error             // of the archive
}

// write writes the movie.
func (m *movie) write(ctx context.Context, runs []kvsmedia.Run, w io.Writer) error {
	if err := m.find(ctx, runs); err != nil {
		return err
	}
	for _, t := range m.tracks {
		if t.Codec == kvsmedia.Opus {
			return fmt.Errorf("%v has no place in an MP4 clip: viewer play saves it as Matroska", t.Codec)
		}
	}
	m.done = make([]written, len(m.tracks))
	err := kvsmedia.WriteMP4(w, m.frames(ctx, runs), m.tracks...)
	if m.err != nil {
		return m.err
	}
	return err
}

// find finds the tracks, by the beginning of each run.
func (m *movie) find(ctx context.Context, runs []kvsmedia.Run) error {
	for _, run := range runs {
		media, err := m.archive.MediaForFragments(ctx, run.Fragments[0].Number)
		if err != nil {
			return err
		}
		tracks, err := media.Tracks()
		if err = errors.Join(err, media.Close()); err != nil {
			return err
		}
		for _, t := range tracks {
			if place(m.tracks, t, tracks) < 0 {
				m.tracks = append(m.tracks, t)
			}
		}
	}
	return nil
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
	left := part.Fragments
	for f := range media.Fragments() {
		i := slices.IndexFunc(left, func(i kvsmedia.FragmentInfo) bool { return i.Number == f.Number })
		if i < 0 {
			continue
		}
		tracks, err := media.Tracks()
		if err != nil {
			m.err = err
			return false
		}
		if !m.fragment(f, tracks, left[i].Length, yield) {
			return false
		}
		left = left[i+1:]
	}
	m.err = media.Err()
	return m.err == nil
}

// fragment yields the frames of a fragment with some tracks, of a length.
func (m *movie) fragment(f *kvsmedia.Fragment, tracks []*kvsmedia.Track, length time.Duration, yield func(kvsmedia.Frame) bool) bool {
	if m.start.IsZero() {
		m.start, m.end = f.ProducerTime, f.ProducerTime
	}
	if without := f.ProducerTime.Sub(m.end); without > pause {
		m.start = m.start.Add(without)
	}
	m.end = f.ProducerTime.Add(length)
	for _, frame := range f.Frames {
		at := place(m.tracks, frame.Track, tracks)
		if at < 0 {
			if m.late == nil {
				m.late = &frame
			}
			continue
		}
		if !m.done[at].news(frame) {
			continue
		}
		frame.Track, frame.PTS = m.tracks[at], frame.Time.Sub(m.start)
		if !yield(frame) {
			return false
		}
	}
	return true
}

// place returns the index of the track of a file that goes on with one of a fragment with
// some tracks, -1 if none does: the one of its name, or, if it alone is of its kind there,
// the first of its kind.
func place(tracks []*kvsmedia.Track, track *kvsmedia.Track, among []*kvsmedia.Track) int {
	kin := func(t *kvsmedia.Track) bool {
		return t.Codec == track.Codec && t.SampleRate == track.SampleRate && t.Channels == track.Channels && bytes.Equal(t.Private, track.Private)
	}
	i := slices.IndexFunc(tracks, func(t *kvsmedia.Track) bool { return kin(t) && t.Name == track.Name })
	if i < 0 && !slices.ContainsFunc(among, func(t *kvsmedia.Track) bool { return t != track && kin(t) }) {
		i = slices.IndexFunc(tracks, kin)
	}
	return i
}
