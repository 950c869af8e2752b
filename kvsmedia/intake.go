package kvsmedia

import (
	"cmp"
	"errors"
	"slices"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/fragment"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// intake checks the frames of a producer's tracks. Its counts are of one upload but for
// unfit.
type intake struct {
	tracks []inLane
	nalus  [][]byte // of the frame at hand; reused

	came    int   // frames, of any track
	foreign int   // of them, frames of other tracks
	refused error // the first reason for which a frame was left out
	unfit   int   // frames that were refused
}

// inLane is one track and its description at present.
type inLane struct {
	*muxTrack
	entry *mkv.Track // nil until it is known
	told  bool       // that frames are left out
}

func newIntake(tracks []*Track) (intake, error) {
	var in intake
	for i, t := range tracks {
		mt, err := newMuxTrack(t, i+1)
		if err == nil && slices.Index(tracks, t) < i {
			err = errors.New("it is named twice")
		}
		if err != nil {
			return in, &ConfigError{"Tracks[" + string(rune('0'+i)) + "]", "cannot be used: " + err.Error()}
		}
		in.tracks = append(in.tracks, inLane{muxTrack: mt})
	}
	return in, nil
}

// lanes returns the tracks as a cutter knows them.
func (in *intake) lanes() (list []fragment.Track) {
	for _, t := range in.tracks {
		list = append(list, fragment.Track{Video: t.Codec.Video()})
	}
	return list
}

// reset makes ready for another sequence of frames.
func (in *intake) reset() {
	in.came, in.foreign, in.refused = 0, 0, nil
	for i := range in.tracks {
		in.tracks[i].told = false
	}
}

// lane returns the index of a frame's track, and false if the frame is of another
// track.
func (in *intake) lane(f *Frame) (int, bool) {
	in.came++
	i := slices.IndexFunc(in.tracks, func(t inLane) bool { return t.Track == f.Track })
	if i < 0 {
		in.foreign++
	}
	return i, i >= 0
}

// take checks a frame, and describes it and its track.
func (in *intake) take(lane int, f *Frame) (fragment.Frame, error) {
	t := &in.tracks[lane]
	key, units, err := in.examine(t, f)
	if err == nil && (t.changed || key && t.entry == nil) {
		t.entry, err = t.muxTrack.entry()
		t.changed = err != nil
	}
	if err != nil {
		in.unfit++
		return fragment.Frame{}, err
	}
	out := fragment.Frame{Lane: lane, PTS: f.PTS + t.delay, Time: f.Time.Round(0), Key: key, Data: f.Data, Units: units, Entry: t.entry}
	if !f.Time.IsZero() {
		out.Time = out.Time.Add(t.delay)
	}
	return out, nil
}

// examine checks what a frame holds, and reports whether decoding can start at it. units
// are the NAL units of Annex B.
func (in *intake) examine(t *inLane, f *Frame) (key bool, units [][]byte, err error) {
	switch t.Codec {
	case AAC:
		err = bitstream.CheckAAC(f.Data)
	case Opus:
		err = bitstream.CheckOpus(f.Data)
	}
	if err == nil && t.annexB && len(f.Data) > maxAnnexB {
		err = errSize(len(f.Data))
	}
	if err != nil {
		return false, nil, err
	}
	nalus, err := t.split(in.nalus[:0], f.Data)
	if err == nil {
		key, err = t.muxTrack.examine(nalus, f.Key)
		if t.Codec.Video() {
			p, other := t.sets.Inspect(nalus)
			key, err = key || p.Key, cmp.Or(other, err) // if it is none of the codec, that is the reason
		}
	}
	if err == nil && t.annexB {
		units = slices.Clone(nalus)
	}
	clear(nalus)
	in.nalus = nalus
	return key, units, err
}

// refuse notes that a frame is left out. It reports whether it is the first one of its
// track.
func (in *intake) refuse(lane int, err error) (first bool) {
	if in.refused == nil {
		in.refused = err
	}
	t := &in.tracks[lane]
	first, t.told = !t.told, true
	return first
}

// header returns what a session of fragments with a description begins with.
func header(d *fragment.Description) []byte {
	version := uint8(2)
	list := make(mkv.Tracks, len(d.Entries))
	for i, e := range d.Entries {
		numbered := *e
		numbered.Number, numbered.UID = uint64(i+1), uint64(i+1)
		list[i] = &numbered
		if e.SeekPreRoll > 0 {
			version = 4
		}
	}
	b := mkv.AppendHeader(nil, version)
	b = mkv.AppendInfo(b, &mkv.Info{UUID: newUUID(), MuxingApp: app, WritingApp: app})
	return mkv.AppendTracks(b, list)
}
