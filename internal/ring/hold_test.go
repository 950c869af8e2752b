package ring

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A reader that holds gets all that fits the budget, however late it is, and what
// it has read leaves by age; a reader that does not hold gets what is younger.
func TestHold(t *testing.T) {
	const n = 1000
	r := New[int](Config{Bytes: n * (1000 + place), Keep: time.Second, Lanes: 2})
	holds, late := r.Reader(0).Hold(), r.Reader(0)
	push := func(n int) {
		for range n {
			r.Push(video(time.Duration(r.next)*40*ms, r.next%25 == 1))
		}
	}
	push(n)
	if seqs, skipped := drain(late); len(seqs) != n || skipped != 0 {
		t.Errorf("the reader beside one that holds has %d items, %d lost", len(seqs), skipped)
	}
	for i := range n / 2 {
		if it, skipped, ok := holds.TryNext(); !ok || it.Seq != uint64(i+1) || skipped != 0 {
			t.Fatalf("got item %d, %d lost", it.Seq, skipped)
		}
	}
	push(1)
	if items, _ := r.Size(); items != n/2+1 {
		t.Errorf("%d items are held for a reader that has %d yet to read", items, n/2+1)
	}
	push(n)
	seqs, skipped := drain(holds)
	if len(seqs)+skipped != n+n/2+1 || len(seqs) < n-25 || skipped == 0 {
		t.Errorf("beyond the budget: %d items, %d lost", len(seqs), skipped)
	}
	push(n)
	if items, _ := r.Size(); items != n {
		t.Errorf("%d items are held", items)
	}
	holds.Close()
	if items, _ := r.Size(); items > 50 {
		t.Errorf("%d items are held when the reader has gone", items)
	}
}

// A sequence ends with its context: one that waits, and one whose body hangs, which
// then holds nothing any more.
func TestAllEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int](Config{Bytes: 2 << 20, Keep: time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		release, done := make(chan struct{}), make(chan struct{})
		for _, hangs := range []bool{false, true} {
			go func() {
				for range r.Reader(r.Next()).Hold().All(ctx) {
					if hangs {
						<-release
					}
				}
				done <- struct{}{}
			}()
		}
		synctest.Wait()
		for i := range 1000 {
			r.Push(video(time.Duration(i)*40*ms, true))
			if i == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		if items, _ := r.Size(); items != 999 {
			t.Errorf("%d items are held for the loop that hangs", items)
		}
		cancel()
		<-done
		synctest.Wait()
		if items, _ := r.Size(); items > 26 || len(r.readers) > 0 {
			t.Errorf("%d items are held for %d readers", items, len(r.readers))
		}
		close(release)
		<-done
	})
}

// Where a reader begins near the newest items, what the ring holds for others costs
// it nothing.
func TestSeekIsCheapNearTheEnd(t *testing.T) {
	r := New[int](Config{Bytes: 1 << 30, Keep: time.Second, Lanes: 2})
	r.Reader(0).Hold()
	const n = 200_000
	for i := range n / 2 {
		at := time.Duration(i) * 40 * ms
		r.Push(video(at, i%25 == 0))
		r.Push(audio(at))
	}
	if items, _ := r.Size(); items != n {
		t.Fatalf("%d items are held", items)
	}
	key, _ := r.NewestKey(0)
	rd := r.Reader(key, 0)
	cost := func(seq uint64) time.Duration {
		best := time.Hour
		for range 20 {
			began := time.Now()
			rd.Seek(seq)
			best = min(best, time.Since(began))
		}
		return best
	}
	if near, far := cost(key), cost(n/2); near*20 > far {
		t.Errorf("a reader is set to the newest key item in %v, to the middle of %d items in %v", near, n, far)
	}
	rd.Seek(key)
	r.budget = 1000 * (1000 + place)
	r.Push(audio(0))
	r.Push(Item[int]{Size: 2 * r.budget}) // drops all
	if _, skipped, ok := rd.TryNext(); ok || skipped > 0 {
		t.Fatal("there is something to read")
	}
	r.Push(video(0, true))
	if _, skipped, ok := rd.TryNext(); !ok || skipped != n/2-int(key+1)/2+1+1 {
		t.Errorf("%d items are lost of those after %d of %d", skipped, key, n)
	}
}
