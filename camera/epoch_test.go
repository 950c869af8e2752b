package camera_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

var keyPicture = testmedia.NewNoise().Next().Data[:64]

// clocked is a track whose PTS is captured time on a clock of its own.
type clocked struct {
	*kvsmedia.Track
	step  time.Duration // from frame to frame
	gop   int           // frames from key to key
	clock time.Duration // PTS of capture time 0
	round time.Duration // after which PTS begins at 0 again

	next   time.Duration // capture time of the next frame
	n      int
	stray  time.Duration // of the next frame's PTS
	strays int           // frames that are to stray
	late   time.Duration // delay of its frames, which goes back by and by
}

// spell is an hour or so of a camera whose encoders misbehave.
type spell struct {
	*rand.Rand
	tracks []*clocked
	timed  bool // frames have times of capture, and come late at times
}

func newSpell(seed uint64) *spell {
	s := &spell{Rand: rand.New(rand.NewPCG(seed, 1))}
	s.timed = s.IntN(2) > 0
	full := 1 << 32 * time.Second / 90_000 * time.Duration(1+s.IntN(2))
	one := s.within(0, full) // shared, until one leaps alone
	if s.IntN(2) > 0 {
		one = full - s.within(time.Minute, 50*time.Minute) // wraps
	}
	for _, c := range []clocked{
		{Track: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}, step: 40 * time.Millisecond, gop: 10 + s.IntN(60)},
		{Track: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "sub"}, step: 100 * time.Millisecond, gop: 5 + s.IntN(20)},
		{Track: &kvsmedia.Track{Codec: kvsmedia.PCMU, Name: "sound"}, step: 20 * time.Millisecond, gop: 1},
	} {
		c.clock, c.round = one, full
		if s.IntN(4) == 0 {
			c.clock = s.within(0, full)
		}
		s.tracks = append(s.tracks, &c)
	}
	return s
}

func (s *spell) within(low, high time.Duration) time.Duration {
	return low + time.Duration(s.Int64N(int64(high-low)))
}

// leap is a distance that a PTS is off: back, or further on than frames can be apart.
func (s *spell) leap() time.Duration {
	if s.IntN(2) > 0 {
		return -s.within(100*time.Millisecond, []time.Duration{time.Second, 3 * time.Hour}[s.IntN(2)])
	}
	return s.within(6*time.Second, 3*time.Hour)
}

// happen has something happen at a capture time and says what.
func (s *spell) happen(now time.Duration) string {
	one := s.tracks[s.IntN(len(s.tracks))]
	switch s.IntN(7) {
	case 0: // all encoders restart and begin by turns
		outage, zero := s.within(0, 20*time.Second), s.within(0, time.Second)
		for _, t := range s.tracks {
			t.clock, t.next, t.n = zero-now-outage, now+outage+s.within(0, 500*time.Millisecond), 0
		}
		return fmt.Sprintf("restart after %v", outage)
	case 1:
		d := s.leap()
		for _, t := range s.tracks {
			t.clock += d
		}
		return fmt.Sprintf("all leap by %v", d)
	case 2:
		d := s.leap()
		one.clock += d
		return fmt.Sprintf("%s leaps by %v", one.Name, d)
	case 3, 4:
		one.stray, one.strays = s.leap(), 1
		if one.stray.Abs() > 6*time.Second {
			one.strays = 1 + s.IntN(2)
		}
		return fmt.Sprintf("%d frames of %s stray by %v", one.strays, one.Name, one.stray)
	case 5:
		pause := s.within(time.Second, 20*time.Minute)
		for _, t := range s.tracks {
			t.next += pause
		}
		return fmt.Sprintf("pause of %v", pause)
	default:
		if s.timed {
			one.late = s.within(0, 3*time.Second)
		}
		return fmt.Sprintf("%s stalls for %v", one.Name, one.late)
	}
}

// frame returns the next frame of the track that is the first to have one, when it was
// captured, when it arrives, and whether its PTS strays.
func (s *spell) frame(wall time.Time) (t *clocked, f kvsmedia.Frame, captured, arrives time.Duration, stray bool) {
	t = slices.MinFunc(s.tracks, func(a, b *clocked) int { return int(a.next + a.late - b.next - b.late) })
	captured = t.next
	f = kvsmedia.Frame{Track: t.Track, PTS: captured + t.clock}
	if stray = t.strays > 0; stray {
		f.PTS += t.stray
		t.strays--
	}
	f.PTS = (f.PTS%t.round + t.round) % t.round
	if s.timed {
		f.Time = wall.Add(captured)
	}
	switch {
	case !t.Codec.Video():
		f.Data = []byte{0xff}
	case t.n%t.gop == 0:
		f.Data = keyPicture
	default:
		f.Data = append([]byte{0, 0, 0, 1}, append(testmedia.SliceHead(false, true, t.n%t.gop), 0x55)...)
	}
	arrives = captured + t.late + s.within(0, 15*time.Millisecond)
	t.late = max(t.late-t.step*9/10, 0)
	t.next += t.step
	t.n++
	return t, f, captured, arrives, stray
}

// TestEpochs draws wraps, restarts, leaps, strays, pauses and stalls: every frame is
// taken, media time grows, the tracks stay together within 80 ms, a file can be made of
// them, a pre-roll has the last seconds, and what is older leaves the ring.
func TestEpochs(t *testing.T) {
	seeds := uint64(100)
	if race || testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { epochs(t, newSpell(seed)) })
		})
	}
}

func epochs(t *testing.T, s *spell) {
	const preRoll = 4 * time.Second
	cfg := camera.Config{PreRoll: preRoll + 4*time.Second, Logger: quiet}
	for _, c := range s.tracks {
		cfg.Tracks = append(cfg.Tracks, c.Track)
	}
	c, err := camera.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	wall := time.Now()
	file := kvsmedia.NewMuxer(io.Discard, cfg.Tracks...)
	file.Relative = true
	story, happened := "start", time.Duration(0)
	next := s.within(10*time.Second, time.Minute)
	media, off := map[*clocked]time.Duration{}, map[*clocked]time.Duration{}
	for began := wall; ; {
		track, f, captured, arrives, stray := s.frame(wall)
		time.Sleep(time.Until(began.Add(arrives)))
		if err := c.WriteFrame(f); err != nil {
			t.Fatalf("%v after %q: %v", captured-happened, story, err)
		}
		written := c.Newest(track.Track)
		at := written.PTS
		if err := file.WriteFrame(written); err != nil {
			t.Fatalf("%v after %q: %v", captured-happened, story, err)
		}
		if last, ok := media[track]; ok && at <= last {
			t.Fatalf("media time of %s goes from %v to %v, %v after %q", track.Name, last, at, captured-happened, story)
		}
		media[track] = at
		if !stray {
			off[track] = at - captured
		}
		for other, o := range off {
			if d := (off[track] - o).Abs(); d > 80*time.Millisecond && !stray {
				t.Fatalf("%s is %v off %s, %v after %q, timed %v", track.Name, off[track]-o, other.Name, captured-happened, story, s.timed)
			}
		}
		if items, bytes := c.RingSize(); items > 85*14 {
			t.Fatalf("%d items of %d bytes are in the ring, %v after %q", items, bytes, captured-happened, story)
		}
		if captured < next || track.late > 0 {
			continue
		}
		for f := range c.Frames(t.Context(), preRoll) {
			if d := c.Newest(s.tracks[0].Track).PTS - f.PTS; !f.Key || d < preRoll || d > preRoll+3*time.Second {
				t.Fatalf("a pre-roll of %v begins %v before the newest picture, %v after %q", preRoll, d, captured-happened, story)
			}
			break
		}
		if captured > time.Hour {
			break
		}
		happened, story = captured, s.happen(track.next)
		next = track.next + s.within(20*time.Second, 2*time.Minute)
	}
}
