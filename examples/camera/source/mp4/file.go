package source

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// maxMoov bounds the index of an MP4 file, in bytes; an hour takes about one million.
const maxMoov = 64 << 20

// mp4File is an MP4 or QuickTime file (ISO/IEC 14496-12) whose index is not
// fragmented. Frames are length-prefixed, as they are in the file.
type mp4File struct {
	path   string
	titles []*mp4Track
}

func openMP4(path string, logger *slog.Logger) (*mp4File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	moov, err := findMoov(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	all, err := parseMoov(moov)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m := &mp4File{path: path}
	for _, t := range all {
		if t.track == nil {
			logger.Warn("track left out: its codec is none that a camera can use", "file", path, "codec", t.entry)
			continue
		}
		m.titles = append(m.titles, t)
	}
	nameTracks(m.tracks())
	return m, nil
}

func (m *mp4File) tracks() []*kvsmedia.Track {
	var list []*kvsmedia.Track
	for _, t := range m.titles {
		list = append(list, t.track)
	}
	return list
}

func (m *mp4File) run(ctx context.Context, emit func(kvsmedia.Frame) bool) error {
	f, err := os.Open(m.path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := loop(ctx, func(emit func(kvsmedia.Frame) bool) error { return m.pass(f, emit) }, emit); err != nil {
		return fmt.Errorf("%s: %w", m.path, err)
	}
	return nil
}

// pass reads the samples of all tracks in the order in which they are decoded.
func (m *mp4File) pass(r io.ReaderAt, emit func(kvsmedia.Frame) bool) error {
	at := make([]int, len(m.titles))
	for {
		next := -1
		for i, t := range m.titles {
			if at[i] < len(t.samples) && (next < 0 ||
				t.time(t.samples[at[i]].dts) < m.titles[next].time(m.titles[next].samples[at[next]].dts)) {
				next = i
			}
		}
		if next < 0 {
			return nil
		}
		t := m.titles[next]
		s := t.samples[at[next]]
		at[next]++
		data := make([]byte, s.size)
		if _, err := r.ReadAt(data, s.offset); err != nil {
			return fmt.Errorf("sample %d of the %s track: %w", at[next], t.track.Codec, err)
		}
		if !emit(kvsmedia.Frame{Track: t.track, PTS: t.time(s.dts + int64(s.delay)), Key: s.key, Data: data}) {
			return nil
		}
	}
}

// findMoov reads the moov box of a file.
func findMoov(r io.ReaderAt) ([]byte, error) {
	var off int64
	for {
		var head [16]byte
		if _, err := r.ReadAt(head[:8], off); err != nil {
			if errors.Is(err, io.EOF) {
				return nil, errors.New("not an MP4 file, or cut short: it has no moov box")
			}
			return nil, err
		}
		size, start := int64(binary.BigEndian.Uint32(head[:])), int64(8)
		if size == 1 {
			if _, err := r.ReadAt(head[8:], off+8); err != nil {
				return nil, err
			}
			size, start = int64(binary.BigEndian.Uint64(head[8:])), 16
		}
		if size < start || size > 1<<62-off {
			return nil, errors.New("not an MP4 file, or cut short: a box has no sensible size")
		}
		if string(head[4:8]) == "moov" {
			if size > maxMoov {
				return nil, fmt.Errorf("its index has %d bytes; at most %d are read", size, maxMoov)
			}
			b := make([]byte, size-start)
			_, err := r.ReadAt(b, off+start)
			return b, err
		}
		off += size
	}
}

// mp4Track is one track and the whereabouts of its samples.
type mp4Track struct {
	entry   string          // the sample entry's type, such as "avc1"
	track   *kvsmedia.Track // nil if its codec is none of ours
	scale   int64           // ticks a second
	shift   time.Duration   // from media time to presentation time
	samples []mp4Sample
}

type mp4Sample struct {
	offset int64
	dts    int64 // in ticks
	delay  int32 // from dts to presentation
	size   uint32
	key    bool
}

func (t *mp4Track) time(ticks int64) time.Duration { return scaled(ticks, t.scale) + t.shift }

func scaled(ticks, scale int64) time.Duration {
	return time.Duration(ticks/scale)*time.Second + time.Duration(ticks%scale)*time.Second/time.Duration(scale)
}
