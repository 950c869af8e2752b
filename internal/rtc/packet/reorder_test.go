package packet

import (
	"slices"
	"testing"
	"time"
)

func newTestReorder(video bool) *Reorder {
	first := func(kind byte) func([]byte) bool { return func(b []byte) bool { return len(b) > 0 && b[0] == kind } }
	return NewReorder(video, first(7), first(9))
}

func TestReorder(t *testing.T) {
	t0 := time.Unix(1000, 0)
	ms := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Millisecond) }
	drain := func(r *Reorder, now time.Time) (seqs []uint16) {
		for p, ok := r.Pop(now); ok; p, ok = r.Pop(now) {
			seqs = append(seqs, p.Seq)
		}
		return seqs
	}
	in := func(r *Reorder, now time.Time, seqs ...uint16) {
		for _, s := range seqs {
			r.Push(Packet{Seq: s, Marker: true, Payload: []byte{7}}, now)
		}
	}
	t.Run("order", func(t *testing.T) {
		r := newTestReorder(true)
		in(r, ms(0), 65534, 0, 65535, 1, 1, 65535)
		if got := drain(r, ms(0)); !slices.Equal(got, []uint16{65534, 65535, 0, 1}) {
			t.Error(got)
		}
	})
	t.Run("asks, repeats, gives up", func(t *testing.T) {
		r := newTestReorder(true)
		in(r, ms(0), 10, 12)
		drain(r, ms(0))
		if seqs, again := r.Missing(nil, ms(0)); len(seqs) != 0 || again != ms(3) {
			t.Errorf("asked for %v at once, again %v", seqs, again.Sub(t0))
		}
		seqs, again := r.Missing(nil, ms(3))
		if !slices.Equal(seqs, []uint16{11}) || again != ms(63) {
			t.Errorf("asked for %v, again %v", seqs, again.Sub(t0))
		}
		if seqs, _ = r.Missing(nil, ms(62)); len(seqs) != 0 {
			t.Errorf("asked again for %v too soon", seqs)
		}
		if seqs, _ = r.Missing(nil, ms(63)); !slices.Equal(seqs, []uint16{11}) {
			t.Errorf("asked again for %v", seqs)
		}
		if got := drain(r, ms(699)); got != nil {
			t.Errorf("gave up at once: %v", got)
		}
		p, ok := r.Pop(ms(700))
		if !ok || p.Seq != 12 || !p.Gap {
			t.Errorf("after the wait: %+v, %v", p, ok)
		}
	})
	t.Run("measures the round trip", func(t *testing.T) {
		r := newTestReorder(true)
		in(r, ms(0), 10, 12)
		drain(r, ms(0))
		r.Missing(nil, ms(3))
		in(r, ms(43), 11)
		if got := drain(r, ms(43)); !slices.Equal(got, []uint16{11, 12}) || r.repeat() != 60*time.Millisecond {
			t.Errorf("%v, repeat after %v", got, r.repeat())
		}
	})
	t.Run("sound is not asked for and not waited for long", func(t *testing.T) {
		r := newTestReorder(false)
		in(r, ms(0), 10, 12)
		drain(r, ms(0))
		if seqs, again := r.Missing(nil, ms(30)); len(seqs) != 0 || again != ms(60) {
			t.Errorf("asked for %v, again %v", seqs, again.Sub(t0))
		}
		if got := drain(r, ms(60)); !slices.Equal(got, []uint16{12}) {
			t.Error(got)
		}
	})
	t.Run("the first packets may be lost as well", func(t *testing.T) {
		r := newTestReorder(true)
		r.Push(Packet{Seq: 102, Marker: true, Payload: []byte{1}}, ms(0))
		seqs, _ := r.Missing(nil, ms(3))
		if !slices.Contains(seqs, 100) {
			t.Errorf("asked for %v", seqs)
		}
		in(r, ms(40), 100)
		r.Push(Packet{Seq: 101, Payload: []byte{1}}, ms(41))
		if got := drain(r, ms(41)); !slices.Equal(got, []uint16{100, 101, 102}) {
			t.Error(got)
		}
	})
	t.Run("a jump begins anew", func(t *testing.T) {
		r := newTestReorder(true)
		in(r, ms(0), 10)
		drain(r, ms(0))
		in(r, ms(1), 40000)
		p, ok := r.Pop(ms(1))
		if !ok || p.Seq != 40000 || !p.Gap {
			t.Errorf("%+v %v", p, ok)
		}
	})
	t.Run("the end of an access unit is missed before the next one comes", func(t *testing.T) {
		r := newTestReorder(true)
		r.Push(Packet{Seq: 10, Payload: []byte{7}}, ms(0))
		drain(r, ms(0))
		if seqs, again := r.Missing(nil, ms(9)); len(seqs) != 0 || again != ms(10) {
			t.Errorf("asked for %v too soon, again %v", seqs, again.Sub(t0))
		}
		for i, at := range []int{10, 70, 130} {
			if seqs, _ := r.Missing(nil, ms(at-1)); len(seqs) != 0 {
				t.Errorf("%d: asked for %v within a round trip", i, seqs)
			}
			if seqs, _ := r.Missing(nil, ms(at)); !slices.Equal(seqs, []uint16{11, 12}) {
				t.Errorf("%d: asked for %v", i, seqs)
			}
		}
		if seqs, again := r.Missing(nil, ms(500)); len(seqs) != 0 || !again.IsZero() {
			t.Errorf("asked for %v without end, again %v", seqs, again)
		}
		in(r, ms(2000), 11) // a sender that paused without a marker
		if p, ok := r.Pop(ms(2000)); !ok || p.Seq != 11 || p.Gap {
			t.Errorf("what came after a pause: %+v, %v", p, ok)
		}
		if seqs, again := r.Missing(nil, ms(3000)); len(seqs) != 0 || !again.IsZero() {
			t.Errorf("asked for %v after the marker, again %v", seqs, again)
		}
	})
	t.Run("what is asked for in vain gives way to a later key frame", func(t *testing.T) {
		r := newTestReorder(true)
		in(r, ms(0), 10, 12, 13)
		r.Push(Packet{Seq: 15, Marker: true, Payload: []byte{9}}, ms(1))
		in(r, ms(1), 16)
		for _, at := range []int{0, 4, 64, 184, 243} {
			drain(r, ms(at))
			r.Missing(nil, ms(at))
		}
		if r.next != 11 {
			t.Fatalf("gave up too soon: at %d", r.next)
		}
		p, ok := r.Pop(ms(250))
		if !ok || p.Seq != 15 || !p.Gap {
			t.Errorf("%+v, %v", p, ok)
		}
		if got := drain(r, ms(250)); !slices.Equal(got, []uint16{16}) {
			t.Error(got)
		}
		in(r, ms(260), 14)
		if got := drain(r, ms(260)); got != nil {
			t.Errorf("what came too late: %v", got)
		}
	})
}
