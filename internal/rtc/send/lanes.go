package send

import "time"

const (
	// fillEvery is how often packets are repeated while Try widens the stream.
	fillEvery = 10 * time.Millisecond

	// deaf is how long the peer must have been silent for the path to be taken as
	// lost: one in use brings feedback ten times a second.
	deaf = 300 * time.Millisecond

	// tellEvery is how often the owner is told of the path.
	tellEvery = 100 * time.Millisecond
)

// Lanes returns the lanes whose picture and sound are sent, -1 for none.
func (s *Sender) Lanes() (picture, sound int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	picture, sound = -1, -1
	if s.formats[0].On {
		picture = int(s.lane.Load())
	}
	if s.formats[1].On {
		sound = s.formats[1].Lane
	}
	return picture, sound
}

// SetLane asks for another rendition of the picture. It is changed at a key frame,
// for which the owner is asked. A lane of another codec than was negotiated is not
// taken.
func (s *Sender) SetLane(lane int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.formats[0].On && s.alike(s.formats[0].Lane, lane) {
		s.wish.Store(int32(lane))
	}
}

// SetKeyframesOnly leaves all pictures out but key frames, or no more.
func (s *Sender) SetKeyframesOnly(only bool) { s.keysOnly.Store(only) }

// Try widens what is sent to bitrate, in bits per second, by repeating packets,
// as far as the path is known to carry it, so that the estimate can grow to
// it; 0 ends that. It reports whether the peer takes such packets.
func (s *Sender) Try(bitrate int) bool {
	s.trial.Store(int64(bitrate))
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.formats[0].On && s.formats[0].RTX != 0
}

// Path returns what is known of the way to the peer; the zero value before media
// flows.
func (s *Sender) Path() Path { return s.path.state() }

// tell reports a changed estimate to the owner, but not that of a path that is lost,
// which says nothing about the next one.
func (s *Sender) tell(out *stream) {
	if s.link.Silent() > deaf {
		return
	}
	var late time.Duration
	if out.waiting() > 0 {
		late = s.late(out.unit)
	}
	s.path.setLate(late)
	now, p := time.Now(), s.path.state()
	if p.Target > out.last.Target*9/10 && p.Constrained == out.last.Constrained && now.Sub(out.told) < tellEvery {
		return
	}
	out.told, out.last = now, p
	s.owner.PathChanged()
}

// fill repeats packets of the picture so that the send rate reaches the rate of Try,
// but not more than the path is known to carry.
func (s *Sender) fill(out *stream) {
	rate := min(int(s.trial.Load()), s.path.state().Target)
	now, bytes := time.Now(), s.path.total()
	gap := now.Sub(out.filled)
	if gap < fillEvery {
		return
	}
	missing := int64(float64(rate)/8*min(gap, 5*fillEvery).Seconds()) - (bytes - out.bytes)
	s.link.Begin()
	var err error
	for i := 0; i < maxBurst && missing > 0; i++ {
		var n int
		if n, err = out.repeat(s.source.Ring); err != nil || n == 0 {
			break
		}
		missing -= int64(n + overhead)
	}
	_ = s.flush(err) // an end is noticed with the next frame
	out.filled, out.bytes = now, s.path.total()
}
