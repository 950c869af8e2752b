package ring

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// model does what the package documentation says, with all items ever pushed in
// a slice and everything counted anew each time.
type model struct {
	Config
	all     []Item[int]
	clock   []time.Duration // of the ring, when each of all was pushed
	first   int             // index into all
	readers []*modelReader
}

func (m *model) push(it Item[int]) {
	it.Seq = uint64(len(m.all) + 1)
	m.all = append(m.all, it)
	m.clock = append(m.clock, m.now())
	m.evict()
	m.release()
}

// now is the ring's clock after all items.
func (m *model) now() (clock time.Duration) {
	var at, lanes [4]time.Duration
	var begun [4]bool
	for _, it := range m.all {
		last := at[it.Lane]
		d := max(it.At-last, 0)
		switch {
		case !begun[it.Lane]:
			at[it.Lane], lanes[it.Lane], begun[it.Lane] = it.At, clock, true
		case d > 0:
			lanes[it.Lane] += d
			at[it.Lane] = it.At
		case it.At < last-m.Keep:
			at[it.Lane] = it.At
		}
		clock = max(clock, lanes[it.Lane])
	}
	return clock
}

// bytes is what is charged.
func (m *model) bytes() (sum int) {
	for _, it := range m.all[m.first:] {
		sum += it.Size + place
	}
	return sum
}

// release drops what all readers of a queue have passed.
func (m *model) release() {
	if !m.Queue {
		return
	}
	passed := len(m.all)
	for _, rd := range m.readers {
		passed = min(passed, rd.cursor)
	}
	for m.first < passed && m.bytes() > m.Linger {
		m.first++
	}
}

func (m *model) evict() {
	for len(m.all)-m.first > 1 {
		age := m.clock[len(m.all)-1] - m.clock[m.first]
		if m.bytes() <= m.Bytes && (age <= m.Keep || m.pinned()) {
			return
		}
		m.first++
	}
}

// pinned reports whether the oldest item is held for a reader, is the newest key
// item of a lane or comes after one.
func (m *model) pinned() bool {
	for _, rd := range m.readers {
		if rd.holds && rd.cursor <= m.first {
			return true
		}
	}
	for lane := range m.Lanes {
		if k := m.newestKey(lane, func(Item[int]) bool { return true }); k == m.first {
			return true
		}
	}
	return false
}

func (m *model) newestKey(lane int, ok func(Item[int]) bool) int {
	for i := len(m.all) - 1; i >= m.first; i-- {
		if it := m.all[i]; it.Lane == lane && it.Key && ok(it) {
			return i
		}
	}
	return -1
}

type modelReader struct {
	m      *model
	cursor int // index into m.all
	state  map[int]string
	lost   int
	holds  bool
}

func (rd *modelReader) next() (it Item[int], skipped int, ok bool) {
	defer rd.m.release()
	for ; rd.cursor < rd.m.first; rd.cursor++ {
		if lane := rd.m.all[rd.cursor].Lane; rd.state[lane] != "" {
			rd.state[lane] = "resume"
			rd.lost++
		}
	}
	for rd.cursor < len(rd.m.all) {
		it := rd.m.all[rd.cursor]
		rd.cursor++
		switch state := rd.state[it.Lane]; {
		case state == "":
		case it.Key, state == "on":
			rd.state[it.Lane] = "on"
			skipped, rd.lost = rd.lost, 0
			return it, skipped, true
		case state == "resume":
			rd.lost++
		}
	}
	return it, 0, false
}

func FuzzModel(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Add([]byte{0x81, 255, 255, 1, 2, 0xa1, 0, 1, 2, 3, 4, 0xa3, 9, 5, 6, 0xf1, 1, 7, 8, 0xf2, 7, 9, 10})
	f.Add([]byte{0x63, 200, 10, 0xaf, 0, 0x20, 1, 0x30, 0, 0x40, 1, 0x50, 0x80, 0x60, 0, 0x70, 1, 0xff, 3, 0x90, 1, 0xff, 9, 0xbe, 0, 0x90, 0})
	f.Add([]byte{0xe1, 255, 10, 0x30, 0, 0x40, 1, 0xa1, 0, 0x50, 0x80, 0xc1, 3, 0x60, 0})
	f.Add([]byte{3, 200, 10, 0x80, 5, 9, 0x40, 0x41, 0xc2, 0xff, 0x10, 0x90, 0x33, 0xe0, 0x71, 0x01, 0x02})
	f.Add([]byte{0x63, 200, 10, 0xaf, 0, 0x20, 1, 0xa1, 0, 0x30, 0, 0x40, 1, 0xfe, 0, 0x50, 0x80, 0x60, 0, 0x70, 1, 0xff, 7, 0xfe, 0, 0xff, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 3 || len(b) > 2000 {
			return
		}
		cfg := Config{Bytes: int(b[1]) * 16, Keep: time.Duration(b[2]) * ms, Lanes: int(b[0])%4 + 1, Queue: b[0]&0x80 != 0}
		if b[0]&0x40 != 0 {
			cfg.Linger = 1000
		}
		r, m := New[int](cfg), &model{Config: cfg}
		var rds []*Reader[int]
		at := time.Duration(0)
		for i := 3; i+1 < len(b); i += 2 {
			op, arg := b[i], b[i+1]
			lane := int(arg) % cfg.Lanes
			switch {
			case op < 0xa0: // push
				at += time.Duration(int(op)-20) * ms // goes back at times
				it := Item[int]{Value: i, Lane: lane, Key: arg&0x80 != 0 || lane == 1, Size: int(op) * 2, At: at}
				m.push(it)
				if seq := r.Push(it); seq != uint64(len(m.all)) {
					t.Fatalf("Push returned %d for item %d", seq, len(m.all))
				}
				check(t, r, m, lane, at-time.Duration(arg)*ms)
			case op < 0xb0 && len(rds) < 4: // new reader of some lanes
				mask := int(op)%(1<<cfg.Lanes-1) + 1
				state := map[int]string{}
				var lanes []int
				for l := range cfg.Lanes {
					if mask>>l&1 != 0 {
						lanes, state[l] = append(lanes, l), "begin"
					}
				}
				rd := r.Reader(uint64(arg), lanes...)
				if !slices.Equal(rd.Lanes(), lanes) {
					t.Fatalf("reader of %v follows %v", lanes, rd.Lanes())
				}
				if op >= 0xa8 {
					rd.Hold()
				}
				rds = append(rds, rd)
				m.readers = append(m.readers, &modelReader{m: m, state: state, cursor: min(max(int(arg)-1, m.first), len(m.all)), holds: op >= 0xa8})
			case op < 0xb8 && len(rds) > 0: // seek
				n := int(op) % len(rds)
				rds[n].Seek(uint64(arg))
				m.readers[n].cursor, m.readers[n].lost = min(max(int(arg)-1, m.first), len(m.all)), 0
				for l := range m.readers[n].state {
					m.readers[n].state[l] = "begin"
				}
			case op < 0xc0 && len(rds) > 0: // close
				n := int(op) % len(rds)
				rds[n].Close()
				held := m.readers[n].holds
				rds, m.readers = slices.Delete(rds, n, n+1), slices.Delete(m.readers, n, n+1)
				if held && len(m.all) > 0 {
					m.evict()
				}
				m.release()
				check(t, r, m, lane, at)
			case op == 0xfe:
				r.Clear()
				m.first = len(m.all)
				check(t, r, m, lane, at)
			case len(rds) > 0: // read
				n := int(op) % len(rds)
				for range int(arg)%8 + 1 {
					it, skipped, ok := rds[n].TryNext()
					wit, wskipped, wok := m.readers[n].next()
					if got, want := fmt.Sprint(it, skipped, ok), fmt.Sprint(wit, wskipped, wok); ok != wok || ok && got != want {
						t.Fatalf("reader %d: got %s, want %s", n, got, want)
					}
				}
			}
		}
	})
}

func check(t *testing.T, r *Ring[int], m *model, lane int, at time.Duration) {
	t.Helper()
	if items, _ := r.Size(); items != len(m.all)-m.first {
		t.Fatalf("after item %d: %d items held, want %d", len(m.all), items, len(m.all)-m.first)
	}
	for _, i := range []int{m.first - 1, m.first, len(m.all)} {
		it, ok := r.Get(uint64(i + 1))
		if ok != (i >= m.first && i < len(m.all)) || ok && it != m.all[i] {
			t.Fatalf("Get(%d) = %v %v", i+1, it, ok)
		}
	}
	want := m.newestKey(lane, func(Item[int]) bool { return true })
	if k, ok := r.NewestKey(lane); ok != (want >= 0) || ok && k != uint64(want+1) {
		t.Fatalf("NewestKey(%d) = %d %v, want %d", lane, k, ok, want+1)
	}
	if before := m.newestKey(lane, func(it Item[int]) bool { return it.At <= at }); before >= 0 {
		want = before
	} else {
		want = slices.IndexFunc(m.all[m.first:], func(it Item[int]) bool { return it.Lane == lane && it.Key }) + m.first
	}
	if k, ok := r.KeyBefore(lane, at); ok && k != uint64(want+1) {
		t.Fatalf("KeyBefore(%d, %v) = %d, want %d", lane, at, k, want+1)
	}
}
