package rtsp

import (
	"math"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Bounds of what is waited for at the beginning of a session, see [Line.Add].
const (
	calm      = 300 * time.Millisecond // in which nothing shows that frames are sent sooner
	maxHold   = 3 * time.Second
	maxHeld   = 2000     // frames
	holdBytes = 16 << 20 // of them
)

// afterBreak is from the last frame of a session to the first of the next, at least.
const afterBreak = 10 * time.Millisecond

// Line gives the frames of a source their times, over all sessions with its server.
// The zero value is ready for Start. It is not safe for concurrent use.
//
// Arrivals are times since the source began, on a clock that is never set.
type Line struct {
	tracks []*track
	base   time.Duration // from arrival to PTS, of the first session
	based  bool
	shift  time.Duration // of this session
	last   time.Duration // the latest PTS

	holding bool
	held    [][]held      // by track
	count   int           // of held
	bytes   int           // of held
	first   time.Duration // arrival of the first frame that is held
	sooner  time.Duration // when a track last showed that frames are sent sooner than it seemed
}

// held is a frame that waits for the beginning to be understood.
type held struct {
	unit  Unit
	media time.Duration
}

// Start begins a session with new clocks, one for each stream.
func (l *Line) Start(streams []*Stream) {
	l.tracks = nil
	for _, s := range streams {
		l.tracks = append(l.tracks, &track{clock: clock{rate: int64(s.Rate), forward: true}, each: s.step})
	}
	l.holding, l.held, l.count, l.bytes = true, make([][]held, len(streams)), 0, 0
}

// Add takes a unit of a stream, by its place in Start, and returns the frames that are
// ready, with PTS, the wall clock time of their capture, and how many are missing before
// them. At the beginning of a session frames are held until it is clear whether the
// server sends a burst, for 0.3 to 3 seconds; [Line.Due] says when to call
// [Line.Release] if nothing more comes.
func (l *Line) Add(stream int, u Unit) []kvsmedia.Frame {
	t := l.tracks[stream]
	media, missing, sooner := t.arrived(&u)
	u.Frame.Skipped = missing
	if !l.holding {
		return []kvsmedia.Frame{l.place(t, u, media)}
	}
	if l.count == 0 {
		l.first = u.At
	}
	if sooner {
		l.sooner = u.At
	}
	l.held[stream] = append(l.held[stream], held{u, media})
	l.count++
	l.bytes += len(u.Frame.Data)
	if l.count >= maxHeld || l.bytes >= holdBytes {
		return l.release()
	}
	return l.Release(u.At)
}

// Due returns when the frames that are held are ready; ok is false if none are held.
func (l *Line) Due() (at time.Duration, ok bool) {
	return min(l.sooner+calm, l.first+maxHold), l.holding && l.count > 0
}

// Release returns the frames that are held if they are ready.
func (l *Line) Release(now time.Duration) []kvsmedia.Frame {
	if due, ok := l.Due(); !ok || now < due {
		return nil
	}
	return l.release()
}

// End returns the frames that are held: the session is over.
func (l *Line) End() []kvsmedia.Frame {
	if !l.holding || l.count == 0 {
		return nil
	}
	return l.release()
}

// release ends the hold. The tracks' frames are interleaved by time, those of a track stay in their order.
func (l *Line) release() (frames []kvsmedia.Frame) {
	first := time.Duration(math.MaxInt64)
	for i, t := range l.tracks {
		if len(l.held[i]) > 0 {
			t.settle()
		}
		for _, h := range l.held[i] {
			first = min(first, h.media+t.offset)
		}
	}
	if !l.based { // PTS begins at zero
		l.base, l.last, l.based = -first, -afterBreak, true
	}
	l.shift = max(l.base, l.last+afterBreak-first)
	for range l.count {
		next := -1
		for i, t := range l.tracks {
			if len(l.held[i]) > 0 && (next < 0 || l.held[i][0].media+t.offset < l.held[next][0].media+l.tracks[next].offset) {
				next = i
			}
		}
		h := l.held[next][0]
		l.held[next] = l.held[next][1:]
		frames = append(frames, l.place(l.tracks[next], h.unit, h.media))
	}
	l.holding, l.held = false, nil
	return frames
}

// place gives a frame its times.
func (l *Line) place(t *track, u Unit, media time.Duration) kvsmedia.Frame {
	captured := t.captured(media)
	f := u.Frame
	f.PTS = captured + l.shift
	f.Time = u.Wall.Add(min(captured-u.At, 0)) // nothing was captured later than it came
	l.last = max(l.last, f.PTS)
	return f
}

// Report takes a sender report of a stream: the sender's wall clock, in whatever era, at
// an RTP timestamp. When two reports in a row of each track that has any agree, the
// tracks are aligned by them.
func (l *Line) Report(stream int, wall time.Duration, stamp uint32) {
	reporting := l.tracks[stream]
	if reporting.report(wall, stamp) {
		for _, t := range l.tracks {
			if t != reporting {
				t.agreed = 0 // the sender has one wall clock: reports before this one are of its old time
			}
		}
	}
	// From the sender's clock to that of arrival it is least by the track with the least delay.
	least, most, n := time.Duration(math.MaxInt64), time.Duration(math.MinInt64), 0
	for _, t := range l.tracks {
		if t.reports && t.agreed < 2 {
			return
		}
		if t.reports {
			least, most = min(least, t.soonest()-t.sender), max(most, t.soonest()-t.sender)
			n++
		}
	}
	if n < 2 || most-least > maxSync {
		return
	}
	for _, t := range l.tracks {
		if t.reports {
			t.sync = least - (t.soonest() - t.sender)
		}
	}
}
