package kvsmedia

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/fragment"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// What the service takes, but for sizes ("Amazon Kinesis Video Streams service quotas"),
// and what can be computed with.
const (
	maxStoredTime = 20 * time.Second // of one fragment
	maxStoredPTS  = 100 * 365 * 24 * time.Hour
)

var (
	earliest = time.UnixMilli(1)
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// loader makes what sessions send of stored fragments.
type loader struct {
	tracks []*Track
	desc   *fragment.Description // of the fragment before
}

// load reads a fragment into memory. room is asked, and may wait, before so many bytes of
// it are kept in all.
func (l *loader) load(st *Stored, room func(bytes int) error) (*fragment.Fragment, time.Duration, error) {
	tags, err := appendStoredTags(nil, st.Tags)
	switch {
	case err != nil:
		return nil, 0, err
	case st.Time.Before(earliest) || !st.Time.Before(latest):
		return nil, 0, fmt.Errorf("its Time is %v: want one between 1970 and 2100", st.Time)
	case st.Frames == nil:
		return nil, 0, errors.New("it has no Frames")
	}
	in := loading{from: l.tracks, intake: intake{tracks: make([]inLane, len(l.tracks))}, lanes: make([]storedLane, len(l.tracks)), room: room,
		zero: time.Duration(st.Time.UnixNano()), start: mkv.Milliseconds(time.Duration(st.Time.UnixNano()))}
	for f, err := range st.Frames {
		if err != nil {
			return nil, 0, fmt.Errorf("it cannot be read: %w", err)
		}
		if err := in.take(&f); err != nil {
			return nil, 0, err
		}
	}
	lanes, entries, err := in.describe()
	if err != nil {
		return nil, 0, err
	}
	if d := l.desc; d == nil || !slices.Equal(d.Lanes, lanes) || !slices.EqualFunc(d.Entries, entries, sameEntry) {
		l.desc = &fragment.Description{Lanes: lanes, Entries: entries}
	}
	return fragment.Whole(l.desc, in.start, in.samples, tags), in.length(), nil
}

func sameEntry(a, b *mkv.Track) bool { return reflect.DeepEqual(a, b) }

// loading is a fragment that is being loaded.
type loading struct {
	from    []*Track // the producer's
	intake  intake   // of the fragment's own tracks, by the index of the producer's
	lanes   []storedLane
	room    func(bytes int) error
	samples []fragment.Sample
	bytes   int
	frames  int // of the producer's tracks

	zero  time.Duration // Stored.Time since 1970
	start int64         // the same, ms
	pts   time.Duration // of the first frame
}

// storedLane is one track of a fragment.
type storedLane struct {
	entry        *mkv.Track // nil as long as no frame of it is kept
	unkeyed      bool       // it begins with what cannot be decoded
	last, before int64      // the two latest timestamps, ms
}

// take takes a frame.
func (in *loading) take(f *Frame) error {
	i, err := in.lane(f.Track)
	if err != nil || i < 0 {
		return err
	}
	in.frames++
	if f.PTS.Abs() > maxStoredPTS {
		return in.wrong(f, fragment.ErrPTS)
	}
	cut, err := in.intake.take(i, f)
	if err != nil {
		return in.wrong(f, err)
	}
	if in.frames == 1 {
		in.pts = cut.PTS
	}
	since := cut.PTS - in.pts
	if since > maxStoredTime || since < math.MinInt16*time.Millisecond {
		return in.wrong(f, fmt.Errorf("it is %v from the first frame, the service takes fragments of at most %v", since, maxStoredTime))
	}
	lane := &in.lanes[i]
	if lane.entry == nil && !cut.Key {
		lane.unkeyed = true
		return nil
	}
	s := fragment.Sample{At: mkv.Milliseconds(in.zero + since), Data: cut.Data, Units: cut.Units, Lane: i, Key: cut.Key}
	if in.bytes += s.Cost(); in.bytes > fragment.MaxBytes {
		return errors.New("it has more than the 50 MB that the service takes")
	}
	if err := in.room(in.bytes); err != nil {
		return err
	}
	lane.add(s.At, cut.Entry)
	in.samples = append(in.samples, s)
	return nil
}

func (l *storedLane) add(at int64, entry *mkv.Track) {
	switch {
	case l.entry == nil:
		l.entry, l.last, l.before = entry, at, at
	case at > l.last:
		l.last, l.before = at, l.last
	default:
		l.before = max(l.before, at)
	}
}

func (in *loading) wrong(f *Frame, err error) error {
	return fmt.Errorf("its frame %d, of track %q at %v, cannot be stored: %w", in.frames, f.Track.Name, f.PTS, err)
}

// lane returns the index of the producer's track that t is: the very one, or one with its
// codec and name. -1 says that it is none.
func (in *loading) lane(t *Track) (int, error) {
	if t == nil {
		return -1, nil
	}
	i := slices.IndexFunc(in.intake.tracks, func(l inLane) bool { return l.muxTrack != nil && l.Track == t })
	if i >= 0 {
		return i, nil
	}
	for _, is := range []func(*Track) bool{
		func(p *Track) bool { return p == t },
		func(p *Track) bool { return p.Codec == t.Codec && p.Name == t.Name },
		func(p *Track) bool { return p.Codec == t.Codec && (p.Name == "" || t.Name == "") },
	} {
		if i = slices.IndexFunc(in.from, is); i >= 0 {
			break
		}
	}
	if i < 0 {
		return -1, nil
	}
	if in.intake.tracks[i].muxTrack != nil {
		return -1, fmt.Errorf("it has two tracks for track %q of the producer", in.from[i].Name)
	}
	mt, err := newMuxTrack(t, i+1)
	if err != nil {
		return -1, fmt.Errorf("its track %q cannot be used: %w", t.Name, err)
	}
	in.intake.tracks[i].muxTrack = mt
	return i, nil
}

// describe returns the fragment's tracks, of which the first one leads.
func (in *loading) describe() (lanes []int, entries []*mkv.Track, err error) {
	lead := -1
	for _, video := range []bool{true, false} {
		for i, l := range in.lanes {
			if in.from[i].Codec.Video() != video || l.entry == nil && !l.unkeyed {
				continue
			}
			if lead < 0 {
				lead = i
			}
			if l.entry != nil {
				lanes, entries = append(lanes, i), append(entries, l.entry)
			}
		}
	}
	switch {
	case lead < 0:
		return nil, nil, errors.New("it has no frames of ProducerConfig.Tracks, by their codecs and names")
	case in.lanes[lead].unkeyed:
		return nil, nil, fmt.Errorf("it does not begin with a key frame of track %q", in.from[lead].Name)
	}
	return lanes, entries, nil
}

// length returns how long the media is, up to the end of the last frame of each track.
func (in *loading) length() time.Duration {
	end := in.start
	for _, l := range in.lanes {
		if l.entry != nil {
			end = max(end, l.last+l.last-l.before)
		}
	}
	return time.Duration(end-in.start) * time.Millisecond
}

// appendStoredTags appends the tags of a stored fragment. Those of a feature are in one
// tag together with what belongs to it.
func appendStoredTags(b []byte, tags Tags) ([]byte, error) {
	if len(tags) > maxTags {
		return b, fmt.Errorf("it has %d tags, at most %d are possible", len(tags), maxTags)
	}
	var features, others []mkv.SimpleTag
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		t := mkv.SimpleTag{Name: name, String: tags[name]}
		switch name {
		case tagImage, tagImagePrefix, tagNotification:
			if len(t.String) > maxTagValue || !valid(t.String) {
				return b, fmt.Errorf("its tag %s is not UTF-8 without zero bytes of at most %d bytes", name, maxTagValue)
			}
			features = append(features, t)
		default:
			if err := checkTag(t); err != nil {
				return b, bare(err)
			}
			others = append(others, t)
		}
	}
	if len(tags) == 0 {
		return b, nil
	}
	if len(features) > 0 {
		return mkv.AppendTags(b, mkv.Tags{{Simple: append(features, others...)}}), nil
	}
	var list mkv.Tags
	for _, t := range others {
		list = append(list, mkv.Tag{Simple: []mkv.SimpleTag{t}})
	}
	return mkv.AppendTags(b, list), nil
}
