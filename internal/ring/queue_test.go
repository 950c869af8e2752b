package ring

import (
	"runtime"
	"testing"
	"time"
)

// heap returns the memory in use.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestTinyItemsKeepToTheBudget pushes a million messages of a byte: with the values
// and the table the ring takes no more than the budget allows, and little once it
// has drained.
func TestTinyItemsKeepToTheBudget(t *testing.T) {
	const budget = 4 << 20
	before := heap()
	r := New[[]byte](Config{Bytes: budget, Queue: true})
	rd := r.Reader(0)
	for i := range 1_000_000 {
		r.Push(Item[[]byte]{Value: []byte{byte(i)}, Key: true, Size: 1})
	}
	items, bytes := r.Size()
	if bytes > budget || bytes < budget-r.place-1 || items != bytes/(r.place+1) {
		t.Errorf("%d items are charged %d bytes", items, bytes)
	}
	if more := heap() - before; more > 2*budget+1<<20 { // the table has up to twice the slots
		t.Errorf("the ring takes %d KiB for a budget of %d KiB", more>>10, budget>>10)
	}
	for range items {
		rd.TryNext()
	}
	if items, bytes := r.Size(); items != 0 || bytes != 0 {
		t.Errorf("%d items of %d bytes after all were read", items, bytes)
	}
	if n := len(r.slots); n > keptSlots {
		t.Errorf("the drained ring has a table of %d slots", n)
	}
	r.Push(Item[[]byte]{Value: []byte{1}, Key: true})
	if it, _, ok := rd.TryNext(); !ok || it.Seq != 1_000_001 {
		t.Errorf("after it drained: item %d, %v", it.Seq, ok)
	}
	rd.Close()
}

// TestTableShrinks drains rings that are no queues: what one large item displaces.
func TestTableShrinks(t *testing.T) {
	r := New[int](Config{Bytes: 1 << 20, Keep: time.Hour})
	for range 10_000 {
		r.Push(Item[int]{})
	}
	r.Push(Item[int]{Size: 1<<20 - 1000*place}) // leaves a tenth of the table
	if n, items := len(r.slots), int(r.next-r.first); items != 1000 || n != 2048 {
		t.Errorf("%d items in a table of %d slots", items, n)
	}
	for seq := r.first; seq < r.next; seq++ {
		if it, ok := r.Get(seq); !ok || it.Seq != seq {
			t.Fatalf("item %d is %d, %v", seq, it.Seq, ok)
		}
	}
	r.Push(Item[int]{Size: 1 << 20})
	if n := len(r.slots); n != keptSlots {
		t.Errorf("a table of %d slots for one item", n)
	}
}

// TestQueueKeepsWhatIsToBeRead has no, one and two readers of a queue.
func TestQueueKeepsWhatIsToBeRead(t *testing.T) {
	r := New[int](Config{Bytes: 1 << 20, Lanes: 2, Queue: true})
	held := func(what string, want int) {
		t.Helper()
		if items, _ := r.Size(); items != want {
			t.Errorf("%s: %d items are held, want %d", what, items, want)
		}
	}
	push := func(lane int) uint64 { return r.Push(Item[int]{Lane: lane, Key: true, Size: 1}) }
	for range 10 {
		push(0)
	}
	held("nobody reads", 0)
	if _, ok := r.NewestKey(0); ok {
		t.Error("a key item that nobody was to read is there")
	}

	fast, slow := r.Reader(0), r.Reader(0, 0)
	a, b, c := push(0), push(1), push(0)
	held("two are to read", 3)
	seqs, _ := drain(fast)
	equal(t, "the fast one", seqs, a, b, c)
	held("one has read", 3)
	if it, skipped, ok := slow.TryNext(); !ok || it.Seq != a || skipped > 0 {
		t.Errorf("the slow one reads %d, %d skipped", it.Seq, skipped)
	}
	held("the other reads", 2)
	slow.Close()
	held("the other left", 0)

	push(1)
	late := r.Reader(r.Next())
	held("one is to read", 1)
	fast.TryNext()
	held("it has read", 0)
	fast.Close()
	a = push(0)
	r.Close()
	equal(t, "what was left at the end", first(drain(late)), a)
	late.Close()
}

// The newest bytes of a queue stay for readers that are about to come.
func TestQueueLingers(t *testing.T) {
	r := New[int](Config{Bytes: 1 << 20, Queue: true, Linger: 3 * (place + 1)})
	rd := r.Reader(0)
	for i := range 10 {
		r.Push(Item[int]{Key: true, Size: 1})
		if i >= 5 {
			rd.TryNext()
		}
	}
	if items, _ := r.Size(); items != 5 {
		t.Errorf("%d items are held for one that is to read 5", items)
	}
	seqs, _ := drain(rd)
	equal(t, "the rest", seqs, 6, 7, 8, 9, 10)
	equal(t, "one that comes later", first(drain(r.Reader(7))), 8, 9, 10)
	r.Push(Item[int]{Key: true, Size: 4 * place})
	if items, _ := r.Size(); items != 1 {
		t.Errorf("%d items are held, of which the newest alone is too large", items)
	}
}
