package queue

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const size = 1000 - Overhead // of a frame's data: a frame costs 1000 bytes

var track = &kvsmedia.Track{Codec: kvsmedia.H264}

func id(n int) (id roll.ID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// frame is the n-th of a camera with 10 frames a second and a GOP of a second.
func frame(n, clip int) roll.Step {
	return roll.Step{Kind: roll.Frame, Clip: id(clip), Lead: true, Frame: kvsmedia.Frame{
		Track: track, PTS: time.Duration(n) * 100 * time.Millisecond, Key: n%10 == 0, Data: make([]byte, size),
	}}
}

func begin(clip int) roll.Step { return roll.Step{Kind: roll.Begin, Clip: id(clip)} }
func end(clip int) roll.Step   { return roll.Step{Kind: roll.End, Clip: id(clip)} }

func drain(q *Queue) (steps []roll.Step) {
	for {
		s, ok := q.TryPop()
		if !ok {
			return steps
		}
		steps = append(steps, s)
	}
}

// A card that stalls costs the newest frames, to the next key frame for which there is
// room, and none of what says that there are clips. All that came is passed on or counted.
func TestLoss(t *testing.T) {
	q := New(25_000)
	var changes []Change
	push := func(steps ...roll.Step) {
		if c := q.Push(steps...); c != Unchanged {
			changes = append(changes, c)
		}
	}
	push(begin(1))
	for n := range 40 { // 25 fit
		push(frame(n, 1))
	}
	if s := q.Stats(); !s.Losing || s.Frames != 25 || s.Bytes != 25_000 || s.Lost.Frames != 15 || s.Lost.Time != 1400*time.Millisecond {
		t.Errorf("stalled: %+v", s)
	}
	for range 13 { // Begin and 12 frames: with the key frame more than half would be taken
		q.TryPop()
	}
	push(frame(40, 1), frame(41, 1))
	for range 4 {
		q.TryPop()
	}
	for n := 42; n < 54; n++ {
		push(frame(n, 1))
	}
	push(end(1))
	if want := []Change{LossBegan, LossEnded}; !slices.Equal(changes, want) {
		t.Errorf("changes are %v, want %v", changes, want)
	}
	if s := q.Stats(); s.Losing || s.Lost != (Loss{Frames: 25, Time: 2500 * time.Millisecond}) {
		t.Errorf("after the stall: %+v", s)
	}
	rest := drain(q)
	if n := len(rest); n != 9+4+1 || rest[n-1].Kind != roll.End || rest[n-1].Skipped != 0 {
		t.Fatalf("%d steps are left, the last one is %+v", n, rest[n-1])
	}
	for i, s := range rest[:13] {
		want := 16 + i
		skipped := 0
		if want > 24 {
			want += 25
			if i == 9 {
				skipped = 25
			}
		}
		if s.Frame.PTS != time.Duration(want)*100*time.Millisecond || s.Frame.Skipped != skipped {
			t.Errorf("step %d is frame %v with %d skipped, want frame %d with %d", i, s.Frame.PTS, s.Frame.Skipped, want, skipped)
		}
	}
}

// What is lost at a clip's end its End counts, and not the clip that comes next.
func TestLossAtTheEnd(t *testing.T) {
	q := New(5000)
	q.Push(begin(1))
	for n := range 8 {
		q.Push(frame(n, 1))
	}
	if c := q.Push(end(1)); c != LossEnded || q.Stats().Losing {
		t.Errorf("after the clip: %v, %+v", c, q.Stats())
	}
	q.Push(begin(2))
	drained := drain(q)
	if s := drained[6]; s.Kind != roll.End || s.Skipped != 3 {
		t.Errorf("%+v", s)
	}
	q.Push(frame(10, 2))
	if s, _ := q.TryPop(); s.Frame.Skipped != 0 {
		t.Errorf("the next clip's first frame counts %d", s.Frame.Skipped)
	}
}

// What a recording of all the time loses at a clip's end, that counts, and the frame after it.
func TestLossAtTheEndOfASpan(t *testing.T) {
	q := New(5000)
	for n := range 8 {
		q.Push(frame(n, 0))
	}
	q.Push(end(1))
	if s := drain(q)[5]; s.Kind != roll.End || s.Skipped != 3 {
		t.Errorf("%+v", s)
	}
	q.Push(frame(10, 0))
	if s, _ := q.TryPop(); s.Frame.Skipped != 3 {
		t.Errorf("the next frame counts %d", s.Frame.Skipped)
	}
}

// A frame larger than the queue may hold is taken if it is alone.
func TestLargeFrame(t *testing.T) {
	q := New(500)
	if q.Push(frame(0, 1)) != Unchanged {
		t.Error("a large frame is dropped")
	}
	if q.Push(frame(10, 1)) != LossBegan {
		t.Error("a second one is taken")
	}
	q.TryPop()
	if q.Push(frame(20, 1)) != LossEnded {
		t.Error("a large frame is dropped although nothing waits")
	}
}

// Media time that jumps is not lost.
func TestLossAcrossJump(t *testing.T) {
	q := New(1000)
	q.Push(frame(1000, 1), frame(1001, 1), frame(1002, 1), frame(1, 1), frame(2, 1), frame(2000, 1), frame(2001, 1))
	if lost := q.Stats().Lost; lost != (Loss{Frames: 6, Time: 300 * time.Millisecond}) {
		t.Errorf("%+v", lost)
	}
}

// Sound does not end a loss: it would be alone.
func TestLossEndsWithKeyFrameOfTheLead(t *testing.T) {
	q := New(2000)
	for n := range 4 {
		q.Push(frame(n, 1))
	}
	drain(q)
	sound := roll.Step{Kind: roll.Frame, Clip: id(1), Frame: kvsmedia.Frame{Key: true, PTS: time.Hour}}
	if q.Push(sound, frame(9, 1)) != Unchanged || !q.Stats().Losing {
		t.Error("the loss ended without a key frame of the leading track")
	}
	if q.Push(frame(10, 1)) != LossEnded {
		t.Error("the loss goes on at a key frame")
	}
	if s := drain(q); len(s) != 1 || s[0].Frame.Skipped != 4 {
		t.Errorf("%d steps, the first one counts %d", len(s), s[0].Frame.Skipped)
	}
}

// A card that never comes back: memory is bounded, and of each clip all is there or none.
func TestStuckForEver(t *testing.T) {
	for name, clip := range map[string]func(n int) []roll.Step{
		"clips": func(n int) []roll.Step {
			steps := []roll.Step{begin(n)}
			for range 63 {
				steps = append(steps, roll.Step{Kind: roll.Join, Clip: id(n)})
			}
			return append(steps, frame(0, n), frame(1, n), roll.Step{Kind: roll.Anchor, Clip: id(n)}, end(n))
		},
		"recording": func(n int) []roll.Step { // Continuous
			f := frame(n, 0)
			f.Clip = roll.ID{}
			return []roll.Step{f, {Kind: roll.Anchor, Offset: time.Duration(n)}, {Kind: roll.Cut}, {Kind: roll.Warn}}
		},
	} {
		q := New(10_000)
		for n := range 20_000 {
			q.Push(clip(n + 1)...)
		}
		steps := drain(q)
		others := 0
		open := roll.ID{}
		for _, s := range steps {
			switch {
			case s.Kind != roll.Frame:
				others++
			}
			if s.Kind == roll.Begin {
				if open != (roll.ID{}) {
					t.Fatalf("%s: a clip begins in another", name)
				}
				open = s.Clip
			}
			if s.Clip != open {
				t.Fatalf("%s: step %d of clip %v, open is %v", name, s.Kind, s.Clip, open)
			}
			if s.Kind == roll.End {
				open = roll.ID{}
			}
		}
		if open != (roll.ID{}) || others > maxSteps+70 {
			t.Errorf("%s: %d steps wait, clip %v has no end", name, others, open)
		}
		s := q.Stats()
		if s.Frames != 0 || s.Bytes != 0 {
			t.Errorf("%s: %+v when empty", name, s)
		}
		if name == "clips" && (s.Lost.Clips == 0 || s.Lost.Clips+31 < 20_000-maxSteps/60) {
			t.Errorf("%+v", s.Lost)
		}
		if name == "recording" && others > 50 {
			t.Errorf("%d steps of a recording without frames", others)
		}
		// It is taken up again, and what clips lost that are over is not this one's.
		q.Push(begin(1), frame(20_000, 1), end(1))
		if got := drain(q); len(got) != 3 || (got[1].Frame.Skipped == 0) != (name == "clips") {
			t.Errorf("%s: %d of 3 steps come after that", name, len(got))
		}
	}
}

func TestPop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(0)
		ctx, cancel := context.WithCancel(t.Context())
		if _, ok := q.TryPop(); ok {
			t.Error("a new queue has a step")
		}
		got := make(chan int, 10)
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				s, ok := q.Pop(ctx)
				if !ok {
					close(got)
					return
				}
				got <- int(s.Frame.PTS)
			}
		})
		synctest.Wait()
		if len(got) != 0 {
			t.Error("Pop does not wait")
		}
		q.Push(begin(1), frame(0, 1), frame(1, 1))
		synctest.Wait()
		if len(got) != 3 {
			t.Errorf("%d steps of 3 are popped", len(got))
		}
		cancel()
		wg.Wait()

		wg.Go(func() {
			if _, ok := q.Pop(t.Context()); ok {
				t.Error("a step that was not pushed")
			}
		})
		synctest.Wait()
		q.Close() // ends a Pop that waits
		wg.Wait()
		q = New(0)
		q.Push(begin(2))
		q.Close()
		if _, ok := q.Pop(ctx); !ok {
			t.Error("what waits is not popped after ctx and Close")
		}
		for range 2 {
			if _, ok := q.Pop(t.Context()); ok {
				t.Error("a closed queue has a step")
			}
		}
	})
}

// No frame that was popped is kept.
func TestFramesAreReleased(t *testing.T) {
	q := New(0)
	for n := range 20 {
		q.Push(frame(n, 1))
	}
	for range 20 {
		q.TryPop()
		kept := 0
		for _, s := range q.steps[:cap(q.steps)] {
			if s.Frame.Data != nil {
				kept++
			}
		}
		if frames := q.Stats().Frames; kept != frames {
			t.Fatalf("%d frames wait, %d are kept", frames, kept)
		}
	}
}

// Steps come out in the order in which they went in, however pushing and popping alternate.
func TestOrder(t *testing.T) {
	q := New(0)
	var wg sync.WaitGroup
	const n = 20_000
	wg.Go(func() {
		for i := range n {
			s := frame(i, 1)
			s.Frame.Data = nil
			q.Push(s)
		}
		q.Close()
	})
	next := 0
	for {
		s, ok := q.Pop(t.Context())
		if !ok {
			break
		}
		if want := time.Duration(next+s.Frame.Skipped) * 100 * time.Millisecond; s.Frame.PTS != want {
			t.Fatalf("frame %v, want %v", s.Frame.PTS, want)
		}
		next += s.Frame.Skipped + 1
	}
	wg.Wait()
	if lost := q.Stats().Lost.Frames; next+lost < n || next > n {
		t.Errorf("%d of %d frames came, %d are lost", next, n, lost)
	}
}

func TestAllocations(t *testing.T) {
	q := New(0)
	s := frame(0, 1)
	if n := testing.AllocsPerRun(1000, func() {
		q.Push(s)
		q.TryPop()
	}); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
