package fragment

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// encoder is one track of a simulated camera, with a clock of its own. Times are
// since the camera's start.
type encoder struct {
	video  bool
	every  time.Duration // from frame to frame
	gop    int           // pictures
	b      bool          // pictures in the order I P B B
	offset time.Duration // of PTS
	drift  float64       // of PTS against time
	wrap   time.Duration // PTS begins again at 0
	leaps  []event       // of PTS
	late   time.Duration // from capture to arrival
	stalls []event       // frames of that time come together
	jitter time.Duration // of capture times
	first  time.Duration // by which the first one's capture time is wrong
}

// event is something that happens to a clock, by so much.
type event struct{ at, by time.Duration }

// shot is one frame of an encoder.
type shot struct {
	lane, number int
	taken        time.Duration // on the true clock
	arrives      time.Duration
	frame        Frame
}

// world is what all tracks have in common.
type world struct {
	seed   uint64
	length time.Duration
	tracks []encoder
	steps  []event // of the wall clock
	shots  []shot
	taken  [][]time.Duration // by lane and number
}

func draw(seed uint64, length time.Duration) *world {
	r := rand.New(rand.NewPCG(seed, 9))
	w := &world{seed: seed, length: length}
	between := func(from, to time.Duration) time.Duration { return from + time.Duration(r.Int64N(int64(to-from)+1)) }
	sign := func(d time.Duration) time.Duration {
		if r.IntN(2) == 0 {
			return -d
		}
		return d
	}
	events := func(most int, by func() time.Duration) (list []event) {
		for range r.IntN(most + 1) {
			list = append(list, event{between(10*time.Second, length), by()})
		}
		slices.SortFunc(list, func(a, b event) int { return cmp.Compare(a.at, b.at) })
		return list
	}
	every := []time.Duration{time.Second / 25, time.Second / 30, time.Second / 15, time.Second / 10}[r.IntN(4)]
	gop := []int{1, 8, int(time.Second / every), int(2 * time.Second / every), int(4 * time.Second / every), int(25 * time.Second / every)}[r.IntN(6)]
	sounds := []time.Duration{20 * time.Millisecond, time.Second * 1024 / 48000, 64 * time.Millisecond}
	for i := range 2 + r.IntN(2) {
		e := encoder{
			video: i == 0, every: every, gop: gop, b: gop > 4 && r.IntN(2) == 0,
			offset: sign(between(0, 10*time.Hour)),
			drift:  []float64{0, 1e-5, 1e-3, -1e-3, 5e-3, -5e-3}[r.IntN(6)],
			late:   between(10*time.Millisecond, 300*time.Millisecond),
			jitter: between(0, 15*time.Millisecond),
			leaps: events(6, func() time.Duration {
				return sign([]time.Duration{time.Second, 7 * time.Second, time.Hour, 30 * time.Hour}[r.IntN(4)] + between(0, 10*time.Second))
			}),
			stalls: events(20, func() time.Duration { return between(100*time.Millisecond, 1500*time.Millisecond) }),
		}
		if !e.video {
			e.b, e.every = false, sounds[r.IntN(len(sounds))]
		}
		if r.IntN(3) == 0 { // 32 bits of 90 kHz end within the hour
			e.wrap = (1 << 32) * time.Second / 90000
			e.offset = e.wrap - between(time.Minute, length)
		}
		if r.IntN(3) == 0 {
			e.first = between(0, 150*time.Millisecond)
		}
		w.tracks = append(w.tracks, e)
	}
	w.steps = events(4, func() time.Duration { return sign(between(100*time.Millisecond, 2*time.Hour)) })
	w.shoot(r)
	return w
}

// shoot makes the frames, in the order of their arrival.
func (w *world) shoot(r *rand.Rand) {
	start := epoch2026
	for lane := range w.tracks {
		e := &w.tracks[lane]
		entry := &mkv.Track{Name: fmt.Sprint(lane)}
		count := int(w.length / e.every)
		ids := make([]byte, 4*count)
		w.taken = append(w.taken, make([]time.Duration, count))
		for n := range count {
			shown := n // place in the order of display
			if in := n % e.gop; e.b && in > 0 && (in-1)/3*3+3 < e.gop {
				shown += []int{2, -1, -1}[(in-1)%3]
			}
			taken := time.Duration(shown) * e.every
			w.taken[lane][n] = taken
			pts := e.offset + taken + time.Duration(float64(taken)*e.drift)
			for _, l := range e.leaps {
				if (taken - taken%(e.every*time.Duration(e.gop))) >= l.at { // an encoder restarts with a key frame
					pts += l.by
				}
			}
			if e.wrap > 0 {
				pts = (pts%e.wrap + e.wrap) % e.wrap
			}
			wall := start.Add(taken)
			for _, s := range w.steps {
				if taken >= s.at {
					wall = wall.Add(s.by)
				}
			}
			wall = wall.Add(time.Duration((2*r.Float64() - 1) * float64(e.jitter)))
			if n == 0 {
				wall = wall.Add(e.first)
			}
			arrives := time.Duration(n)*e.every + e.late
			if e.b { // a P is two later than it comes
				arrives += 2 * e.every
			}
			for _, s := range e.stalls {
				if arrives >= s.at && arrives < s.at+s.by {
					arrives = s.at + s.by
				}
			}
			id := ids[4*n : 4*n+4]
			binary.LittleEndian.PutUint32(id, uint32(n))
			w.shots = append(w.shots, shot{lane, n, taken, arrives, Frame{
				Lane: lane, PTS: pts, Time: wall, Key: !e.video || n%e.gop == 0, Data: id, Entry: entry,
			}})
		}
	}
	slices.SortStableFunc(w.shots, func(a, b shot) int { return cmp.Compare(a.arrives, b.arrives) })
}

// service is the receiver of the fragments: it enforces the rules of PutMedia.
type service struct {
	t         *testing.T
	seed      uint64
	latest    int64
	before    *Fragment
	sessions  int
	fragments int
	errors    int
	story     []string  // of sessions
	at        [][]int64 // of the frames stored, by lane and number; 0 for none
	next      []int     // by lane
}

func (s *service) errorf(format string, args ...any) {
	s.t.Helper()
	if s.errors++; s.errors > 10 {
		return
	}
	s.t.Errorf("seed %d: "+format, append([]any{s.seed}, args...)...)
}

func (s *service) take(f *Fragment) {
	s.t.Helper()
	if s.before == nil || s.before.Description != f.Description {
		s.sessions++
		s.story = append(s.story, fmt.Sprintf("%v declares %v", f.Start-epoch2026.UnixMilli(), f.Description.Lanes))
	} else if d := f.Start - s.before.Start; !s.before.Ends && d < 1000 {
		s.errorf("4013: fragment %d has %d ms", s.fragments-1, d)
	}
	if f.Start <= s.latest || f.Before >= f.Start {
		s.errorf("4004: fragment %d begins at %d, the one before ends at %d", s.fragments, f.Start, s.latest)
	}
	end := s.latest
	has := map[int]bool{}
	for _, m := range f.Samples {
		switch d := m.At - f.Start; {
		case m.At <= s.latest:
			s.errorf("4004: a frame at %d, the fragment before ends at %d", m.At, s.latest)
		case d > 20_000:
			s.errorf("4002: fragment %d has a frame after %d ms", s.fragments, d)
		case d < math.MinInt16 || d > math.MaxInt16:
			s.errorf("fragment %d has a frame at %d ms, which a block cannot have", s.fragments, d)
		case f.Description.Number(m.Lane) == 0:
			s.errorf("4010: a frame of lane %d, which is not declared", m.Lane)
		}
		end = max(end, m.At)
		has[m.Lane] = true
		n := int(binary.LittleEndian.Uint32(m.Data))
		if n < s.next[m.Lane] {
			s.errorf("lane %d: frame %d comes after %d", m.Lane, n, s.next[m.Lane]-1)
		}
		s.next[m.Lane] = n + 1
		s.at[m.Lane][n] = m.At
	}
	if len(has) < len(f.Description.Lanes) {
		s.errorf("4011: fragment %d has no frames of a track", s.fragments)
	}
	s.latest, s.before = end, f
	s.fragments++
}

// upload passes a world's frames through a cutter, and returns what the service stored.
func (w *world) upload(t *testing.T) (*service, *Cutter) {
	t.Helper()
	s := &service{t: t, seed: w.seed, at: make([][]int64, len(w.tracks)), next: make([]int, len(w.tracks))}
	var tracks []Track
	for i, e := range w.tracks {
		tracks = append(tracks, Track{Video: e.video})
		s.at[i] = make([]int64, int(w.length/e.every))
	}
	c := New(tracks, 8<<20, func() []byte { return nil })
	drain := func() {
		for len(c.Window.Fragments) > 0 && c.Window.Fragments[0].Complete {
			c.Sent()
			s.take(c.Window.Fragments[0])
			c.Window.Remove(c.Window.Fragments[0])
		}
	}
	for i := range w.shots {
		sh := &w.shots[i]
		if err := c.Add(sh.frame, Clock{Now: epoch2026.Add(sh.arrives)}); err != nil {
			s.errorf("lane %d: frame %d: %v", sh.lane, sh.number, err)
			break
		}
		drain()
	}
	c.Pause()
	drain()
	return s, c
}

// TestRealClocks draws tracks with clocks of their own: offset, drift, leaps, bursts,
// wraps, groups of pictures. Every frame is stored once, in order, in fragments that
// the service takes, in few sessions, and sound stays with the picture.
func TestRealClocks(t *testing.T) {
	seeds, length := 100, time.Hour
	if testing.Short() || race {
		seeds, length = 10, 10*time.Minute
	}
	for seed := range uint64(seeds) {
		w := draw(seed, length)
		s, _ := w.upload(t)
		w.check(s)
		if t.Failed() {
			t.Logf("seed %d: %+v", seed, w.tracks)
			t.Logf("seed %d: wall clock %v", seed, w.steps)
			break
		}
	}
}

func (w *world) check(s *service) {
	if s.sessions > 2 {
		s.errorf("%d sessions: %v", s.sessions, s.story)
	}
	if most := int(w.length/time.Second) + 10; s.fragments > most || s.fragments < int(w.length/(20*time.Second)) {
		s.errorf("%d fragments", s.fragments)
	}
	picture := &w.tracks[0]
	for lane, at := range s.at {
		e := &w.tracks[lane]
		lost, worst, where := []time.Duration{}, time.Duration(0), time.Duration(0)
		for n := range at {
			taken := time.Duration(n) * e.every
			if at[n] == 0 {
				if taken > 0 && taken > picture.late { // sound before the first picture has no place
					lost = append(lost, taken)
				}
				continue
			}
			k := int(taken / picture.every)
			if lane == 0 || e.unsettled(taken) || picture.unsettled(taken) || k >= len(s.at[0]) || s.at[0][k] == 0 {
				continue
			}
			off := time.Duration(at[n]-s.at[0][k])*time.Millisecond - (taken - w.taken[0][k])
			if off.Abs() > worst.Abs() {
				worst, where = off, taken
			}
		}
		if len(lost) > 0 {
			s.errorf("lane %d: %d of %d frames are lost, from %v to %v", lane, len(lost), len(at), lost[0], lost[len(lost)-1])
		}
		if worst.Abs() > lipSync {
			s.errorf("lane %d: sound is off the picture by %v at %v", lane, worst, where)
		}
	}
}

// unsettled reports whether a clock has just done something.
func (e *encoder) unsettled(taken time.Duration) bool {
	if e.first > 0 && taken < 5*time.Second {
		return true
	}
	return slices.ContainsFunc(e.leaps, func(l event) bool {
		return taken >= l.at && taken < l.at+time.Duration(e.gop)*e.every+5*time.Second
	})
}
