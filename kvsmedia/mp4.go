package kvsmedia

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mp4"
)

// WriteMP4 writes the frames of the tracks, out of a sequence that may have others
// too, as a fragmented MP4 file (ISO/IEC 14496-12) for players: H264, H265, AAC, Opus,
// PCMA and PCMU. Frames and tracks are as for [Muxer]. The file's time begins at the leading track's
// first key frame, with B-frames as much before it as pictures are coded ahead. A fragment
// goes from one key frame of the leading track to the next, but at most 30 seconds or
// 32 MiB far, and is written in one call of Write.
//
// The file has one set of parameter sets for each video track. Where a stream changes
// them, the new ones stand before the frames alone, and not every player looks there;
// WriteMKV begins a new document instead.
//
// It returns when the sequence ends, or with the first error; what is written up to then
// is a valid file. That no frame could be written is an error.
func WriteMP4(w io.Writer, frames iter.Seq[Frame], tracks ...*Track) error {
	m, err := newMovie(w, tracks)
	if err != nil {
		return fmt.Errorf("kvsmedia: MP4: %w", err)
	}
	for f := range frames {
		t := m.track(f.Track)
		if t == nil {
			continue
		}
		if err = m.take(t, f); err != nil {
			err = fmt.Errorf("frame of track %d%s at %v: %w", t.number, quoted(t.Track), f.PTS, err)
			break
		}
	}
	m.tracks = slices.DeleteFunc(m.tracks, func(t *movieTrack) bool { return !t.ready() })
	if !m.failed {
		err = errors.Join(err, m.flush())
	}
	if err == nil && m.count == 0 {
		err = fmt.Errorf("nothing to write: no key frame of the leading track%s came; frames point to the very Tracks that are given", quoted(m.lead.Track))
	}
	if err != nil {
		return fmt.Errorf("kvsmedia: MP4: %w", err)
	}
	return nil
}

// movie is an MP4 file that is being written.
type movie struct {
	w      io.Writer
	tracks []*movieTrack
	lead   *movieTrack
	nalus  [][]byte // reused

	begun  bool          // the leading track's first key frame came
	first  time.Duration // its PTS
	start  time.Duration // PTS of the first frame of the fragment
	delay  time.Duration // of presentation, so that with B-frames none is decoded after it is shown
	bytes  int           // of the fragment
	count  uint32        // fragments that were written
	failed bool          // to write
}

// movieTrack is a track of a movie.
type movieTrack struct {
	*muxTrack
	entry   mp4.Track
	samples []mp4.Sample // of the fragment
	shown   []int64      // when, in units of the track
	after   int64        // decoding time after what was written
}

func newMovie(w io.Writer, tracks []*Track) (*movie, error) {
	m := &movie{w: w}
	for i, t := range tracks {
		mt, err := newMuxTrack(t, i+1)
		if err == nil && m.track(t) != nil {
			err = errors.New("it is named twice")
		}
		if err == nil && entries[t.Codec] == "" {
			err = fmt.Errorf("its codec is %v: want H264, H265, AAC, Opus, PCMA or PCMU", t.Codec)
		}
		if err != nil {
			return nil, fmt.Errorf("track %d%s: %w", i+1, quoted(t), err)
		}
		track := &movieTrack{muxTrack: mt}
		m.tracks = append(m.tracks, track)
		if m.lead == nil || t.Codec.Video() && !m.lead.Codec.Video() {
			m.lead = track
		}
	}
	if m.lead == nil {
		return nil, errors.New("of no tracks")
	}
	return m, nil
}

func (m *movie) track(t *Track) *movieTrack {
	for _, mt := range m.tracks {
		if mt.Track == t {
			return mt
		}
	}
	return nil
}

// take adds a frame to the fragment, after it has ended the one before if it is over.
func (m *movie) take(t *movieTrack, f Frame) (err error) {
	key, data := true, f.Data
	if t.video {
		if m.nalus, err = t.split(m.nalus[:0], f.Data); err != nil {
			return err
		}
		data = bitstream.AppendPrefixed(make([]byte, 0, len(f.Data)+4*len(m.nalus)), m.nalus)
		key, err = t.examine(m.nalus, f.Key)
	} else {
		err = t.checkSound(f.Data)
	}
	switch {
	case err != nil:
		return err
	case !m.begun && (t != m.lead || !key), !t.keyed && !key:
		return nil // decoding cannot start here
	case !m.begun:
		m.begun, m.first, m.start = true, f.PTS, f.PTS
	case f.PTS < m.first:
		return nil
	case f.PTS < m.start-maxHeldTime, t == m.lead && t.video && key && f.PTS <= m.start:
		return fmt.Errorf("its PTS goes back behind %v; a clock that starts anew needs a new file", m.start)
	case m.over(t, key, f.PTS):
		if err := m.flush(); err != nil {
			return err
		}
		m.start, m.bytes = f.PTS, 0
	}
	t.keyed = true
	t.samples = append(t.samples, mp4.Sample{Sync: key, Data: data})
	t.shown = append(t.shown, t.units(f.PTS-m.first))
	m.bytes += len(data)
	return nil
}

// over reports whether the fragment ends before a frame. The first one waits until
// the configuration of all tracks is known.
func (m *movie) over(t *movieTrack, key bool, pts time.Duration) bool {
	if m.bytes > maxHeld || pts-m.start > maxHeldTime {
		return true
	}
	if m.count == 0 && slices.ContainsFunc(m.tracks, func(t *movieTrack) bool { return !t.ready() }) {
		return false
	}
	return t == m.lead && key && (t.video || pts-m.start >= audioCluster*time.Millisecond)
}

// flush writes the fragment.
func (m *movie) flush() error {
	var b []byte
	var runs []mp4.Run
	if m.count == 0 {
		var list []*mp4.Track
		for _, t := range m.tracks {
			if err := t.describe(); err != nil {
				return fmt.Errorf("track %d%s: %w", t.number, quoted(t.Track), err)
			}
			list = append(list, &t.entry)
			m.delay = max(m.delay, t.reordering())
		}
		var err error
		if b, err = mp4.AppendInit(nil, list...); err != nil {
			return err
		}
	}
	for _, t := range m.tracks {
		if len(t.samples) > 0 {
			runs = append(runs, t.run(m.delay))
		}
	}
	if len(runs) == 0 {
		return nil
	}
	m.count++
	if _, err := m.w.Write(mp4.AppendSegment(b, m.count, runs...)); err != nil {
		m.failed = true
		return fmt.Errorf("writing: %w", err)
	}
	return nil
}

// videoRate is the timescale of video tracks in Hz, as RTP has it.
const videoRate = 90_000

// units converts a time to units of the track.
func (t *movieTrack) units(d time.Duration) int64 {
	scale := int64(videoRate)
	if !t.video {
		scale = int64(t.audio.SamplingFrequency)
	}
	seconds, rest := int64(d/time.Second), int64(d%time.Second)
	return seconds*scale + (rest*scale+int64(time.Second)/2)/int64(time.Second)
}

// entries are the codecs that an MP4 file takes, by the names of their sample entries.
var entries = map[Codec]mp4.Codec{H264: mp4.AVC, H265: mp4.HEVC, AAC: mp4.AAC, Opus: mp4.Opus, PCMA: mp4.PCMA, PCMU: mp4.PCMU}

// describe fills in the track's entry.
func (t *movieTrack) describe() error {
	t.entry = mp4.Track{ID: uint32(t.number), Timescale: uint32(t.units(time.Second)),
		SampleRate: int(t.audio.SamplingFrequency), Channels: t.audio.Channels}
	t.entry.Codec = entries[t.Codec]
	if t.Codec == AAC || t.Codec == Opus {
		t.entry.Config = t.audio.CodecPrivate
	}
	if !t.video {
		return nil
	}
	if !t.ready() {
		return fmt.Errorf("no key frame of it came in %v of media; name only tracks that flow", maxHeldTime)
	}
	sps, err := t.sets.SPS()
	if err == nil {
		t.entry.Config, err = t.sets.Record()
	}
	t.entry.Width, t.entry.Height = sps.Width, sps.Height
	return err
}

// reordering returns by how much the pictures of the first fragment are shown before
// others that are decoded earlier.
func (t *movieTrack) reordering() (delay time.Duration) {
	for i, at := range slices.Sorted(slices.Values(t.shown)) {
		delay = max(delay, time.Duration(at-t.shown[i])*time.Second/time.Duration(t.entry.Timescale))
	}
	return delay
}

// run returns the track's part of the fragment and empties it. Pictures are decoded at
// the times at which they are shown without the delay, in order.
func (t *movieTrack) run(delay time.Duration) mp4.Run {
	r := mp4.Run{Track: &t.entry, Samples: t.samples}
	decoded := slices.Sorted(slices.Values(t.shown))
	late := t.units(delay)
	step := max(t.units(time.Second)/25, 1) // of a fragment with one frame
	for i, at := range decoded {
		if !t.video {
			at += late
		}
		decoded[i] = max(at, t.after)
		t.after = decoded[i] + 1
	}
	r.Start = uint64(decoded[0])
	for i := range r.Samples {
		if i+1 < len(decoded) {
			step = decoded[i+1] - decoded[i]
		}
		r.Samples[i].Duration, r.Samples[i].Offset = uint32(step), int32(t.shown[i]+late-decoded[i])
	}
	t.samples, t.shown = nil, nil
	return r
}
