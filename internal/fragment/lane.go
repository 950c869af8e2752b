package fragment

import (
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

const (
	// How far frames of one track wait for those of others, in media time: minWait, or
	// as long as the track's frames were late, plus lateSpare, up to maxWait.
	minWait   = 2000 // ms
	maxWait   = 5000 // ms
	lateSpare = 200  // ms

	flows = 500 * time.Millisecond // a track of which a frame came so recently has not stopped

	// near is how far the next frame of a track may be when a fragment begins that is to
	// have it: the fragment does not end before.
	near = 5000 // ms

	// maxReorder is how far video frames may go back in the order of decoding (B-frames).
	maxReorder = 400 // ms

	never = -1 << 62 // ms
)

// lane is one track on its way into fragments. Its timestamps are in ms since 1970.
type lane struct {
	Track
	index int
	line  line
	queue []queued
	taken int // of queue, from its front

	last    int64 // the latest timestamp that a frame has
	newest  int64 // the same, or one up to which none came; others wait from there on
	late    int64 // by which frames come later than those of other tracks, ms; it fades
	depth   int64 // by which timestamps go back in the order of decoding: reorder of the last group of pictures
	reorder int64 // of this group
	in      bool  // a frame is in the fragment being built
	keyed   bool  // frames that are not key frames can be decoded
	entry   *mkv.Track
	stops   int           // how often it was declared no longer
	back    int64         // timestamp from which it may be declared again
	aligned time.Duration // of the line's offset, what is known to differ from the picture's
	noted   [noteKinds]bool
}

// queued is a frame that waits for earlier ones of other tracks.
type queued struct {
	at    int64 // timestamp, ms
	order int64 // the least timestamp that it and those after it have, ms
	key   bool
	data  []byte
	units [][]byte
	entry *mkv.Track
}

func (l *lane) waiting() []queued { return l.queue[l.taken:] }

func (l *lane) push(q queued) {
	l.queue = append(l.queue, q)
}

func (l *lane) pop() queued {
	q := l.queue[l.taken]
	l.queue[l.taken] = queued{}
	if l.taken++; l.taken == len(l.queue) {
		l.queue, l.taken = l.queue[:0], 0
	}
	return q
}

// stamp makes a frame's timestamp one that the track can have: those of sound rise,
// those of video do as far as they are not reordered.
func (l *lane) stamp(at int64, key bool) int64 {
	if !l.Video {
		return max(at, l.last+1)
	}
	if key {
		l.depth, l.reorder = l.reorder, 0
	}
	if back := l.last - at; back > maxReorder {
		at = l.last + 1
	} else if back > 0 {
		l.reorder = max(l.reorder, back)
		l.depth = max(l.depth, back)
	}
	return at
}

// wait returns how long frames of other tracks wait for this one's, in media time.
func (l *lane) wait() int64 { return min(max(l.late+lateSpare, minWait), maxWait) }

// shift moves the timestamps of what waits, and of what is to come.
func (l *lane) shift(ms int64) {
	l.line.shift(time.Duration(ms) * time.Millisecond)
	for _, at := range []*int64{&l.last, &l.newest} {
		if *at != never {
			*at += ms
		}
	}
	l.back += ms
	for i := l.taken; i < len(l.queue); i++ {
		l.queue[i].at += ms
		l.queue[i].order += ms
	}
}

// lanes puts the frames of all tracks in the order of their times: the service
// wants each fragment to end before the next begins, on all tracks, and cameras
// deliver sound and picture apart. Video is first in it.
type lanes []*lane

// next returns the lane whose frame is next in order; nil if one that is not there yet
// may be earlier. A track that stays behind by more than is waited for has stopped.
// With all set, nothing is waited for. A fragment, if none is open, begins with the leading
// track where that is possible, when it is seen which others flow.
func (ls lanes) next(lead *lane, open, all bool) *lane {
	var first *lane
	newest := int64(never)
	for _, l := range ls {
		newest = max(newest, l.newest)
		if w := l.waiting(); len(w) > 0 && (first == nil || w[0].order < first.waiting()[0].order) {
			first = l
		}
	}
	if !open && len(lead.waiting()) > 0 {
		first = lead
	}
	if first == nil {
		return nil
	}
	order := first.waiting()[0].order
	for _, l := range ls {
		if !all && len(l.waiting()) == 0 && (!open || l.newest-l.depth < order) && newest-l.newest <= l.wait() {
			return nil
		}
	}
	return first
}
