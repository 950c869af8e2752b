package sctpguard

// span is how many TSNs are told apart: twice as many as pion takes beyond the last
// one that it acknowledged, with a window of 1 MiB.
const span = 1 << 14

// tsns are the TSNs of late, to tell chunks that came from those that come again.
type tsns struct {
	begun bool
	top   uint32 // the newest one
	seen  []uint64
}

// add reports whether a chunk is new, as far as is known.
func (t *tsns) add(tsn uint32) bool {
	if t.seen == nil {
		t.seen = make([]uint64, span/64)
	}
	switch ahead := int32(tsn - t.top); {
	case !t.begun || ahead >= span || ahead <= -span:
		clear(t.seen)
		t.begun, t.top = true, tsn
	case ahead > 0:
		for t.top != tsn {
			t.top++
			t.seen[t.top%span/64] &^= 1 << (t.top % 64)
		}
	}
	word, bit := &t.seen[tsn%span/64], uint64(1)<<(tsn%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}
