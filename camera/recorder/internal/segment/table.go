package segment

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/internal/mp4"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// moviePart is a Part with its tracks as the movie has them.
type moviePart struct {
	placed
	tracks []movieTrack // as Content.Tracks
}

func (p *moviePart) lead() *movieTrack { return &p.tracks[p.Content.lead()] }

// movieTrack is a track of a part.
type movieTrack struct {
	track *mp4.Track
	entry uint32 // sample entry, from 1 on
	delay time.Duration
}

// join takes a part's tracks into the movie, and reports false if it cannot go on with them.
func (m *movie) join(p *placed, ended bool) (bool, error) {
	part := moviePart{placed: *p}
	for i, in := range p.Content.list {
		own, err := describe(p.Content.Tracks[i].Codec, in)
		if err != nil {
			return false, fmt.Errorf("track %d: %w", i+1, err)
		}
		at := slices.IndexFunc(m.tracks, func(t *mp4.Track) bool { return t.ID == own.ID })
		if !ended && len(m.parts) > 0 && (at < 0 || m.tracks[at].Codec != own.Codec) {
			return false, nil
		}
		if at < 0 {
			at = len(m.tracks)
			m.tracks = append(m.tracks, own)
		}
		t := movieTrack{track: m.tracks[at], entry: 1, delay: in.CodecDelay}
		if t.track.Codec.Video() != own.Codec.Video() {
			return false, fmt.Errorf("track %d is %s and was %s", i+1, own.Codec, t.track.Codec)
		}
		if ended {
			t.entry = entryOf(t.track, own)
		}
		part.tracks = append(part.tracks, t)
	}
	m.parts = append(m.parts, part)
	return true, nil
}

// entryOf returns the number of the sample entry that own has in a track, a new one if none is
// the same.
func entryOf(t, own *mp4.Track) uint32 {
	same := func(e *mp4.Track) bool { return e.Codec == own.Codec && bytes.Equal(e.Config, own.Config) }
	if same(t) {
		return 1
	}
	at := slices.IndexFunc(t.Also, same)
	if at < 0 {
		at = len(t.Also)
		t.Also = append(t.Also, own)
	}
	return uint32(at + 2)
}

// entries are the codecs that an MP4 file takes, by the names of their sample entries.
var entries = map[kvsmedia.Codec]mp4.Codec{
	kvsmedia.H264: mp4.AVC, kvsmedia.H265: mp4.HEVC, kvsmedia.AAC: mp4.AAC, kvsmedia.PCMA: mp4.PCMA, kvsmedia.PCMU: mp4.PCMU, kvsmedia.Opus: mp4.Opus,
}

// videoRate is the timescale of video tracks in Hz, as RTP has it.
const videoRate = 90_000

// describe returns a track's description. Frames have the same form in both formats.
func describe(codec kvsmedia.Codec, in *mkv.Track) (*mp4.Track, error) {
	t := &mp4.Track{ID: uint32(in.Number), Codec: entries[codec], Timescale: videoRate, Width: in.PixelWidth, Height: in.PixelHeight}
	if t.Codec == "" {
		return nil, fmt.Errorf("its codec is %v", codec)
	}
	if codec == kvsmedia.H264 || codec == kvsmedia.H265 || codec == kvsmedia.AAC || codec == kvsmedia.Opus {
		t.Config = in.CodecPrivate
	}
	if !codec.Video() {
		t.SampleRate, t.Channels = int(in.SamplingFrequency), in.Channels
		if in.SamplingFrequency < 1 || in.SamplingFrequency > 1<<20 {
			return nil, fmt.Errorf("it has %v Hz", in.SamplingFrequency)
		}
		t.Timescale = uint32(t.SampleRate)
	}
	return t, nil
}

// stored is a frame in the file of a part.
type stored struct {
	at, size int64
	key      bool
}

// run is a track's frames of a cluster.
type run struct {
	movieTrack
	frames []stored
	shown  []int64 // when, in units of the track
}

// table reads the frames of a cluster from their heads.
func (p *moviePart) table(c Cluster) ([]run, error) {
	var byTrack [maxTracks]run
	in := cursor{f: p.File, pos: c.Offset, end: c.Offset + c.Bytes, buf: make([]byte, 4<<10), quick: true}
	var out outline
	if !out.number(p.Content.list) {
		return nil, errDamaged
	}
	for in.pos < in.end {
		e, ok := parse(in.peek(elementHead))
		at := in.pos
		if !ok || (e.kind == cluster) != (at == c.Offset) || !in.skip(int64(e.head)+e.size) {
			if in.err != nil {
				return nil, fmt.Errorf("segment: reading: %w", in.err)
			}
			return nil, fmt.Errorf("segment: no frame of ours at offset %d: %w", at, errDamaged)
		}
		shown, ok := out.take(&e, at)
		if !ok {
			return nil, fmt.Errorf("segment: frame of another track at offset %d: %w", at, errDamaged)
		}
		if e.kind == frame {
			i := out.numbers[e.number] - 1
			r := &byTrack[i]
			r.movieTrack = p.tracks[i]
			r.frames = append(r.frames, stored{at + int64(e.head), e.size, e.key})
			r.shown = append(r.shown, r.units(ms(shown)+p.shift-r.delay))
		}
	}
	if k := out.open; k.Start != c.Start || k.Frames != c.Frames || k.Media != c.Media || k.Tracks != c.Tracks {
		return nil, fmt.Errorf("segment: cluster at offset %d has other frames than before: %w", c.Offset, errDamaged)
	}
	return slices.DeleteFunc(slices.Clone(byTrack[:]), func(r run) bool { return len(r.frames) == 0 }), nil
}

// units converts a time to units of the track.
func (t *movieTrack) units(d time.Duration) int64 {
	scale := int64(t.track.Timescale)
	seconds, rest := int64(d/time.Second), int64(d%time.Second)
	return seconds*scale + (rest*scale+int64(time.Second)/2)/int64(time.Second)
}

// reordering returns by how much frames are shown before others that are decoded earlier.
func (r *run) reordering() (delay time.Duration) {
	for i, at := range slices.Sorted(slices.Values(r.shown)) {
		delay = max(delay, time.Duration(at-r.shown[i])*time.Second/time.Duration(r.track.Timescale))
	}
	return delay
}

// samples returns the run as the movie has it. Pictures are decoded at the times at which
// they are shown without the delay, in order. It depends on nothing but the cluster, so that
// a segment can be read without those before it.
func (r *run) samples(delay time.Duration) mp4.Run {
	out := mp4.Run{Track: r.track, Entry: r.entry, Samples: make([]mp4.Sample, len(r.frames))}
	decoded := slices.Sorted(slices.Values(r.shown))
	late := r.units(delay)
	step := max(r.units(time.Second)/25, 1) // of a run of one frame
	after := int64(0)
	for i, at := range decoded {
		if !r.track.Codec.Video() {
			at += late
		}
		decoded[i] = max(at, after)
		after = decoded[i] + 1
	}
	out.Start = uint64(decoded[0])
	for i, f := range r.frames {
		if i+1 < len(decoded) {
			step = decoded[i+1] - decoded[i]
		}
		offset := int64(0)
		if r.track.Codec.Video() {
			offset = r.shown[i] + late - decoded[i]
		}
		out.Samples[i] = mp4.Sample{Duration: uint32(step), Offset: int32(offset), Sync: f.key, Size: int(f.size)}
	}
	return out
}
