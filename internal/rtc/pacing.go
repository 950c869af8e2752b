package rtc

import (
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
)

const (
	// lateLimit is how far behind the newest picture a viewer may fall before
	// pictures are left out up to the next key frame, the time in the path's queue
	// included. After a session's beginning and after such a key frame calm holds
	// instead for as long.
	lateLimit = 800 * time.Millisecond
	calm      = 2 * time.Second

	// fillEvery is how often a stream that is to be wider than its pictures is
	// filled up.
	fillEvery = 10 * time.Millisecond

	// askEvery is how often a key frame is asked for that does not come.
	askEvery = 600 * time.Millisecond

	// deaf is how long nothing comes over a path that is lost: one in use brings
	// feedback ten times a second.
	deaf = 300 * time.Millisecond

	// tellEvery is how often the owner is told of the path.
	tellEvery = 100 * time.Millisecond
)

// flow is one stream on its way from the ring to the peer.
type flow struct {
	out    *sender
	reader *ring.Reader[*Unit]
	ended  bool
	joined time.Time

	// Of a picture.
	wished   int       // the lane that is asked for
	asked    time.Time // when a key frame was
	skipping bool      // nothing is sent before the next key frame
	resumed  time.Time // at the last one after that
	told     time.Time
	last     Path // that was told
	filled   time.Time
	bytes    int64 // of the session by then
}

// advance sends what may be sent now of the flow's unit, or of the next one, and
// otherwise says how long to wait for the pace.
func (s *Session) advance(f *flow) (moved bool, wait time.Duration, err error) {
	if f.out.waiting() == 0 {
		it, ok := s.nextUnit(f)
		if !ok {
			return false, 0, nil
		}
		s.beginUnit(f.out, it)
	}
	n := maxBurst
	if f.out.codec.Video() {
		if n, wait = s.out.path.room(); n == 0 {
			return false, wait, nil
		}
	}
	if err := s.burst(func() error { return f.out.write(n) }); err != nil {
		return false, 0, err
	}
	if f.out.waiting() == 0 {
		s.endUnit(f)
	}
	return true, 0, nil
}

// nextUnit returns the next unit that the peer is to get.
func (s *Session) nextUnit(f *flow) (it ring.Item[*Unit], ok bool) {
	if !f.out.codec.Video() {
		it, _, ok = f.reader.TryNext()
		return it, ok
	}
	if wish := int(s.out.wish.Load()); wish != f.wished {
		f.wished, f.asked = wish, time.Time{}
		f.reader.Switch(int(s.out.lane.Load()), wish)
	}
	if int(s.out.lane.Load()) != f.wished {
		s.wantKeyframe(f, f.wished)
	}
	for {
		it, _, ok = f.reader.TryNext()
		if !ok {
			return it, false
		}
		if it.Key {
			if f.skipping {
				f.skipping, f.resumed = false, time.Now()
			}
			s.out.lane.Store(int32(it.Lane))
			return it, true
		}
		if !f.skipping && s.tooLate(f, it) {
			f.skipping = true
			f.out.lost.forget()
		}
		if !f.skipping && !s.out.keysOnly.Load() {
			return it, true
		}
		f.skipping = true // what follows needs what was left out
		s.tell(f)
		if !s.out.keysOnly.Load() {
			s.wantKeyframe(f, it.Lane)
		}
	}
}

// tooLate reports whether it is better to go on at the next key frame than to send
// a picture that is no key frame.
func (s *Session) tooLate(f *flow, it ring.Item[*Unit]) bool {
	since := min(time.Since(f.joined), time.Since(f.resumed))
	if since < lateLimit {
		return false
	}
	late := s.late(it)
	if since < calm { // a key frame, of which there must not be too many, makes the next pictures late
		return late > calm
	}
	return late > lateLimit || late > lateLimit/4 && late+s.out.path.state().Queue > lateLimit
}

// late is how far a picture is behind the newest one of its lane.
func (s *Session) late(it ring.Item[*Unit]) time.Duration {
	if seq, ok := s.source.Ring.Newest(it.Lane); ok {
		if newest, ok := s.source.Ring.Get(seq); ok {
			return newest.At - it.At
		}
	}
	return 0
}

// wantKeyframe asks for a key frame of a lane, again only after a while.
func (s *Session) wantKeyframe(f *flow, lane int) {
	if now := time.Now(); now.Sub(f.asked) > askEvery {
		f.asked = now
		s.askKeyframe(lane)
	}
}

func (s *Session) askKeyframe(lane int) {
	if s.cfg.Hooks.Keyframe != nil {
		s.cfg.Hooks.Keyframe(s.source.Tracks[lane])
	}
}

// tell tells the owner of the path, if there is news. One that is lost says
// nothing of what the next will carry.
func (s *Session) tell(f *flow) {
	if s.cfg.Hooks.Path == nil || s.net.silent() > deaf {
		return
	}
	now, p := time.Now(), s.out.path.state()
	if f.out.waiting() > 0 {
		p.Late = s.late(f.out.unit)
	}
	if p.Target > f.last.Target*9/10 && p.Constrained == f.last.Constrained && now.Sub(f.told) < tellEvery {
		return
	}
	f.told, f.last = now, p
	s.cfg.Hooks.Path(p)
}

// fill sends packets of the picture once more, so that all that is sent comes to
// the rate that is to be tried, as far as the path is known to carry it.
func (s *Session) fill(f *flow) {
	rate := min(int(s.out.trial.Load()), s.out.path.state().Target)
	now, bytes := time.Now(), s.out.path.total()
	gap := now.Sub(f.filled)
	if gap < fillEvery {
		return
	}
	missing := int64(float64(rate)/8*min(gap, 5*fillEvery).Seconds()) - (bytes - f.bytes)
	_ = s.burst(func() error {
		for i := 0; i < maxBurst && missing > 0; i++ {
			n, err := f.out.repeat(s.source.Ring)
			if err != nil || n == 0 {
				return err
			}
			missing -= int64(n + overhead)
		}
		return nil
	})
	f.filled, f.bytes = now, s.out.path.total()
}

// Path returns what is known of the way to the peer; the zero value before media
// flows.
func (s *Session) Path() Path { return s.out.path.state() }

// Lanes returns the lanes whose picture and sound are sent, -1 for none.
func (s *Session) Lanes() (picture, sound int) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	picture, sound = -1, -1
	for _, out := range s.out.senders {
		if out.codec.Video() {
			picture = int(s.out.lane.Load())
		} else {
			sound = out.lane
		}
	}
	return picture, sound
}

// SetLane asks for another rendition of the picture, of the same codec. It is
// changed at a key frame, for which the owner is asked.
func (s *Session) SetLane(lane int) { s.out.wish.Store(int32(lane)) }

// SetKeyframesOnly leaves all pictures out but key frames, or no more.
func (s *Session) SetKeyframesOnly(only bool) { s.out.keysOnly.Store(only) }

// Try widens what is sent to bitrate, in bits per second, by repeating packets,
// as far as the path is known to carry it, so that the estimate can grow to
// it; 0 ends that. It reports whether the peer takes such packets.
func (s *Session) Try(bitrate int) bool {
	s.out.trial.Store(int64(bitrate))
	return s.out.repeats.Load()
}
