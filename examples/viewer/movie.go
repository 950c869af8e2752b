package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mp4"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// pause is from how much time without media on a movie leaves it out.
const pause = 50 * time.Millisecond

// movie writes fragments as one fragmented MP4 file (ISO/IEC 14496-12): a clip that
// is longer than the service makes them, or of several runs. Times without media are
// left out, as the service does.
type movie struct {
	w      io.Writer
	tracks []*movieTrack // nil before the first fragment
	count  uint32        // fragments
	at     time.Duration // when the fragment begins in the movie
	start  time.Time     // when it was recorded
	end    time.Time     // of its media
}

type movieTrack struct {
	mp4.Track
	written
	of *kvsmedia.Track
}

// add appends the fragments of a run.
func (m *movie) add(ctx context.Context, archive *kvsmedia.Archive, run kvsmedia.Run) error {
	for part := range run.Parts(perCall, 0) {
		media, err := archive.MediaForFragments(ctx, numbers(part)...)
		if err != nil {
			return err
		}
		left := part.Fragments
		for f := range media.Fragments() {
			i := slices.IndexFunc(left, func(i kvsmedia.FragmentInfo) bool { return i.Number == f.Number })
			if i < 0 {
				continue
			}
			if err = m.fragment(f, left[i].Length); err != nil {
				break
			}
			left = left[i+1:]
		}
		if err == nil {
			err = media.Err()
		}
		if _ = media.Close(); err != nil {
			return err
		}
	}
	return nil
}

// fragment appends a fragment of a length.
func (m *movie) fragment(f *kvsmedia.Fragment, length time.Duration) error {
	var b []byte
	if m.tracks == nil {
		if err := m.begin(f); err != nil {
			return err
		}
		var tracks []*mp4.Track
		for _, t := range m.tracks {
			tracks = append(tracks, &t.Track)
		}
		var err error
		if b, err = mp4.AppendInit(nil, tracks...); err != nil {
			return err
		}
		m.start, m.end = f.ProducerTime, f.ProducerTime
	}
	if without := f.ProducerTime.Sub(m.end); without > pause {
		m.start = m.start.Add(without)
	}
	m.at += f.ProducerTime.Sub(m.start)
	m.start, m.end = f.ProducerTime, f.ProducerTime.Add(length)
	var runs []mp4.Run
	for _, t := range m.tracks {
		if run := t.run(f.Frames, m.at, m.start); len(run.Samples) > 0 {
			runs = append(runs, run)
		}
	}
	m.count++
	_, err := m.w.Write(mp4.AppendSegment(b, m.count, runs...))
	return err
}

// begin takes the tracks of the first fragment.
func (m *movie) begin(f *kvsmedia.Fragment) error {
	for _, frame := range f.Frames {
		if slices.ContainsFunc(m.tracks, func(t *movieTrack) bool { return t.is(frame.Track) }) {
			continue
		}
		t := &movieTrack{of: frame.Track, Track: mp4.Track{ID: uint32(len(m.tracks) + 1), Config: frame.Track.Private,
			SampleRate: frame.Track.SampleRate, Channels: frame.Track.Channels, Timescale: uint32(frame.Track.SampleRate)}}
		switch frame.Track.Codec {
		case kvsmedia.H264, kvsmedia.H265:
			if err := t.video(frame); err != nil {
				return err
			}
		case kvsmedia.AAC:
			t.Codec = mp4.AAC
		case kvsmedia.PCMA:
			t.Codec, t.Config = mp4.PCMA, nil
		case kvsmedia.PCMU:
			t.Codec, t.Config = mp4.PCMU, nil
		default:
			return fmt.Errorf("%v has no place in an MP4 clip: viewer play saves it as Matroska", frame.Track.Codec)
		}
		m.tracks = append(m.tracks, t)
	}
	return nil
}

// video takes the parameter sets of a key frame.
func (t *movieTrack) video(f kvsmedia.Frame) error {
	t.Codec, t.Timescale = mp4.AVC, 90_000
	sets := bitstream.ParameterSets{Codec: bitstream.H264}
	if f.Track.Codec == kvsmedia.H265 {
		t.Codec, sets.Codec = mp4.HEVC, bitstream.H265
	}
	sets.Update(bitstream.Split(nil, f.Data))
	sps, err := sets.SPS()
	if err == nil {
		t.Config, err = sets.Record()
	}
	t.Width, t.Height = sps.Width, sps.Height
	return err
}

func (t *movieTrack) is(track *kvsmedia.Track) bool {
	return t.of == track || t.of.Codec == track.Codec && t.of.Name == track.Name
}

// run returns the track's part of a fragment that begins at a time of the movie.
func (t *movieTrack) run(frames []kvsmedia.Frame, at time.Duration, start time.Time) mp4.Run {
	r := mp4.Run{Track: &t.Track}
	var shown []int64 // when frames are presented, in units of the track
	for _, f := range frames {
		if !t.is(f.Track) || !t.news(f) {
			continue
		}
		if t.Codec.Video() {
			f.Data = bitstream.AppendPrefixed(nil, bitstream.Split(nil, f.Data))
		}
		when := max(at+f.Time.Sub(start), 0)
		shown = append(shown, (when.Microseconds()*int64(t.Timescale)+500_000)/1_000_000)
		r.Samples = append(r.Samples, mp4.Sample{Sync: f.Key, Data: f.Data})
	}
	if len(shown) == 0 {
		return r
	}
	decoded := slices.Sorted(slices.Values(shown)) // in the order of the stream
	r.Start = uint64(decoded[0])
	step := int64(t.Timescale / 25) // of a fragment with one frame
	for i := range r.Samples {
		if i+1 < len(decoded) {
			step = max(decoded[i+1]-decoded[i], 1)
		}
		r.Samples[i].Duration, r.Samples[i].Offset = uint32(step), int32(shown[i]-decoded[i])
	}
	return r
}
