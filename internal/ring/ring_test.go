package ring

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

// place is what an item of the tests is charged beyond its size.
const place = int(unsafe.Sizeof(slot[int]{}))

// video and audio are lanes 0 and 1 of the tests.
func video(at time.Duration, key bool) Item[int] { return Item[int]{Key: key, Size: 1000, At: at} }
func audio(at time.Duration) Item[int]           { return Item[int]{Lane: 1, Key: true, Size: 100, At: at} }

// drain reads all that rd has and returns the sequence numbers and the total of skipped.
func drain[T any](rd *Reader[T]) (seqs []uint64, skipped int) {
	for {
		it, n, ok := rd.TryNext()
		if !ok {
			return seqs, skipped
		}
		seqs = append(seqs, it.Seq)
		skipped += n
	}
}

func equal(t *testing.T, what string, got []uint64, want ...uint64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: got %v, want %v", what, got, want)
		}
	}
}

func TestKeepsNewestKeyAndAllAfterIt(t *testing.T) {
	r := New[int](Config{Bytes: 1 << 20, Keep: 100 * ms, Lanes: 2})
	r.Push(video(0, true))
	for i := 1; i <= 20; i++ {
		r.Push(video(time.Duration(i)*40*ms, false))
	}
	if k, ok := r.NewestKey(0); !ok || k != 1 {
		t.Fatalf("key frame older than Keep is gone: %d %v", k, ok)
	}
	key := r.Push(video(900*ms, true))
	if _, ok := r.Get(1); ok {
		t.Error("a group of pictures older than Keep stayed after the next key frame")
	}
	items, bytes := r.Size()
	if items != 2 || bytes != 2*(1000+place) { // 800 ms and 900 ms
		t.Errorf("kept %d items and %d bytes, want 2 and %d", items, bytes, 2*(1000+place))
	}
	if k, ok := r.NewestKey(0); !ok || k != key {
		t.Errorf("newest key is %d, want %d", k, key)
	}
	if _, ok := r.Newest(1); ok {
		t.Error("a lane without items has a newest item")
	}
}

func TestBudget(t *testing.T) {
	r := New[int](Config{Bytes: 2500, Keep: time.Hour, Lanes: 2})
	for i := range 10 {
		r.Push(video(time.Duration(i)*ms, i == 0))
		if _, bytes := r.Size(); bytes > 2500 {
			t.Fatalf("%d bytes held", bytes)
		}
	}
	if _, ok := r.NewestKey(0); ok {
		t.Error("the key frame outlived the byte budget")
	}
	big := r.Push(Item[int]{Size: 1 << 30})
	if items, _ := r.Size(); items != 1 {
		t.Errorf("%d items beside one larger than the budget", items-1)
	}
	if _, ok := r.Get(big); !ok {
		t.Error("an item larger than the budget is gone")
	}
	r.Push(audio(0))
	if _, ok := r.Get(big); ok {
		t.Error("an item larger than the budget stayed after the next one")
	}
	for range 100 {
		r.Push(Item[int]{}) // of no size
	}
	if items, bytes := r.Size(); items != 2500/place || bytes != items*place {
		t.Errorf("%d empty items charged %d bytes", items, bytes)
	}
}

// A clock that is set back ages what came before at the pace of what comes.
func TestClockGoesBack(t *testing.T) {
	r := New[int](Config{Bytes: 1 << 20, Keep: 100 * ms})
	for i := range 10 {
		r.Push(video(time.Hour+time.Duration(i)*40*ms, true))
	}
	for i := range 100 {
		r.Push(video(time.Duration(i)*40*ms, true))
		if items, _ := r.Size(); items < 3 || items > 4 {
			t.Fatalf("%d items of 40 ms held with %d of the new clock, want those of 100 ms", items, i+1)
		}
	}
}

// Lanes whose clocks are hours apart, drift by 1 % for two hours, and pause by turns:
// of each the ring has the last Keep, no more and no less.
func TestLanesHaveClocksOfTheirOwn(t *testing.T) {
	const keep = 2 * time.Second
	r := New[int](Config{Bytes: 64 << 20, Keep: keep, Lanes: 2})
	oldest := func(lane int) time.Duration {
		for seq := r.first; seq < r.next; seq++ {
			if it, ok := r.Get(seq); ok && it.Lane == lane {
				return it.At
			}
		}
		return -1
	}
	for i := range 2 * 3600 * 10 { // ten items of each a second
		now := time.Duration(i) * 100 * ms
		pause := i / 600 % 20 // minutes
		at := now - now/100 + 5*time.Hour
		if pause != 7 {
			r.Push(video(now, true))
		}
		if pause != 13 {
			r.Push(audio(at))
		}
		if i%600 < 30 || i%7 > 0 || pause == 7 || pause == 13 {
			continue
		}
		if got := now - oldest(0); got < keep-200*ms || got > keep+200*ms {
			t.Fatalf("after %v the ring has %v of video", now, got)
		}
		if got := at - oldest(1); got < keep-200*ms || got > keep+200*ms {
			t.Fatalf("after %v the ring has %v of sound", now, got)
		}
	}
	if items, _ := r.Size(); items > 50 {
		t.Errorf("%d items are held", items)
	}
}

func TestDroppedItemsAreReleased(t *testing.T) {
	r := New[[]byte](Config{Bytes: 200, Keep: time.Hour})
	r.budget += 2 * r.place
	for range 100 {
		r.Push(Item[[]byte]{Value: make([]byte, 100), Size: 100})
	}
	held := 0
	for i := range r.slots {
		if r.slots[i].Value != nil {
			held++
		}
	}
	if held != 2 {
		t.Errorf("the table refers to %d values, want 2", held)
	}
}

func TestKeyBefore(t *testing.T) {
	r := New[int](Config{Bytes: 1 << 20, Keep: time.Hour, Lanes: 2})
	for i := range 10 {
		r.Push(video(time.Duration(i)*100*ms, i%3 == 1)) // keys at 100, 400, 700 ms: seq 2, 5, 8
	}
	for at, want := range map[time.Duration]uint64{0: 2, 100 * ms: 2, 399 * ms: 2, 400 * ms: 5, time.Hour: 8} {
		if got, ok := r.KeyBefore(0, at); !ok || got != want {
			t.Errorf("at %v: got %d %v, want %d", at, got, ok, want)
		}
	}
	if _, ok := r.KeyBefore(1, 0); ok {
		t.Error("an empty lane has a key item")
	}
}

func TestLappedReaderResumesAtKey(t *testing.T) {
	r := New[int](Config{Bytes: 3300 + 6*place, Keep: time.Hour, Lanes: 2})
	rd := r.Reader(0)
	defer rd.Close()
	r.Push(video(0, true)) // 1
	if it, _, ok := rd.TryNext(); !ok || it.Seq != 1 {
		t.Fatalf("got %v %v", it, ok)
	}
	r.Push(audio(0))             // 2, dropped
	r.Push(video(40*ms, false))  // 3, dropped
	r.Push(video(80*ms, false))  // 4, passed over
	r.Push(audio(80 * ms))       // 5, audio resumes at once
	r.Push(video(120*ms, false)) // 6, passed over
	r.Push(video(160*ms, true))  // 7
	r.Push(audio(160 * ms))      // 8

	it, skipped, _ := rd.TryNext()
	if it.Seq != 5 || skipped != 3 {
		t.Fatalf("audio resumed at %d with %d skipped, want 5 and 3", it.Seq, skipped)
	}
	it, skipped, _ = rd.TryNext()
	if it.Seq != 7 || skipped != 1 {
		t.Fatalf("video resumed at %d with %d skipped, want 7 and 1", it.Seq, skipped)
	}
	seqs, skipped := drain(rd)
	equal(t, "rest", seqs, 8)
	if skipped != 0 {
		t.Errorf("%d more skipped", skipped)
	}
}

func TestLossOfOtherLanesIsNotCounted(t *testing.T) {
	r := New[int](Config{Bytes: 2000, Keep: time.Hour, Lanes: 2})
	rd := r.Reader(0, 1)
	defer rd.Close()
	for range 10 {
		r.Push(video(0, true))
	}
	r.Push(audio(0))
	if it, skipped, ok := rd.TryNext(); !ok || it.Lane != 1 || skipped != 0 {
		t.Errorf("got lane %d, skipped %d, ok %v", it.Lane, skipped, ok)
	}
}

func TestReaderBeginsAtKey(t *testing.T) {
	r := New[int](Config{Bytes: 1 << 20, Keep: time.Hour, Lanes: 2})
	r.Push(video(0, true))
	mid := r.Push(video(40*ms, false))
	a := r.Push(audio(40 * ms))
	k := r.Push(video(80*ms, true))
	rd := r.Reader(mid)
	defer rd.Close()
	seqs, skipped := drain(rd)
	equal(t, "from the middle of a group", seqs, a, k)
	if skipped != 0 {
		t.Errorf("%d skipped before the reader began", skipped)
	}
	rd.Seek(1)
	seqs, _ = drain(rd)
	equal(t, "after Seek", seqs, 1, mid, a, k)
	rd.Seek(1000)
	seqs, _ = drain(rd)
	equal(t, "after Seek to the end", seqs)
	equal(t, "next", []uint64{r.Next()}, k+1)
}

func TestSetLanesAndSwitch(t *testing.T) {
	r := New[int](Config{Bytes: 1 << 20, Keep: time.Hour, Lanes: 3})
	push := func(lane int, key bool) uint64 { return r.Push(Item[int]{Lane: lane, Key: key}) }
	rd := r.Reader(0, 0, 2) // 0 main, 1 sub, 2 audio
	defer rd.Close()

	a, b := push(0, true), push(2, true)
	push(1, true)
	seqs, _ := drain(rd)
	equal(t, "main", seqs, a, b)

	rd.Switch(0, 1)
	a = push(0, false)
	push(1, false)
	b = push(0, false)
	c := push(1, true)
	push(0, false)
	d := push(2, true)
	e := push(1, false)
	seqs, _ = drain(rd)
	equal(t, "switch at the key item of sub", seqs, a, b, c, d, e)
	if l := rd.Lanes(); len(l) != 2 || l[0] != 1 || l[1] != 2 {
		t.Errorf("follows %v", l)
	}

	rd.Switch(1, 0)
	rd.Switch(1, 1)
	push(0, true)
	a = push(1, false)
	seqs, _ = drain(rd)
	equal(t, "switch taken back", seqs, a)

	rd.SetLanes(0, 2)
	push(1, true)
	push(0, false)
	a, b, c = push(2, true), push(0, true), push(0, false)
	seqs, skipped := drain(rd)
	equal(t, "set lanes", seqs, a, b, c)
	if skipped != 0 {
		t.Errorf("%d skipped", skipped)
	}
}

func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int](Config{Bytes: 1 << 20, Keep: time.Hour, Lanes: 2})
		rd := r.Reader(r.Next(), 0)
		got := make(chan uint64)
		var last error
		go func() {
			defer close(got)
			for {
				it, _, err := rd.Next(t.Context())
				if err != nil {
					last = err
					return
				}
				got <- it.Seq
			}
		}()
		synctest.Wait()
		r.Push(audio(0))
		synctest.Wait()
		select {
		case seq := <-got:
			t.Fatalf("got %d of another lane", seq)
		default:
		}
		want := r.Push(video(0, true))
		if seq := <-got; seq != want {
			t.Fatalf("got %d, want %d", seq, want)
		}
		want = r.Push(video(0, false))
		r.Close()
		r.Close()
		if r.Push(video(0, true)) != 0 {
			t.Error("a closed ring takes items")
		}
		if seq := <-got; seq != want {
			t.Fatalf("after Close: got %d, want %d", seq, want)
		}
		if _, open := <-got; open || !errors.Is(last, ErrClosed) || !errors.Is(rd.Err(), ErrClosed) {
			t.Errorf("at the end: %v, Err %v", last, rd.Err())
		}
		rd.Close()
		late := r.Reader(0)
		equal(t, "reader of a closed ring", first(drain(late)), want-2, want-1, want)
		if _, _, err := late.Next(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func first[A, B any](a A, _ B) A { return a }

func TestNextEndsWithContextAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int](Config{Bytes: 1 << 20})
		rd := r.Reader(0)
		cause := errors.New("the reason")
		ctx, cancel := context.WithCancelCause(t.Context())
		errs := make(chan error)
		next := func(ctx context.Context) { _, _, err := rd.Next(ctx); errs <- err }
		go next(ctx)
		synctest.Wait()
		cancel(cause)
		if err := <-errs; err != cause {
			t.Errorf("got %v, want the context's cause", err)
		}
		go next(t.Context())
		synctest.Wait()
		rd.Close()
		rd.Close()
		if err := <-errs; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		<-rd.Wait()
		if err := rd.Err(); !errors.Is(err, ErrClosed) {
			t.Errorf("Err is %v", err)
		}
		if r.Push(video(0, true)) == 0 {
			t.Error("closing a reader closed the ring")
		}
	})
}

// Every reader accounts for every item of its lane: read or reported as
// skipped, whatever its pace; and one that reads nothing holds up nobody.
func TestConcurrent(t *testing.T) {
	const writers, each = 3, 20_000
	r := New[int](Config{Bytes: 64 * place, Keep: time.Hour, Lanes: writers})
	idle := r.Reader(0)
	defer idle.Close()
	var readers, writing sync.WaitGroup
	for i := range writers {
		rd := r.Reader(0, i)
		readers.Go(func() {
			defer rd.Close()
			seen, last := 0, uint64(0)
			for {
				it, skipped, err := rd.Next(t.Context())
				if err != nil {
					seen += skipped // lost at the end
					break
				}
				if it.Lane != i || it.Seq <= last {
					t.Errorf("lane %d seq %d after %d", it.Lane, it.Seq, last)
					return
				}
				last = it.Seq
				if it.Value != seen+skipped {
					t.Errorf("value %d after %d items and %d skipped", it.Value, seen, skipped)
					return
				}
				seen += skipped + 1
			}
			if seen != each {
				t.Errorf("lane %d accounts for %d items, want %d", i, seen, each)
			}
		})
	}
	for i := range writers {
		writing.Go(func() {
			for n := range each {
				r.Push(Item[int]{Value: n, Lane: i, Key: true})
			}
		})
	}
	writing.Wait()
	r.Close()
	readers.Wait()
	_, skipped, _ := idle.TryNext()
	if want := writers*each - 64; skipped != want {
		t.Errorf("the idle reader skipped %d, want %d", skipped, want)
	}
}
