package send

import (
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
)

const (
	// lateLimit is how far behind the newest picture a viewer may fall before
	// pictures are left out up to the next key frame, the time in the path's queue
	// included. After a session's beginning and after such a key frame calm holds
	// instead for as long.
	lateLimit = 800 * time.Millisecond
	calm      = 2 * time.Second

	// askEvery is how often a key frame is asked for that does not come.
	askEvery = 600 * time.Millisecond
)

// skip is the state of leaving pictures out, and of changing their lane.
type skip struct {
	wished   int       // the lane that is asked for
	asked    time.Time // when a key frame was
	joined   time.Time
	skipping bool      // nothing is sent before the next key frame
	resumed  time.Time // at the last key frame after skipping

	told   time.Time // when the owner last was
	last   Path      // what it was told
	filled time.Time // when the stream was last widened
	bytes  int64     // of the session by then
}

// nextUnit returns the next unit that the peer is to get.
func (s *Sender) nextUnit(out *stream) (it ring.Item[*packet.Unit], ok bool) {
	if !out.video {
		it, _, ok = out.reader.TryNext()
		return it, ok
	}
	if wish := int(s.wish.Load()); wish != out.wished {
		out.wished, out.asked = wish, time.Time{}
		out.reader.Switch(int(s.lane.Load()), wish)
	}
	if int(s.lane.Load()) != out.wished {
		s.wantKeyframe(out, out.wished)
	}
	for {
		it, _, ok = out.reader.TryNext()
		if !ok {
			return it, false
		}
		if it.Value.Hidden {
			out.skipping = true
			continue
		}
		if it.Key {
			if s.late(it) > lateLimit && s.newerKey(it) {
				out.skipping = true // of several key frames that wait the newest will do
				continue
			}
			if out.skipping {
				out.skipping, out.resumed = false, time.Now()
			}
			s.lane.Store(int32(it.Lane))
			return it, true
		}
		if !out.skipping && s.tooLate(out, it) {
			out.skipping = true
			out.lost.forget()
		}
		if !out.skipping && !s.keysOnly.Load() {
			return it, true
		}
		out.skipping = true // what follows needs what was left out
		s.tell(out)
		if !s.keysOnly.Load() {
			s.wantKeyframe(out, it.Lane)
		}
	}
}

// tooLate reports whether it is better to go on at the next key frame than to send
// a picture that is no key frame.
func (s *Sender) tooLate(out *stream, it ring.Item[*packet.Unit]) bool {
	since := min(time.Since(out.joined), time.Since(out.resumed))
	if since < lateLimit {
		return false
	}
	late := s.late(it)
	if since < calm { // a key frame, of which there must not be too many, makes the next pictures late
		return late > calm
	}
	return late > lateLimit || late > lateLimit/4 && late+s.path.state().Queue > lateLimit
}

// newerKey reports whether the lane of a key frame has a newer one.
func (s *Sender) newerKey(it ring.Item[*packet.Unit]) bool {
	seq, ok := s.source.Ring.NewestKey(it.Lane)
	return ok && seq > it.Seq
}

// late is how far a picture is behind the newest one of its lane.
func (s *Sender) late(it ring.Item[*packet.Unit]) time.Duration {
	if seq, ok := s.source.Ring.Newest(it.Lane); ok {
		if newest, ok := s.source.Ring.Get(seq); ok {
			return newest.At - it.At
		}
	}
	return 0
}

// wantKeyframe asks for a key frame of a lane, again only after a while.
func (s *Sender) wantKeyframe(out *stream, lane int) {
	if now := time.Now(); now.Sub(out.asked) > askEvery {
		out.asked = now
		s.owner.WantKeyframe(lane)
	}
}
