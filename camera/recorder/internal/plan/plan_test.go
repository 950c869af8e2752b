package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// parts makes n fragments of a clip, of a MB each.
func parts(clip uint64, n int) (fragments []Fragment) {
	for i := range n {
		fragments = append(fragments, Fragment{File: clip, From: i, To: i, Bytes: 1_000_000})
	}
	return fragments
}

// step does what Next says and tells it, such as "5.0" for the first fragment of clip 5, "load 5"
// or "wait 1s".
func step(p *Plan, now time.Duration, stored map[uint64][]Fragment) string {
	switch n := p.Next(now); n.Do {
	case Load:
		p.Load(n.Clip, stored[n.Clip]...)
		return fmt.Sprintf("load %d", n.Clip)
	case Send:
		return fmt.Sprintf("%d.%d", n.Clip, n.Fragment.From)
	case Wait:
		if n.Until == Never {
			return "wait"
		}
		return "wait " + (n.Until - now).String()
	}
	return "?"
}

func run(p *Plan, steps int, stored map[uint64][]Fragment) string {
	var told []string
	for range steps {
		told = append(told, step(p, 0, stored))
	}
	return strings.Join(told, ", ")
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n\t%s\nwant\n\t%s", what, got, want)
	}
}

func TestOrder(t *testing.T) {
	stored := map[uint64][]Fragment{1: parts(1, 2), 2: parts(2, 2), 3: parts(3, 3)}
	p := New(NewestFirst)
	p.Add(Clip{Seq: 3}, Clip{Seq: 1}, Clip{Seq: 2})
	p.Add(Clip{Seq: 3, Begun: true}) // is there
	equal(t, "newest first", run(p, 11, stored), "load 3, 3.0, 3.1, 3.2, load 2, 2.0, 2.1, load 1, 1.0, 1.1, wait")

	p = New(OldestFirst)
	p.Add(Clip{Seq: 3}, Clip{Seq: 1}, Clip{Seq: 2})
	equal(t, "oldest first", run(p, 11, stored), "load 1, 1.0, 1.1, load 2, 2.0, 2.1, load 3, 3.0, 3.1, 3.2, wait")

	p = New(NewestFirst)
	p.Add(Clip{Seq: 1, Begun: true}, Clip{Seq: 2}, Clip{Seq: 3})
	equal(t, "half sent", run(p, 4, map[uint64][]Fragment{1: {{File: 1, Settled: true}, {File: 1, From: 1, To: 1}}, 3: parts(3, 1)}),
		"load 1, 1.1, load 3, 3.0")
}

// A clip goes up while it is recorded; the backlog yields to it at a fragment's end, and is
// gone on with from there.
func TestNewBeforeBacklog(t *testing.T) {
	stored := map[uint64][]Fragment{1: parts(1, 3), 2: parts(2, 2)}
	p := New(NewestFirst)
	p.Add(Clip{Seq: 1}, Clip{Seq: 2})
	equal(t, "backlog", run(p, 2, stored), "load 2, 2.0")
	p.Add(Clip{Seq: 5, Live: true})
	equal(t, "nothing of the new clip yet", run(p, 1, stored), "2.1")
	p.Commit(5, parts(5, 2)...)
	p.Commit(5, parts(5, 2)...) // is there
	equal(t, "new", run(p, 4, stored), "5.0, 5.1, load 1, 1.0")
	p.Commit(5, parts(5, 3)[2:]...)
	if p.End(5) {
		t.Error("a clip of which nothing is known to be stored is settled")
	}
	p.Add(Clip{Seq: 6, Live: true})
	p.Commit(6, parts(6, 1)...)
	equal(t, "the next one", run(p, 5, stored), "5.2, 6.0, 1.1, 1.2, wait")
	for i, f := range parts(5, 3) {
		if got := p.Done(5, f); got != (i == 2) {
			t.Errorf("fragment %d settles clip 5: %v", i, got)
		}
	}
	if p.Done(5, parts(5, 1)[0]) {
		t.Error("a forgotten clip is settled")
	}
	if p.Done(6, parts(6, 1)[0]) {
		t.Error("a clip that is recorded is settled")
	}
	if !p.End(6) {
		t.Error("a clip all of which is stored is not settled at its end")
	}
}

// Clips made without network are backlog when it is back; but the newest is not, nor one
// that had begun to go up.
func TestOffline(t *testing.T) {
	stored := map[uint64][]Fragment{}
	p := New(OldestFirst)
	record := func(seq uint64, n int) {
		p.Add(Clip{Seq: seq, Live: true})
		stored[seq] = parts(seq, n)
		p.Commit(seq, stored[seq]...)
		p.End(seq)
	}
	record(1, 2)
	equal(t, "online", run(p, 1, stored), "1.0")
	p.Release() // the network is gone
	for seq := uint64(2); seq < 6; seq++ {
		record(seq, 1)
	}
	if len(p.active) != 2 {
		t.Errorf("fragments of %d clips are in memory", len(p.active))
	}
	equal(t, "online again", run(p, 10, stored), "1.0, 1.1, 5.0, load 2, 2.0, load 3, 3.0, load 4, 4.0, wait")
}

func TestRate(t *testing.T) {
	stored := map[uint64][]Fragment{1: parts(1, 3), 2: parts(2, 1)}
	p := New(OldestFirst)
	p.SetRate(4_000_000) // 2 s a fragment
	p.Add(Clip{Seq: 1}, Clip{Seq: 2})
	now := time.Hour
	at := func(after time.Duration, want string) {
		t.Helper()
		now += after
		equal(t, fmt.Sprint("at ", now), step(p, now, stored), want)
	}
	at(0, "load 1")
	at(0, "1.0")
	at(0, "wait 2s")
	at(1500*time.Millisecond, "wait 500ms")
	p.Add(Clip{Seq: 9, Live: true})
	p.Commit(9, parts(9, 1)...)
	at(0, "9.0") // not of the backlog, and not counted
	at(0, "wait 500ms")
	at(500*time.Millisecond, "1.1")
	p.SetRate(8_000_000)
	at(0, "wait 1s")
	at(time.Hour, "1.2") // nothing is saved up
	at(0, "wait 1s")     // and the next clip is not loaded yet
	p.SetRate(0)
	at(0, "load 2")
	at(0, "2.0")
	at(0, "wait")
	p.SetRate(1)
	p.Release()
	at(0, "9.0")
	at(0, "1.0")
	at(0, "wait 24h0m0s")
	p.SetRate(-1)
	at(0, "1.1")
}

// A clip whose time is not known waits, and holds up none.
func TestUndated(t *testing.T) {
	stored := map[uint64][]Fragment{1: parts(1, 1), 2: parts(2, 1), 3: parts(3, 1)}
	p := New(NewestFirst)
	p.Add(Clip{Seq: 1}, Clip{Seq: 2, Undated: true}, Clip{Seq: 3, Undated: true})
	p.Add(Clip{Seq: 5, Live: true, Undated: true})
	p.Commit(5, parts(5, 1)...)
	equal(t, "undated", run(p, 3, stored), "load 1, 1.0, wait")
	p.Dated(5)
	p.Dated(2)
	p.Dated(77)
	equal(t, "dated", run(p, 4, stored), "5.0, load 2, 2.0, wait")
}

// After a lost connection what was under way goes up again, in order, and only once.
func TestRelease(t *testing.T) {
	stored := map[uint64][]Fragment{1: parts(1, 3)}
	p := New(NewestFirst)
	p.Add(Clip{Seq: 1})
	equal(t, "first", run(p, 3, stored), "load 1, 1.0, 1.1")
	p.Done(1, parts(1, 1)[0])
	p.Release()
	equal(t, "second", run(p, 3, stored), "1.1, 1.2, wait")
}

// A clip that is deleted is forgotten at once, also while it is sent or loaded.
func TestRemove(t *testing.T) {
	stored := map[uint64][]Fragment{1: parts(1, 2), 2: parts(2, 2), 3: parts(3, 2)}
	p := New(NewestFirst)
	p.Add(Clip{Seq: 1}, Clip{Seq: 2}, Clip{Seq: 3})
	equal(t, "before", run(p, 2, stored), "load 3, 3.0")
	p.Remove(3)
	if n := p.Next(0); n.Do != Load || n.Clip != 2 {
		t.Fatalf("%+v", n)
	}
	p.Remove(2)
	if p.Load(2, stored[2]...) || p.Done(3, stored[3][0]) {
		t.Error("a removed clip is settled")
	}
	p.Commit(2, stored[2]...)
	if p.End(2) {
		t.Error("a removed clip ends")
	}
	equal(t, "after", run(p, 4, stored), "load 1, 1.0, 1.1, wait")
}

// A clip of which nothing is left to send is settled when it is loaded.
func TestLoadSettled(t *testing.T) {
	p := New(NewestFirst)
	p.Add(Clip{Seq: 1}, Clip{Seq: 2})
	p.Next(0)
	if !p.Load(2, Fragment{File: 2, Settled: true}) || !p.Load(1) {
		t.Error("clips without anything to send are not settled")
	}
	equal(t, "empty", run(p, 1, nil), "wait")
	p.Add(Clip{Seq: 3, Live: true})
	if !p.End(3) {
		t.Error("a clip that ends without fragments is not settled")
	}
}

// A clip may lose fragments out of turn: they are evicted, or cannot be read.
func TestDoneOutOfTurn(t *testing.T) {
	stored := map[uint64][]Fragment{1: parts(1, 4)}
	p := New(NewestFirst)
	p.Add(Clip{Seq: 1})
	equal(t, "first", run(p, 2, stored), "load 1, 1.0")
	p.Done(1, stored[1][1])
	p.Done(1, stored[1][3])
	p.Done(1, stored[1][3])
	equal(t, "rest", run(p, 2, stored), "1.2, wait")
	if p.Done(1, stored[1][0]) || !p.Done(1, stored[1][2]) {
		t.Error("the clip is settled before its last fragment, or not then")
	}
}

func TestManyClips(t *testing.T) {
	p := New(NewestFirst)
	var clips []Clip
	for seq := range uint64(10_000) {
		clips = append(clips, Clip{Seq: seq + 1})
	}
	p.Add(clips...)
	var order []uint64
	for range 10_000 {
		n := p.Next(0)
		order = append(order, n.Clip)
		p.Load(n.Clip)
	}
	slices.Reverse(order)
	if !slices.IsSorted(order) || p.Next(0).Do != Wait {
		t.Error("clips come in another order")
	}
}
