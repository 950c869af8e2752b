package playback

import (
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

const (
	maxCPDChanges = 500 // of a session
	discontinuity = 50 * time.Millisecond
)

// entry is a fragment in a session.
type entry struct {
	*store.Fragment
	index  int
	at     time.Time // by the session's selector
	length time.Duration
	breaks bool // a discontinuity stands before it
	init   int  // index of the entry whose tracks the players know
	tracks []*playTrack
	ends   []time.Duration // of the tracks' media since the entry's beginning; nil until lengths was called
}

// length returns how long a track of an entry is on the session's timeline: as long
// as its media, up to the next entry.
func (ss *session) length(e *entry, track int) time.Duration {
	if e.index == len(ss.entries)-1 {
		return e.lengths()[track]
	}
	room := ss.entries[e.index+1].at.Sub(e.at)
	if room <= e.length {
		return room
	}
	return min(e.lengths()[track], room)
}

// lengths returns how long the media of each track are, which for sound can be longer
// than the pictures; the entry's length where they cannot be read.
func (e *entry) lengths() []time.Duration {
	if e.ends != nil {
		return e.ends
	}
	for _, t := range e.tracks {
		end := e.length
		if run, err := t.run(e.Fragment, 0); err == nil && len(run.Samples) > 0 {
			units := run.Start
			for _, s := range run.Samples {
				units += uint64(s.Duration)
			}
			// Rounded up to the millisecond of a manifest.
			end = time.Duration((units*1000+uint64(t.Timescale)-1)/uint64(t.Timescale)) * time.Millisecond
		}
		e.ends = append(e.ends, end)
	}
	return e.ends
}

// update lists the fragments that have come. ON_DEMAND lists once.
func (ss *session) update() error {
	if ss.mode == "ON_DEMAND" && len(ss.entries) > 0 {
		return nil
	}
	list := ss.stream.Archive()
	at, err := api.Stamp(ss.choice.FragmentSelectorType)
	if err != nil {
		return err
	}
	if ss.mode == "LIVE" {
		if len(list) == 0 || ss.endpoint.cfg.Now().Sub(list[len(list)-1].Server) > ss.endpoint.cfg.Live {
			return api.NotFound("No fragments of the stream %s were found in the last %v.", ss.stream.Name, ss.endpoint.cfg.Live)
		}
		if len(ss.entries) == 0 && len(list) > ss.max {
			list = list[len(list)-ss.max:]
		}
	} else {
		if list, err = ss.choice.Choose(list, ss.mode == "ON_DEMAND"); err != nil {
			return err
		}
		if ss.choice.FragmentSelectorType == "PRODUCER_TIMESTAMP" && !ss.whole {
			list = oldestRun(list, ss.endpoint.cfg.Apart)
		}
	}
	slices.SortStableFunc(list, func(a, b *store.Fragment) int { return at(a).Compare(at(b)) })
	for i, f := range list {
		if i+1 < len(list) && at(list[i+1]).Equal(at(f)) {
			continue // the newer one of two that begin at the same time is played
		}
		if n := len(ss.entries); n > 0 && !at(f).After(ss.entries[n-1].at) {
			continue
		}
		if ss.mode == "ON_DEMAND" && len(ss.entries) == ss.max {
			break
		}
		if err := ss.add(f, at(f)); err != nil {
			return err
		}
	}
	if len(ss.entries) == 0 {
		return api.NotFound("No fragments of the stream %s were found in the time range.", ss.stream.Name)
	}
	return nil
}

// oldestRun returns what a session plays of the fragments of a range of producer
// timestamps: the first one that was ingested and those that were ingested
// immediately after it (HLSFragmentSelector). The run ends with a fragment that
// goes back in time, or that was ingested at a very different time: later than the
// one before it by more than the pause of the media and apart. A repetition of a
// fragment counts for nothing.
func oldestRun(list []*store.Fragment, apart time.Duration) []*store.Fragment {
	list = slices.SortedFunc(slices.Values(list), store.Compare)
	var run []*store.Fragment
	seen := map[int64]bool{} // producer timestamps in ms
	for _, f := range list {
		at := f.Producer.UnixMilli()
		if seen[at] {
			continue
		}
		seen[at] = true
		if len(run) > 0 {
			last := run[len(run)-1]
			media, took := f.Producer.Sub(last.Producer), f.Server.Sub(last.Server)
			if media < 0 || took-media > apart {
				break
			}
		}
		run = append(run, f)
	}
	return run
}

// add appends a fragment, which must have the tracks that the session has.
func (ss *session) add(f *store.Fragment, at time.Time) error {
	tracks, err := describe(f.Tracks(), ss.by)
	if err != nil {
		return err
	}
	e := &entry{Fragment: f, index: len(ss.entries), at: at, length: f.Length, tracks: tracks}
	if e.index > 0 {
		last := ss.entries[e.index-1]
		if len(last.tracks) != len(tracks) {
			return api.BadRequest("UnsupportedStreamMediaTypeException", "The number of tracks changes at fragment %s.", f.Number)
		}
		e.init = last.init
		for i, t := range tracks {
			if t.Codec != last.tracks[i].Codec {
				return api.BadRequest("UnsupportedStreamMediaTypeException", "The codec of track %d changes at fragment %s.", t.ID, f.Number)
			}
			if !t.same(last.tracks[i]) {
				e.init = e.index
			}
		}
		gap := at.Sub(last.at.Add(last.length))
		if gap.Abs() <= discontinuity {
			last.length = at.Sub(last.at)
		}
		e.breaks = ss.breaks == "ALWAYS" || ss.breaks == "ON_DISCONTINUITY" && gap.Abs() > discontinuity
		if e.init == e.index {
			e.breaks = true
			if ss.changes++; ss.changes > maxCPDChanges {
				return api.BadRequest("UnsupportedStreamMediaTypeException", "The codec private data changes more than %d times.", maxCPDChanges)
			}
		}
	}
	ss.entries = append(ss.entries, e)
	return nil
}

// window returns the entries that a playlist lists now.
func (ss *session) window() []*entry {
	switch ss.mode {
	case "LIVE":
		return ss.entries[max(len(ss.entries)-ss.max, 0):]
	case "LIVE_REPLAY":
		// One more each time that one has been played.
		played := ss.endpoint.cfg.Now().Sub(ss.created)
		from := 0
		for from < len(ss.entries)-1 && played >= ss.entries[from].length {
			played -= ss.entries[from].length
			from++
		}
		return ss.entries[from:min(from+ss.max, len(ss.entries))]
	}
	return ss.entries
}

// start returns where an entry begins on the session's timeline.
func (ss *session) start(e *entry) time.Duration { return e.at.Sub(ss.entries[0].at) }
