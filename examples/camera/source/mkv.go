package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// mkvFile is a Matroska or WebM file.
type mkvFile struct {
	path string
	log  *slog.Logger

	others, short Repeats
	list          []*kvsmedia.Track
}

func openMKV(path string, logger *slog.Logger) (*mkvFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m := &mkvFile{path: path, log: logger.With("file", path)}
	r := kvsmedia.NewReader(f)
	if m.list, err = r.Tracks(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, codec := range r.LeftOut() {
		m.log.Warn("track left out: its codec is none that a camera can use", "codec", codec)
	}
	nameTracks(m.list)
	return m, nil
}

func (m *mkvFile) tracks() []*kvsmedia.Track { return m.list }

func (m *mkvFile) run(ctx context.Context, emit func(kvsmedia.Frame) bool) error {
	if err := loop(ctx, m.pass, emit); err != nil {
		return fmt.Errorf("%s: %w", m.path, err)
	}
	return nil
}

func (m *mkvFile) pass(emit func(kvsmedia.Frame) bool) error {
	f, err := os.Open(m.path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := kvsmedia.NewReader(f)
	tracks, err := r.Tracks()
	if err != nil {
		return err
	}
	ours := map[*kvsmedia.Track]*kvsmedia.Track{}
	for i, t := range tracks[:min(len(tracks), len(m.list))] {
		ours[t] = m.list[i]
	}
	warned := false
	for frame := range r.Frames() {
		t := ours[frame.Track]
		if t == nil && !warned {
			warned = true
			m.others.Warn(m.log, "the file goes on with other tracks, which are left out", "codec", frame.Track.Codec)
		}
		if frame.Track = t; t != nil && !emit(frame) {
			return nil
		}
	}
	if errors.Is(r.Err(), io.ErrUnexpectedEOF) {
		m.short.Warn(m.log, "the file is cut short; what is whole is played")
		return nil
	}
	return r.Err()
}
