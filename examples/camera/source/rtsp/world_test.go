package rtsp

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

// sender is a track of a camera in simulated time.
type sender struct {
	stream   *Stream
	interval time.Duration // from frame to frame
	delay    time.Duration // from capture to sending
	drift    float64       // by how much its RTP clock is fast
	stamp    uint32        // at the beginning
	leap     int64         // ticks added to its timestamps
	reports  time.Duration // from one sender report to the next; 0: 5 s
	n        int           // frames captured
	sent     int
}

func newSender(codec kvsmedia.Codec, rate int, interval time.Duration) *sender {
	return &sender{stream: &Stream{Track: &kvsmedia.Track{Codec: codec}, Rate: rate}, interval: interval}
}

// stampAt is the RTP timestamp of a moment.
func (s *sender) stampAt(at time.Duration) uint32 {
	return s.stamp + uint32(int64(at.Seconds()*float64(s.stream.Rate)*(1+s.drift))+s.leap)
}

// world is a camera and the network to it. The source begins at 0 of its clock of
// arrivals; the camera began an hour before.
type world struct {
	t       *testing.T
	r       *rand.Rand
	now     time.Duration
	wall    time.Time     // of 0 on the local clock, as it is set now
	ntp     time.Duration // of 0 on the camera's wall clock; 0: no reports
	jitter  time.Duration
	senders []*sender
	line    Line
	got     map[*kvsmedia.Track][]result
	sent    map[*kvsmedia.Track][]time.Duration // captures
	odd     map[*sender]int64                   // ticks that the next frame is off
}

// result is a frame and when it was captured in truth.
type result struct {
	kvsmedia.Frame
	captured, wallError time.Duration
}

func newWorld(t *testing.T, r *rand.Rand, senders ...*sender) *world {
	w := &world{t: t, r: r, wall: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC), senders: senders,
		got: map[*kvsmedia.Track][]result{}, sent: map[*kvsmedia.Track][]time.Duration{}, odd: map[*sender]int64{}}
	var streams []*Stream
	for _, s := range senders {
		s.stamp = r.Uint32()
		streams = append(streams, s.stream)
	}
	w.line.Start(streams)
	return w
}

const age = time.Hour // of the camera when the source begins

func (w *world) take(frames []kvsmedia.Frame) {
	for _, f := range frames {
		list := w.got[f.Track]
		captured := w.sent[f.Track][len(list)]
		w.got[f.Track] = append(list, result{f, captured, f.Time.Sub(w.wall) - captured})
	}
}

// send sends the next frame of a track, captured at a time of the local clock.
func (w *world) send(i int, captured time.Duration) {
	s := w.senders[i]
	stamp := s.stampAt(captured+age) + uint32(w.odd[s])
	delete(w.odd, s)
	w.sent[s.stream.Track] = append(w.sent[s.stream.Track], captured)
	u := Unit{Frame: kvsmedia.Frame{Track: s.stream.Track, Key: true, Data: []byte{1}}, Stamp: stamp, At: w.now, Wall: w.wall.Add(w.now)}
	w.take(w.line.Add(i, u))
	s.sent++
}

// play lets time pass up to until: frames are captured and sent, in order on one
// connection that stalls from stall on for a while.
func (w *world) play(until time.Duration, each func(captured time.Duration)) {
	type event struct {
		at, captured time.Duration
		sender       int // or -1-sender for a report
	}
	var events []event
	for i, s := range w.senders {
		at := time.Duration(0) // in order
		for ; ; s.n++ {
			captured := time.Duration(s.n) * s.interval
			if captured >= until {
				break
			}
			at = max(at, captured+s.delay+time.Duration(w.r.Int64N(int64(w.jitter)+1)))
			events = append(events, event{at, captured, i})
			if per := int(cmp.Or(s.reports, 5*time.Second) / s.interval); w.ntp != 0 && s.n%per == per/2 {
				events = append(events, event{captured + s.delay + ms, captured, -1 - i})
			}
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	for _, e := range events {
		w.now = max(w.now, e.at)
		if e.sender < 0 {
			s := w.senders[-1-e.sender]
			w.line.Report(-1-e.sender, w.ntp+e.captured, s.stampAt(e.captured+age))
			continue
		}
		if each != nil {
			each(e.captured)
		}
		w.send(e.sender, e.captured)
	}
	w.take(w.line.Release(until + time.Minute))
}

// check checks the frames from a capture on: PTS within bound of the captures, by one
// offset for all tracks; steps within a quarter of what they should be; Time within bound.
func (w *world) check(from time.Duration, bound, timeBound time.Duration) {
	w.t.Helper()
	var offset time.Duration
	first := true
	least, most := time.Duration(1<<62), time.Duration(-1<<62)
	for _, s := range w.senders {
		list := w.got[s.stream.Track]
		if len(list) != s.sent {
			w.t.Fatalf("%s: %d frames of %d", s.stream.Track.Codec, len(list), s.sent)
		}
		for i, g := range list {
			if i > 0 {
				if step := g.PTS - list[i-1].PTS; (step - s.interval).Abs() > s.interval/4+5*ms {
					w.t.Fatalf("%s frame %d (%v): %v after the one before", s.stream.Track.Codec, i, g.captured, step)
				}
			}
			if g.captured < from {
				continue
			}
			if first {
				offset, first = g.PTS-g.captured, false
			}
			least, most = min(least, g.PTS-g.captured-offset), max(most, g.PTS-g.captured-offset)
			if g.wallError < -50*ms || g.wallError > timeBound {
				w.t.Fatalf("%s frame %d (%v): Time is off by %v", s.stream.Track.Codec, i, g.captured, g.wallError)
			}
		}
	}
	if most-least > bound {
		w.t.Errorf("PTS is off by %v to %v from one line", least, most)
	}
}
