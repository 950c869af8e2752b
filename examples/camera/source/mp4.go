package source

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/smartcam-sdk/smartcam/examples/camera/source/mp4"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// mp4File is an MP4 or QuickTime file.
type mp4File struct {
	path  string
	index *mp4.File
	list  []*kvsmedia.Track
}

func openMP4(path string, logger *slog.Logger) (*mp4File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	index, err := mp4.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, p := range index.Problems {
		logger.Warn("a part of the file is left out", "file", path, "err", p)
	}
	m := &mp4File{path: path, index: index, list: index.Tracks()}
	nameTracks(m.list)
	return m, nil
}

func (m *mp4File) tracks() []*kvsmedia.Track { return m.list }

func (m *mp4File) run(ctx context.Context, emit func(kvsmedia.Frame) bool) error {
	f, err := os.Open(m.path)
	if err != nil {
		return err
	}
	defer f.Close()
	read := func(emit func(kvsmedia.Frame) bool) error { return m.index.Frames(f, emit) }
	if err := loop(ctx, read, emit); err != nil {
		return fmt.Errorf("%s: %w", m.path, err)
	}
	return nil
}
