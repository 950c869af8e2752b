package source

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// mkvFile is a Matroska or WebM file.
type mkvFile struct {
	path     string
	log      *slog.Logger
	list     []*kvsmedia.Track
	byNumber map[uint64]*kvsmedia.Track // as the file numbers them
}

func openMKV(path string, logger *slog.Logger) (*mkvFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m := &mkvFile{path: path, log: logger.With("file", path), byNumber: map[uint64]*kvsmedia.Track{}}
	r := mkv.NewReader(f)
	for r.Tracks() == nil {
		if _, err := r.Next(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, in := range r.Tracks() {
		if t := mkvTrack(in); t != nil {
			m.byNumber[in.Number] = t
			m.list = append(m.list, t)
		} else {
			m.log.Warn("track left out: its codec is none that a camera can use", "codec", in.CodecID)
		}
	}
	nameTracks(m.list)
	return m, nil
}

// mkvTrack returns nil if the codec is none of ours.
func mkvTrack(in *mkv.Track) *kvsmedia.Track {
	t := &kvsmedia.Track{Private: in.CodecPrivate}
	switch in.CodecID {
	case "V_MPEG4/ISO/AVC":
		t.Codec = kvsmedia.H264
		return t
	case "V_MPEGH/ISO/HEVC":
		t.Codec = kvsmedia.H265
		return t
	case "A_OPUS":
		t.Codec = kvsmedia.Opus
	case "A_AAC":
		t.Codec = kvsmedia.AAC
	case "A_MS/ACM": // a WAVEFORMATEX begins with what it is
		if len(in.CodecPrivate) < 2 {
			return nil
		}
		switch binary.LittleEndian.Uint16(in.CodecPrivate) {
		case 6:
			t.Codec = kvsmedia.PCMA
		case 7:
			t.Codec = kvsmedia.PCMU
		default:
			return nil
		}
		t.Private = nil
	default:
		return nil
	}
	t.SampleRate, t.Channels = int(in.SamplingFrequency), in.Channels
	if t.Codec == kvsmedia.Opus {
		t.SampleRate = 48000
	}
	return t
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
	for r := mkv.NewReader(f); ; {
		e, err := r.Next()
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			m.log.Warn("the file is cut short; what is whole is played")
			return nil
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		b, ok := e.(*mkv.Block)
		if !ok || b.Track == nil {
			continue
		}
		if t := m.byNumber[b.Number]; t != nil &&
			!emit(kvsmedia.Frame{Track: t, PTS: b.Time - b.Track.CodecDelay, Key: b.Key, Data: b.Data}) {
			return nil
		}
	}
}
