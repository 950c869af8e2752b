package ring

import (
	"testing"
	"time"
)

// Clear drops all, the newest key items and what readers hold included. A reader counts what
// it had not read, and one that comes later begins with what comes later.
func TestClear(t *testing.T) {
	r := New[int](Config{Bytes: 1 << 20, Keep: time.Hour, Lanes: 2})
	late, holds, done := r.Reader(0, 0), r.Reader(0).Hold(), r.Reader(0)
	r.Push(video(0, true))
	r.Push(audio(0))
	r.Push(video(40*ms, false))
	drain(done)
	r.Clear()
	if items, bytes := r.Size(); items != 0 || bytes != 0 {
		t.Errorf("%d items of %d bytes are left", items, bytes)
	}
	for lane := range 2 {
		_, newest := r.Newest(lane)
		_, key := r.NewestKey(lane)
		_, before := r.KeyBefore(lane, time.Hour)
		if newest || key || before {
			t.Errorf("lane %d has a newest item (%v), a key item (%v, %v)", lane, newest, key, before)
		}
	}
	joins := r.Reader(0)
	sound, delta, key := r.Push(audio(time.Hour)), r.Push(video(time.Hour, false)), r.Push(video(time.Hour+40*ms, true))
	if !r.Cleared(3) || r.Cleared(sound) {
		t.Errorf("item 3 is cleared: %v, item %d: %v", r.Cleared(3), sound, r.Cleared(sound))
	}
	for name, c := range map[string]struct {
		rd   *Reader[int]
		lost int
		want []uint64
	}{
		"lags":         {late, 3, []uint64{key}}, // with the picture that cannot be decoded
		"holds":        {holds, 4, []uint64{sound, key}},
		"has read all": {done, 0, []uint64{sound, delta, key}},
		"joins":        {joins, 0, []uint64{sound, key}},
	} {
		seqs, lost := drain(c.rd)
		equal(t, name, seqs, c.want...)
		if lost != c.lost {
			t.Errorf("%s: %d items are lost, want %d", name, lost, c.lost)
		}
	}
}
