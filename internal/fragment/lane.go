package kvsmedia

import (
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// lane is one track on its way into fragments.
type lane struct {
	*muxTrack
	queue  []queued
	taken  int           // of queue, from its front
	newest time.Duration // PTS
	keyed  bool          // frames that are not key frames can be decoded
	stops  int           // how often it was declared no longer
	back   time.Duration // PTS from which it may be declared again
}

// queued is a frame that waits for earlier ones of other tracks.
type queued struct {
	pts  time.Duration
	time time.Time // of capture, corrected; zero if unknown
	key  bool
	data []byte
}

func (l *lane) waiting() []queued { return l.queue[l.taken:] }

func (l *lane) pop() queued {
	q := l.queue[l.taken]
	l.queue[l.taken] = queued{}
	if l.taken++; l.taken == len(l.queue) {
		l.queue, l.taken = l.queue[:0], 0
	}
	return q
}

// waitFor is how far frames of one track wait for those of others, in media
// time. It is less than the least fragment, so that a track of which a frame
// waits when a fragment begins is in that fragment.
const waitFor = 500 * time.Millisecond

// lanes puts the frames of all tracks in the order of their times: the service
// wants each fragment to end before the next begins, on all tracks, and cameras
// deliver sound and picture up to some 100 ms apart. Video is first in it.
type lanes []*lane

// next takes the frame that is next in order; nil if one that is not there yet
// may be earlier. A track that stays behind by more than waitFor has stopped, and
// is not waited for. With all set, nothing is.
func (ls lanes) next(lead *lane, all bool) (*lane, queued) {
	var first *lane
	newest := ls[0].newest
	for _, l := range ls {
		newest = max(newest, l.newest)
		if w := l.waiting(); len(w) > 0 && (first == nil || w[0].pts < first.waiting()[0].pts) {
			first = l
		}
	}
	if lead != nil && len(lead.waiting()) > 0 {
		first = lead
	}
	if first == nil {
		return nil, queued{}
	}
	pts := first.waiting()[0].pts
	for _, l := range ls {
		if !all && len(l.waiting()) == 0 && l.newest < pts && newest-l.newest <= waitFor {
			return nil, queued{}
		}
	}
	return first, first.pop()
}

// description is what a session declares of its tracks. Fragments of another
// one need another session.
type description struct {
	lanes  []*lane // in the order of their numbers, from 1 on
	header []byte  // from the EBML header to the list of tracks
}

func (d *description) number(l *lane) uint8 { return uint8(slices.Index(d.lanes, l) + 1) }

// describe returns the description of the lanes as they are now, old if that is
// still right.
func describe(old *description, ls []*lane) (*description, error) {
	same := old != nil && slices.Equal(old.lanes, ls)
	for _, l := range ls {
		same = same && !l.changed
	}
	if same {
		return old, nil
	}
	d := &description{lanes: ls}
	version := uint8(2)
	list := make(mkv.Tracks, len(ls))
	for i, l := range ls {
		e, err := l.entry()
		if err != nil {
			return nil, err
		}
		copied := *e
		copied.Number, copied.UID = uint64(i+1), uint64(i+1)
		list[i] = &copied
		if copied.SeekPreRoll > 0 {
			version = 4
		}
	}
	d.header = mkv.AppendHeader(nil, version)
	d.header = mkv.AppendInfo(d.header, &mkv.Info{UUID: newUUID(), MuxingApp: app, WritingApp: app})
	d.header = mkv.AppendTracks(d.header, list)
	for _, l := range ls {
		l.changed = false
	}
	return d, nil
}
