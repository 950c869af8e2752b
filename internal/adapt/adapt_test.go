package adapt

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeSession records what the adapter asks of a session.
type fakeSession struct {
	lane     int
	keysOnly bool
	trial    int
	noTry    bool
	ended    error
}

func (f *fakeSession) SetLane(lane int)           { f.lane = lane }
func (f *fakeSession) SetKeyframesOnly(only bool) { f.keysOnly = only }
func (f *fakeSession) End(why error)              { f.ended = why }
func (f *fakeSession) Try(bitrate int) bool       { f.trial = bitrate; return !f.noTry }

// bench is an adapter with a clock of its own and encoders that follow its hints.
// Lane 0 is a large picture, lane 1 perhaps a small one, the last lane sound.
type bench struct {
	*Adapter
	now   time.Time
	hints []string
	last  map[int]int
}

// newBench returns a bench whose encoders make the given rates, in bit/s.
func newBench(followSlowest bool, rates ...int) *bench {
	b := &bench{now: time.Unix(1e9, 0), last: map[int]int{}}
	cfg := Config{FollowSlowest: followSlowest, Hint: func(lane, bitrate int) {
		b.hints = append(b.hints, fmt.Sprintf("%d:%d", lane, bitrate))
		b.last[lane] = bitrate
		b.lanes[lane].rate = min(b.lanes[lane].rate, bitrate)
	}}
	for i := range rates {
		cfg.Lanes = append(cfg.Lanes, Lane{Video: i < len(rates)-1, Min: 200_000, Max: 3_000_000})
	}
	b.Adapter = New(cfg)
	for i, rate := range rates {
		b.SetRate(i, rate)
	}
	return b
}

// viewer joins a viewer whose path is good at first.
func (b *bench) viewer() (*Viewer, *fakeSession) {
	v, f := &Viewer{}, &fakeSession{}
	b.Join(v, f, 0, len(b.lanes)-1, b.now)
	b.Report(v, good, b.now)
	return v, f
}

// pass lets time pass in which viewers' paths are what they are.
func (b *bench) pass(d time.Duration, paths map[*Viewer]Path) {
	for end := b.now.Add(d); b.now.Before(end); b.now = b.now.Add(100 * time.Millisecond) {
		for v, p := range paths {
			b.Report(v, p, b.now)
		}
	}
}

var (
	good = Path{Target: 4_000_000}
	full = func(target int) Path { return Path{Target: target, Constrained: true} }
)

func TestHintsFollowTheOnlyViewer(t *testing.T) {
	b := newBench(true, 2_500_000, 50_000)
	v, _ := b.viewer()
	b.pass(3*time.Second, map[*Viewer]Path{v: good})
	if len(b.hints) > 0 {
		t.Errorf("hints on a good path: %v", b.hints)
	}
	b.pass(time.Second, map[*Viewer]Path{v: full(1_000_000)})
	b.pass(10*time.Second, map[*Viewer]Path{v: full(1_030_000)})
	if !slices.Equal(b.hints, []string{"0:870000"}) {
		t.Errorf("hints on a path of 1 Mbit/s with 50 kbit/s of sound: %v", b.hints)
	}
	b.pass(time.Second, map[*Viewer]Path{v: full(10_000)})
	if b.last[0] != 200_000 {
		t.Errorf("the least is not kept: %v", b.hints)
	}
	b.pass(time.Second, map[*Viewer]Path{v: {Target: 900_000}}) // grows
	if b.last[0] != 778_000 {
		t.Errorf("hints on a path that grows: %v", b.hints)
	}
	b.pass(time.Second, map[*Viewer]Path{v: {Target: 90_000_000}})
	if b.last[0] != 3_000_000 {
		t.Errorf("the most is not kept: %v", b.hints)
	}
	n := len(b.hints)
	b.pass(10*time.Second, map[*Viewer]Path{v: {Target: 300_000}}) // a quiet encoder proves little
	if len(b.hints) > n {
		t.Errorf("hints without a reason: %v", b.hints[n:])
	}
	b.pass(time.Second, map[*Viewer]Path{v: full(300_000)})
	b.Leave(v, b.now)
	if b.last[0] != 3_000_000 {
		t.Errorf("nobody watches, and the last hint is %d", b.last[0])
	}
}

// Noise in the estimate does not become hints, and no burst of news too many.
func TestHintsAreRare(t *testing.T) {
	b := newBench(true, 2_500_000, 0)
	v, _ := b.viewer()
	for i := range 600 {
		b.pass(100*time.Millisecond, map[*Viewer]Path{v: full(1_000_000 + i%7*10_000)})
	}
	if len(b.hints) > 2 {
		t.Errorf("%d hints in a minute on a steady path: %v", len(b.hints), b.hints)
	}
}

func TestTheSlowestIsFollowedWithoutASmallerRendition(t *testing.T) {
	b := newBench(true, 2_500_000, 0)
	v, f := b.viewer()
	w, _ := b.viewer()
	b.pass(3*time.Second, map[*Viewer]Path{v: full(500_000), w: good})
	if b.last[0] != 460_000 || f.keysOnly {
		t.Errorf("hints %v", b.hints)
	}
}

func TestKeyframesOnly(t *testing.T) {
	b := newBench(false, 2_500_000, 0)
	v, f := b.viewer()
	w, other := b.viewer()
	b.pass(3*time.Second, map[*Viewer]Path{v: full(500_000), w: good})
	if !f.keysOnly || other.keysOnly || len(b.hints) > 0 {
		t.Fatalf("keys only %v, hints %v", f.keysOnly, b.hints)
	}
	b.pass(5*time.Second, map[*Viewer]Path{v: full(500_000), w: good})
	if f.trial < 2_500_000 {
		t.Fatalf("%d bit/s are tried, for 2.5 Mbit/s", f.trial)
	}
	b.pass(2*time.Second, map[*Viewer]Path{v: {Target: 3_200_000}, w: good})
	if f.keysOnly || f.trial != 0 {
		t.Errorf("with a good path again: keys only %v, trial %d", f.keysOnly, f.trial)
	}
	// Alone, the viewer is followed.
	b.Leave(w, b.now)
	b.pass(3*time.Second, map[*Viewer]Path{v: full(500_000)})
	if f.keysOnly || b.last[0] != 460_000 {
		t.Errorf("alone: keys only %v, hints %v", f.keysOnly, b.hints)
	}
}

func TestSmallerRendition(t *testing.T) {
	b := newBench(true, 2_500_000, 300_000, 0)
	v, f := b.viewer()
	w, other := b.viewer()
	b.pass(5*time.Second, map[*Viewer]Path{v: full(2_900_000), w: good})
	if f.lane != 0 {
		t.Fatal("moved without need")
	}
	b.pass(300*time.Millisecond, map[*Viewer]Path{v: full(1_500_000), w: good})
	if f.lane != 0 {
		t.Fatal("moved for a moment's trouble")
	}
	b.pass(2*time.Second, map[*Viewer]Path{v: full(500_000), w: good})
	if f.lane != 1 || other.lane != 0 || len(b.hints) > 0 {
		t.Fatalf("lanes %d and %d, hints %v", f.lane, other.lane, b.hints)
	}
	// The path stays as it is: what is tried less and less is whether it does.
	tries, trying := 0, false
	for range 3000 {
		b.pass(100*time.Millisecond, map[*Viewer]Path{v: full(500_000), w: good})
		if f.trial > 0 && !trying {
			tries++
		}
		trying = f.trial > 0
	}
	if f.lane != 1 || tries < 3 || tries > 9 {
		t.Errorf("lane %d, %d tries in five minutes", f.lane, tries)
	}
	b.pass(70*time.Second, map[*Viewer]Path{v: full(500_000), w: good})
	b.pass(2*time.Second, map[*Viewer]Path{v: {Target: 3_200_000}, w: good})
	if f.lane != 0 || f.trial != 0 {
		t.Fatalf("with a good path again: lane %d, trial %d", f.lane, f.trial)
	}
	// A path that goes up and down does not make the picture do so each time.
	moves, last := 0, f.lane
	for range 30 {
		b.pass(5*time.Second, map[*Viewer]Path{v: full(500_000), w: good})
		if f.lane != last {
			moves, last = moves+1, f.lane
		}
		b.pass(5*time.Second, map[*Viewer]Path{v: {Target: 3_200_000}, w: good})
		if f.lane != last {
			moves, last = moves+1, f.lane
		}
	}
	if moves > 60 {
		t.Errorf("%d moves in five minutes", moves)
	}
}

// The only viewer makes the picture worse by half at most before it gets the
// smaller one.
func TestTheOnlyViewerIsMovedAsWell(t *testing.T) {
	b := newBench(true, 2_500_000, 300_000, 0)
	v, f := b.viewer()
	b.pass(3*time.Second, map[*Viewer]Path{v: good})
	b.pass(3*time.Second, map[*Viewer]Path{v: full(1_600_000)})
	if f.lane != 0 || b.last[0] != 1_472_000 {
		t.Fatalf("lane %d, hints %v", f.lane, b.hints)
	}
	b.pass(3*time.Second, map[*Viewer]Path{v: full(600_000)})
	if f.lane != 1 || b.last[0] != 3_000_000 {
		t.Errorf("lane %d, hints %v", f.lane, b.hints)
	}
}

// Viewers without retransmissions cannot be tried; they are moved on trust.
func TestViewerWithoutRTX(t *testing.T) {
	b := newBench(true, 2_500_000, 300_000, 0)
	v, f := b.viewer()
	w, _ := b.viewer()
	f.noTry = true
	b.pass(3*time.Second, map[*Viewer]Path{v: full(500_000), w: good})
	b.pass(10*time.Second, map[*Viewer]Path{v: {Target: 700_000}, w: good})
	if f.lane != 0 {
		t.Error("still at the smaller rendition")
	}
}

// A lane that needs another decoder, or of which nothing was written, is no
// rendition.
func TestOnlyPicturesOfTheSameDecoderAreRenditions(t *testing.T) {
	for what, spoil := range map[string]func(*bench){
		"another decoder": func(b *bench) { b.SetDecoder(1, "H265 high") },
		"no frames":       func(b *bench) { b.SetRate(1, 0) },
		"not smaller":     func(b *bench) { b.SetRate(1, 2_100_000) },
	} {
		b := newBench(true, 2_500_000, 300_000, 0)
		spoil(b)
		v, f := b.viewer()
		w, _ := b.viewer()
		b.pass(3*time.Second, map[*Viewer]Path{v: full(500_000), w: good})
		if f.lane != 0 {
			t.Errorf("%s: moved to lane %d", what, f.lane)
		}
	}
}
