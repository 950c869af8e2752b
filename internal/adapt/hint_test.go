package adapt

import (
	"testing"
	"time"
)

// A bitrate is changed by more than a twentieth or not at all, a few times a second
// at most, and at once when a path has become much worse.
func TestHintsWaitUnlessThePathGotMuchWorse(t *testing.T) {
	b := newBench(false, 2_500_000, 0)
	v, _ := b.viewer()
	b.pass(time.Second, map[*Viewer]Path{v: full(1_000_000)})
	b.pass(10*time.Second, map[*Viewer]Path{v: full(960_000)})
	if len(b.hints) != 1 {
		t.Errorf("hints for a change by a 25th: %v", b.hints)
	}
	for range 50 {
		b.pass(100*time.Millisecond, map[*Viewer]Path{v: full(800_000)})
		b.pass(100*time.Millisecond, map[*Viewer]Path{v: full(1_000_000)})
	}
	if n := len(b.hints); n < 20 || n > 1+40 {
		t.Errorf("%d hints in 10 s of a path that swings", n)
	}
	b.pass(time.Second, map[*Viewer]Path{v: full(2_000_000)})
	n := len(b.hints)
	for _, target := range []int{1_900_000, 1_500_000, 900_000} {
		b.pass(100*time.Millisecond, map[*Viewer]Path{v: full(target)})
	}
	if len(b.hints) != n+2 || b.last[0] != 828_000 { // 1.5 Mbit/s, and at once 0.9
		t.Errorf("hints while a path gets much worse: %v", b.hints[n:])
	}
}

// The last step to the most is taken, however small it is.
func TestTheMostIsHintedAtInTheEnd(t *testing.T) {
	b := newBench(false, 2_500_000, 0)
	v, _ := b.viewer()
	for _, step := range []struct {
		path Path
		want int
	}{{full(1_000_000), 920_000}, {full(3_150_000), 2_898_000}, {good, 3_000_000}} {
		b.pass(time.Second, map[*Viewer]Path{v: step.path})
		if b.last[0] != step.want {
			t.Errorf("hint %d on a path of %d bit/s", b.last[0], step.path.Target)
		}
	}
}

// A backlog is drained within two seconds, and new frames keep half of the path.
func TestABacklogIsDrained(t *testing.T) {
	for late, want := range map[time.Duration]int{
		mayBeLate:               920_000,
		600 * time.Millisecond:  736_000,
		1200 * time.Millisecond: 460_000,
		time.Minute:             460_000,
	} {
		b := newBench(false, 2_500_000, 0)
		v, _ := b.viewer()
		b.pass(100*time.Millisecond, map[*Viewer]Path{v: {Target: 1_000_000, Constrained: true, Late: late}})
		if b.last[0] != want {
			t.Errorf("%v behind: hint %d, want %d", late, b.last[0], want)
		}
	}
}

// An encoder that follows its hint late does not cost a viewer its picture.
func TestASlowEncoderIsWaitedFor(t *testing.T) {
	b := newBench(false, 2_500_000, 0)
	v, f := b.viewer()
	w, _ := b.viewer()
	for range 20 {
		b.SetRate(0, 2_500_000)
		b.pass(100*time.Millisecond, map[*Viewer]Path{v: full(1_500_000), w: full(1_600_000)})
	}
	if f.keysOnly || b.last[0] != 1_472_000 {
		t.Errorf("key frames only %v, hints %v", f.keysOnly, b.hints)
	}
}
