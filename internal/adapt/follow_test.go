package adapt

import (
	"testing"
	"time"
)

// lie is the path of a viewer that reports a REMB of 1 bit/s or that all is lost.
var lie = full(1)

// A viewer that lies about its path lowers nobody else's picture, whether it came
// first or last.
func TestALieLowersNobodyElsesPicture(t *testing.T) {
	for _, rates := range [][]int{{2_500_000, 0}, {2_500_000, 300_000, 0}} {
		for _, followSlowest := range []bool{false, true} {
			if followSlowest && len(rates) == 2 {
				continue // is asked to
			}
			b := newBench(followSlowest, rates...)
			honest, picture := b.viewer()
			liar, _ := b.viewer()
			b.pass(time.Minute, map[*Viewer]Path{honest: good, liar: lie})
			if b.last[0] > 0 || picture.lane != 0 || picture.keysOnly {
				t.Errorf("rates %v: hints %v, the honest viewer gets lane %d, key frames only %v", rates, b.hints, picture.lane, picture.keysOnly)
			}
		}
	}
	b := newBench(false, 2_500_000, 0)
	liar, lied := b.viewer()
	b.pass(5*time.Second, map[*Viewer]Path{liar: full(500_000)})
	if b.last[0] != 460_000 {
		t.Fatalf("alone, the viewer gets hints %v", b.hints)
	}
	honest, _ := b.viewer()
	b.pass(time.Second, map[*Viewer]Path{honest: good, liar: lie})
	if b.last[0] != 3_000_000 || !lied.keysOnly {
		t.Errorf("with another viewer: hints %v, key frames only %v", b.hints, lied.keysOnly)
	}
}

// While lanes are read on the camera itself, no viewer lowers them; the slow one
// gets less.
func TestWhatIsReadIsNotLowered(t *testing.T) {
	for _, followSlowest := range []bool{false, true} {
		b := newBench(followSlowest, 2_500_000, 0)
		v, f := b.viewer()
		b.AddReader(b.now)
		b.AddReader(b.now)
		b.RemoveReader(b.now)
		b.pass(10*time.Second, map[*Viewer]Path{v: full(500_000)})
		if len(b.hints) > 0 || !f.keysOnly {
			t.Errorf("hints %v, key frames only %v", b.hints, f.keysOnly)
		}
		b.RemoveReader(b.now)
		b.pass(5*time.Second, map[*Viewer]Path{v: full(500_000)})
		if b.last[0] != 460_000 || f.keysOnly {
			t.Errorf("after the loop: hints %v, key frames only %v", b.hints, f.keysOnly)
		}
		b.AddReader(b.now)
		if b.last[0] != 3_000_000 {
			t.Errorf("a new loop does not raise the picture at once: hints %v", b.hints)
		}
	}
	b := newBench(true, 2_500_000, 300_000, 0)
	v, f := b.viewer()
	b.AddReader(b.now)
	b.pass(10*time.Second, map[*Viewer]Path{v: full(1_600_000)})
	if len(b.hints) > 0 || f.lane != 1 {
		t.Errorf("with a smaller rendition: hints %v, lane %d", b.hints, f.lane)
	}
}

// A recorder is a viewer: its picture is lowered for it, but for no other.
func TestRecorderIsFollowedAlone(t *testing.T) {
	b := newBench(true, 2_500_000, 0)
	cloud, f := &Viewer{Recorder: true}, &fakeSession{}
	b.Join(cloud, f, 0, 1, b.now)
	b.Report(cloud, good, b.now)
	v, slow := b.viewer()
	b.pass(10*time.Second, map[*Viewer]Path{cloud: good, v: full(500_000)})
	if len(b.hints) > 0 || !slow.keysOnly {
		t.Errorf("hints %v, key frames only %v", b.hints, slow.keysOnly)
	}
	b.pass(10*time.Second, map[*Viewer]Path{cloud: full(1_000_000), v: good})
	if b.last[0] != 920_000 || f.keysOnly {
		t.Errorf("a slow upload beside a fast viewer: hints %v, key frames only %v", b.hints, f.keysOnly)
	}
}

// Of several viewers that all are too slow the fastest is followed; the others get
// what fits, and nothing swings.
func TestTheFastestOfSlowViewersIsFollowed(t *testing.T) {
	for _, rates := range [][]int{{2_500_000, 0}, {2_500_000, 300_000, 0}} {
		b := newBench(false, rates...)
		v, first := b.viewer()
		w, second := b.viewer()
		b.pass(5*time.Minute, map[*Viewer]Path{v: full(1_500_000), w: full(1_600_000)})
		if b.last[0] != 1_472_000 || len(b.hints) > 3 || first.keysOnly || second.keysOnly || first.lane+second.lane > 0 {
			t.Errorf("rates %v: hints %v, lanes %d and %d", rates, b.hints, first.lane, second.lane)
		}
		b.pass(time.Minute, map[*Viewer]Path{v: full(700_000), w: full(1_600_000)})
		if b.last[0] != 1_472_000 || len(b.hints) > 3 || !first.keysOnly && first.lane != 1 || second.keysOnly {
			t.Errorf("rates %v: hints %v, the slower viewer gets key frames only %v, lane %d", rates, b.hints, first.keysOnly, first.lane)
		}
	}
}

// A viewer that got key frames only for another's sake is followed when the other
// one has left, and one of whose path nothing is known holds nothing back.
func TestTheLastViewerIsFollowed(t *testing.T) {
	b := newBench(false, 2_500_000, 0)
	v, f := b.viewer()
	w, _ := b.viewer()
	b.pass(5*time.Second, map[*Viewer]Path{v: full(500_000), w: good})
	if !f.keysOnly {
		t.Fatal("gets all pictures over a path for a fifth of them")
	}
	b.Leave(w, b.now)
	b.Join(&Viewer{}, &fakeSession{}, 0, 1, b.now)
	b.pass(2*time.Second, map[*Viewer]Path{v: full(500_000)})
	if f.keysOnly || b.last[0] != 460_000 {
		t.Errorf("alone: key frames only %v, hints %v", f.keysOnly, b.hints)
	}
}

// A viewer that asked for less itself (b= in its offer) gets less alone: it lowers
// nobody else's picture, whatever the policy, and its own is followed while it is
// the only one.
func TestALimitIsTheViewersOwn(t *testing.T) {
	limited := full(500_000)
	limited.Limited = true
	for _, followSlowest := range []bool{false, true} {
		b := newBench(followSlowest, 2_500_000, 0)
		honest, picture := b.viewer()
		v, f := b.viewer()
		b.pass(10*time.Second, map[*Viewer]Path{honest: good, v: limited})
		if len(b.hints) > 0 || picture.keysOnly || !f.keysOnly {
			t.Errorf("follow slowest %v: hints %v, key frames only for the other %v, for itself %v", followSlowest, b.hints, picture.keysOnly, f.keysOnly)
		}
		b.Leave(honest, b.now)
		b.pass(time.Minute, map[*Viewer]Path{v: limited})
		if b.last[0] != 460_000 || f.keysOnly {
			t.Errorf("follow slowest %v, alone: hints %v, key frames only %v", followSlowest, b.hints, f.keysOnly)
		}
	}
}
