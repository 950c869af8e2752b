package adapt

import (
	"errors"
	"testing"
	"time"
)

// moved returns a bench with a viewer that was just moved to the smaller rendition,
// beside one that keeps the larger.
func moved(t *testing.T) (b *bench, v *Viewer, f *fakeSession) {
	t.Helper()
	b = newBench(false, 2_500_000, 300_000, 0)
	v, f = b.viewer()
	b.viewer()
	for f.lane == 0 {
		b.pass(100*time.Millisecond, map[*Viewer]Path{v: slow})
	}
	return b, v, f
}

var slow = full(400_000)

// wait lets time pass on a path until ok, and returns how long that took.
func (b *bench) wait(t *testing.T, v *Viewer, p Path, ok func() bool) time.Duration {
	t.Helper()
	began := b.now
	for !ok() {
		b.pass(100*time.Millisecond, map[*Viewer]Path{v: p})
		if b.now.Sub(began) > time.Hour {
			t.Fatal("not within an hour")
		}
	}
	return b.now.Sub(began)
}

// never checks that something does not happen over a path for five minutes.
func (b *bench) never(t *testing.T, v *Viewer, p Path, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		b.pass(100*time.Millisecond, map[*Viewer]Path{v: p})
		if ok() {
			t.Fatal(what)
		}
	}
}

// A path for less than half of the picture is believed at the second report.
func TestMuchTooNarrowAPathIsBelievedSoon(t *testing.T) {
	b := newBench(false, 2_500_000, 300_000, 0)
	v, f := b.viewer()
	b.viewer()
	b.pass(100*time.Millisecond, map[*Viewer]Path{v: slow})
	if f.lane != 0 {
		t.Error("moved at the first report")
	}
	b.pass(100*time.Millisecond, map[*Viewer]Path{v: slow})
	if f.lane != 1 {
		t.Error("not moved at the second report")
	}
}

// A viewer goes back no sooner than three seconds after it was moved, after a second
// with a path that carries a tenth more than the larger picture.
func TestTheWayBack(t *testing.T) {
	b, v, f := moved(t)
	back := func() bool { return f.lane == 0 }
	if took := b.wait(t, v, good, back); took < 3*time.Second || took > 3200*time.Millisecond {
		t.Errorf("back %v after the move", took)
	}
	b, v, f = moved(t)
	for range 20 {
		b.pass(4*time.Second, map[*Viewer]Path{v: slow})
		b.pass(800*time.Millisecond, map[*Viewer]Path{v: good})
		if back() {
			t.Fatal("back after a moment with a good path")
		}
	}
	b.pass(4*time.Second, map[*Viewer]Path{v: slow})
	if took := b.wait(t, v, good, back); took < time.Second || took > 1200*time.Millisecond {
		t.Errorf("back after %v with a good path", took)
	}
	b, v, f = moved(t)
	b.never(t, v, full(2_853_000), "back over a path that carries a twentieth more than the picture", back)
}

// A trial ends when it fills the path's queue, and starts when the queue is short.
func TestTrialsSpareThePath(t *testing.T) {
	queue := func(d time.Duration) Path { return Path{Target: 400_000, Constrained: true, Queue: d} }
	b, v, f := moved(t)
	trying := func() bool { return f.trial > 0 }
	b.never(t, v, queue(50*time.Millisecond), "a trial over a path that is full already", trying)
	b.wait(t, v, queue(0), trying)
	b.pass(time.Second, map[*Viewer]Path{v: queue(200 * time.Millisecond)})
	if !trying() {
		t.Error("the trial ended at a queue of 200 ms")
	}
	b.pass(100*time.Millisecond, map[*Viewer]Path{v: queue(201 * time.Millisecond)})
	if trying() {
		t.Error("the trial goes on at a queue of more than 200 ms")
	}
}

// Trials become rarer, but never rarer than once in a minute and their own length.
func TestTrialsNeverStop(t *testing.T) {
	b, v, f := moved(t)
	var longest time.Duration
	for range 20 {
		longest = max(longest, b.wait(t, v, slow, func() bool { return f.trial > 0 }))
		b.wait(t, v, slow, func() bool { return f.trial == 0 })
	}
	if longest < time.Minute || longest > 61*time.Second {
		t.Errorf("the longest wait for a trial is %v", longest)
	}
}

// A larger picture that a viewer could keep for half a minute was no mistake; the
// wait for the next trial starts anew, and else is doubled.
func TestPatienceAfterTheWayBack(t *testing.T) {
	for kept, want := range map[time.Duration]time.Duration{29 * time.Second: 8 * time.Second, 31 * time.Second: 4 * time.Second} {
		b, v, f := moved(t)
		b.wait(t, v, good, func() bool { return f.lane == 0 })
		b.pass(kept, map[*Viewer]Path{v: good})
		b.wait(t, v, slow, func() bool { return f.lane == 1 })
		if got := b.wait(t, v, slow, func() bool { return f.trial > 0 }); got < want || got > want+300*time.Millisecond {
			t.Errorf("with the larger picture for %v: the next trial is %v after the move, want %v", kept, got, want)
		}
	}
}

// A viewer that cannot be tried is not moved against the evidence.
func TestViewerWithoutRTXOnAFullPath(t *testing.T) {
	b, v, f := moved(t)
	f.noTry = true
	b.never(t, v, slow, "moved to the larger rendition over a path that is full", func() bool { return f.lane != 1 })
}

// A trial that succeeds proves enough for the picture beside the sound.
func TestATrialIsLargeEnough(t *testing.T) {
	b := newBench(false, 200_000, 64_000)
	v, f := b.viewer()
	b.viewer()
	b.wait(t, v, full(100_000), func() bool { return f.keysOnly })
	b.wait(t, v, full(100_000), func() bool { return f.trial > 0 })
	b.pass(2*time.Second, map[*Viewer]Path{v: full(f.trial)})
	if f.keysOnly {
		t.Errorf("a path that carries the trial is too narrow for the picture")
	}
}

// A lane that is withdrawn loses its viewers: to the next smaller rendition, else to a
// larger one, else their sessions end. They come back as from any smaller one.
func TestWithdrawnLanesHaveNoViewers(t *testing.T) {
	why := errors.New("why")
	b := newBench(false, 2_500_000, 900_000, 300_000, 0)
	v, f := b.viewer()
	other, g := b.viewer()
	b.Withdraw(0, why, b.now)
	if f.lane != 1 || v.lane != 1 || g.lane != 1 || f.ended != nil {
		t.Errorf("lanes %d and %d, ended with %v", f.lane, g.lane, f.ended)
	}
	b.Withdraw(2, why, b.now)
	late, h := &Viewer{}, &fakeSession{}
	b.Join(late, h, 2, -1, b.now)
	if h.lane != 1 {
		t.Errorf("one that joins a withdrawn lane gets lane %d", h.lane)
	}
	b.never(t, v, good, "moved to a lane that is withdrawn", func() bool { return f.lane != 1 })
	b.Withdraw(1, why, b.now)
	if f.ended != why || g.ended != why || h.ended != why {
		t.Errorf("ended with %v, %v, %v", f.ended, g.ended, h.ended)
	}
	b.Leave(other, b.now)
	b.Leave(late, b.now)

	b = newBench(false, 2_500_000, 900_000, 0)
	v, f = b.viewer()
	b.Withdraw(0, why, b.now)
	b.Withdraw(0, nil, b.now)
	b.wait(t, v, good, func() bool { return f.lane == 0 })

	b = newBench(false, 2_500_000, 900_000, 0)
	b.SetDecoder(1, "another")
	_, f = b.viewer()
	b.Withdraw(0, why, b.now)
	if f.ended != why || f.lane != 0 {
		t.Errorf("a viewer that cannot decode the other lane got %d, %v", f.lane, f.ended)
	}
}

// One that gets key frames only gets all pictures of the lane that it is moved to.
func TestWithdrawnLaneOfKeyFrames(t *testing.T) {
	b := newBench(false, 2_500_000, 300_000, 0)
	b.SetDecoder(1, "another")
	v, f := b.viewer()
	b.viewer()
	b.pass(2*time.Second, map[*Viewer]Path{v: slow})
	if !f.keysOnly {
		t.Fatal("a viewer with a slow path gets all pictures")
	}
	b.SetDecoder(1, "")
	b.Withdraw(0, errors.New("why"), b.now)
	if f.lane != 1 || f.keysOnly || v.keysOnly {
		t.Errorf("lane %d, key frames only: %v", f.lane, f.keysOnly)
	}
}
