package source

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Source is an opened source of frames.
type Source struct {
	in  input
	err error
}

// input is one kind of source.
type input interface {
	tracks() []*kvsmedia.Track

	// run calls emit with one frame after the other until ctx is done or emit
	// returns false. An error is permanent.
	run(ctx context.Context, emit func(kvsmedia.Frame) bool) error
}

// Kinds are the kinds of sources, for the help of a program.
const Kinds = "clip, rtsp://…, rtsps://…, a .h264, .h265, .mp4, .mov or .mkv file, exec:COMMAND or exec+h265:COMMAND"

// Open opens the source that spec names; see the package documentation. It
// reads as much as it needs to know the tracks and keeps nothing open; an RTSP
// server that cannot be reached is tried until ctx is done, whose error the error then
// wraps. A nil logger discards.
func Open(ctx context.Context, spec string, logger *slog.Logger) (*Source, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	in, err := open(ctx, spec, logger)
	if err != nil {
		return nil, fmt.Errorf("opening the frame source: %w", err)
	}
	if len(in.tracks()) == 0 {
		return nil, fmt.Errorf("opening the frame source: no track in it has a codec that a camera can use")
	}
	return &Source{in: in}, nil
}

func open(ctx context.Context, spec string, logger *slog.Logger) (input, error) {
	scheme, rest, _ := strings.Cut(spec, ":")
	switch scheme {
	case "", "clip":
		return &clip{}, nil
	case "rtsp", "rtsps":
		return openRTSP(ctx, spec, logger)
	case "exec":
		return newCommand(kvsmedia.H264, rest, logger), nil
	case "exec+h265":
		return newCommand(kvsmedia.H265, rest, logger), nil
	}
	path, fps, err := splitRate(spec)
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".h264", ".264", ".avc":
		return openAnnexB(path, kvsmedia.H264, fps, logger)
	case ".h265", ".265", ".hevc":
		return openAnnexB(path, kvsmedia.H265, fps, logger)
	case ".mp4", ".m4v", ".mov":
		return openMP4(path, logger)
	case ".mkv", ".webm":
		return openMKV(path, logger)
	}
	return nil, fmt.Errorf("%q is not a source: give %s", spec, Kinds)
}

// splitRate takes ?fps=N off a file name.
func splitRate(spec string) (path string, fps float64, err error) {
	path, rate, found := strings.Cut(spec, "?fps=")
	if !found {
		return path, 25, nil
	}
	fps, err = strconv.ParseFloat(rate, 64)
	if err != nil || !(fps >= 0.1 && fps <= 1000) {
		return "", 0, fmt.Errorf("%q: the frame rate must be a number from 0.1 to 1000", spec)
	}
	return path, fps, nil
}

// Tracks returns the tracks that frames may belong to.
func (s *Source) Tracks() []*kvsmedia.Track { return s.in.tracks() }

// Frames yields the frames in real time until ctx is done or the source has
// ended for good; Err then says why. The sequence is for one loop.
func (s *Source) Frames(ctx context.Context) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		stopped := false
		s.err = s.in.run(ctx, func(f kvsmedia.Frame) bool {
			stopped = stopped || ctx.Err() != nil || !yield(f)
			return !stopped
		})
		if stopped || ctx.Err() != nil {
			s.err = nil
		}
	}
}

// Err returns why Frames ended, or nil if its loop or its context ended it.
func (s *Source) Err() error { return s.err }

// errNotClip tells that only the built-in clip can do something.
var errNotClip = errors.New("this source has no night picture and no chime, only the built-in clip has")

// SetNight switches the built-in clip to its night or day picture, from the
// next key frame on. It is safe for concurrent use.
func (s *Source) SetNight(night bool) error {
	c, ok := s.in.(*clip)
	if !ok {
		return errNotClip
	}
	c.night.Store(night)
	return nil
}

// Chime plays a chime in the sound of the built-in clip. It is safe for concurrent use.
func (s *Source) Chime() error {
	c, ok := s.in.(*clip)
	if !ok {
		return errNotClip
	}
	c.chime.Store(true)
	return nil
}

// Snapshot returns what the built-in clip shows now as JPEG, to the second; nil from other
// sources, and before the first picture. The data is shared and must not be changed. It is
// safe for concurrent use.
func (s *Source) Snapshot() []byte {
	if c, ok := s.in.(*clip); ok {
		return c.snapshot()
	}
	return nil
}

// nameTracks names the pictures "main", "main2" and so on, the sounds "audio", "audio2".
func nameTracks(tracks []*kvsmedia.Track) {
	n := map[string]int{}
	for _, t := range tracks {
		t.Name = "audio"
		if t.Codec.Video() {
			t.Name = "main"
		}
		if n[t.Name]++; n[t.Name] > 1 {
			t.Name += strconv.Itoa(n[t.Name])
		}
	}
}
