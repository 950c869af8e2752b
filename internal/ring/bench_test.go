package ring

import (
	"testing"
	"time"
)

func TestAllocations(t *testing.T) {
	r := New[[]byte](Config{Bytes: 1 << 16, Keep: time.Hour, Lanes: 2})
	rd := r.Reader(0)
	defer rd.Close()
	it := Item[[]byte]{Value: make([]byte, 100), Size: 100, Key: true}
	for range 2000 {
		r.Push(it)
	}
	drain(rd)
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		r.Push(it)
		if _, _, err := rd.Next(ctx); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per item", n)
	}
}

func BenchmarkPush(b *testing.B) {
	for _, n := range []int{0, 1, 10} {
		b.Run(map[int]string{0: "alone", 1: "reader", 10: "readers10"}[n], func(b *testing.B) {
			r := New[[]byte](Config{Bytes: 4 << 20, Keep: time.Hour, Lanes: 2})
			for range n {
				rd := r.Reader(0)
				defer rd.Close()
			}
			it := Item[[]byte]{Value: make([]byte, 16), Size: 1 << 14}
			b.ReportAllocs()
			for b.Loop() {
				it.At += 33 * ms
				r.Push(it)
			}
		})
	}
}

func BenchmarkPushNext(b *testing.B) {
	r := New[[]byte](Config{Bytes: 4 << 20, Keep: time.Hour, Lanes: 2})
	rd := r.Reader(0)
	defer rd.Close()
	it := Item[[]byte]{Value: make([]byte, 16), Size: 1 << 14, Key: true}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		it.At += 33 * ms
		r.Push(it)
		if _, _, err := rd.Next(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
