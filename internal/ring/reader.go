package ring

import (
	"context"
	"iter"
	"math/bits"
	"slices"
)

// Reader is a cursor into a [Ring] that follows some of its lanes.
type Reader[T any] struct {
	ring  *Ring[T]
	ready chan struct{} // capacity 1: a wake-up costs no allocation and never blocks; closed at the end

	// Under ring.mu.
	cursor     uint64   // next item to look at
	passed     []uint64 // per lane, the number of its items before the cursor
	lanes      uint64   // bits of the lanes followed
	waiting    uint64   // lanes that go on at their next key item
	fresh      uint64   // of these, the ones that have not begun: what they pass over is not a loss
	switchFrom uint64   // see Switch; 0 when no switch is pending
	switchTo   uint64
	lost       int // items lost since the last one returned
	holds      bool
	closed     bool
}

// Reader returns a cursor over the named lanes, all of them when none is named.
// It begins at the item start, or at the oldest there is if start is gone; each
// lane begins at its first key item from there on. A start at [Ring.Next] or
// beyond waits for what comes.
// Close the reader when done.
func (r *Ring[T]) Reader(start uint64, lanes ...int) *Reader[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	rd := &Reader[T]{ring: r, ready: make(chan struct{}, 1), passed: make([]uint64, len(r.lanes))}
	rd.lanes = r.mask(lanes)
	rd.seek(start)
	if r.closed {
		close(rd.ready)
	} else {
		r.readers = append(r.readers, rd)
	}
	return rd
}

func (r *Ring[T]) mask(lanes []int) (m uint64) {
	if len(lanes) == 0 {
		return ^uint64(0) >> (maxLanes - len(r.lanes))
	}
	for _, l := range lanes {
		_ = r.lanes[l] // panics like Push on a lane that does not exist
		m |= 1 << l
	}
	return m
}

// Hold has the ring keep what the reader has yet to read beyond Config.Keep, as far
// as Config.Bytes allows. It returns the reader.
func (rd *Reader[T]) Hold() *Reader[T] {
	rd.ring.mu.Lock()
	defer rd.ring.mu.Unlock()
	rd.holds = true
	return rd
}

// All yields the items and how many were lost before each, as Next returns them,
// and closes the reader at the end of the loop, or when ctx ends even if the loop's
// body does not return.
func (rd *Reader[T]) All(ctx context.Context) iter.Seq2[Item[T], int] {
	return func(yield func(Item[T], int) bool) {
		defer rd.Close()
		defer context.AfterFunc(ctx, rd.Close)()
		for {
			it, skipped, err := rd.Next(ctx)
			if err != nil || !yield(it, skipped) {
				return
			}
		}
	}
}

// Next returns the next item of the reader's lanes, waiting for it if need be,
// and how many items of these lanes were lost since the one before. It fails
// with the cause of ctx's end, or with [ErrClosed], and then skipped tells what
// was lost at the end of the ring.
func (rd *Reader[T]) Next(ctx context.Context) (it Item[T], skipped int, err error) {
	for ctx.Err() == nil {
		it, skipped, ok, err := rd.take()
		if ok || err != nil {
			return it, skipped, err
		}
		select {
		case <-rd.ready:
		case <-ctx.Done():
		}
	}
	return it, 0, context.Cause(ctx)
}

// TryNext is Next for a caller that does not want to wait: ok is false if there
// is nothing to read now.
func (rd *Reader[T]) TryNext() (it Item[T], skipped int, ok bool) {
	it, skipped, ok, _ = rd.take()
	return it, skipped, ok
}

// Wait returns a channel that becomes ready when there may be something to
// read, and is closed when nothing more will be written. A caller that selects
// on it calls TryNext until that finds nothing, then Err, before it waits again.
func (rd *Reader[T]) Wait() <-chan struct{} { return rd.ready }

// Err returns [ErrClosed] once nothing more will come, nil before.
func (rd *Reader[T]) Err() error {
	rd.ring.mu.Lock()
	defer rd.ring.mu.Unlock()
	if rd.closed || rd.ring.closed && rd.cursor >= rd.ring.next {
		return ErrClosed
	}
	return nil
}

func (rd *Reader[T]) take() (it Item[T], skipped int, ok bool, err error) {
	r := rd.ring
	r.mu.Lock()
	defer r.mu.Unlock()
	if rd.closed {
		return it, 0, false, ErrClosed
	}
	rd.catchUp()
	for ; rd.cursor < r.next; rd.cursor++ {
		s := r.slot(rd.cursor)
		rd.passed[s.Lane]++
		bit := uint64(1) << s.Lane
		if bit == rd.switchTo && s.Key {
			rd.follow(rd.lanes&^rd.switchFrom | bit)
		}
		if rd.lanes&bit == 0 {
			continue
		}
		if rd.waiting&bit != 0 {
			if !s.Key {
				if rd.fresh&bit == 0 {
					rd.lost++
				}
				continue
			}
			rd.waiting &^= bit
			rd.fresh &^= bit
		}
		rd.cursor++
		skipped, rd.lost = rd.lost, 0
		it = s.Item
		if r.queue {
			r.release()
		}
		return it, skipped, true, nil
	}
	if r.queue {
		r.release()
	}
	if r.closed {
		skipped, rd.lost = rd.lost, 0
		return it, skipped, false, ErrClosed
	}
	return it, 0, false, nil
}

// catchUp moves a reader whose items were dropped to the oldest item.
func (rd *Reader[T]) catchUp() {
	r := rd.ring
	if rd.cursor >= r.first {
		return
	}
	rd.cursor = r.first
	for i := range r.lanes {
		n := r.lanes[i].popped - rd.passed[i]
		rd.passed[i] += n
		if bit := uint64(1) << i; n > 0 && rd.lanes&bit != 0 {
			rd.lost += int(n)
			rd.waiting |= bit
			rd.fresh &^= bit
		}
	}
}

// SetLanes changes which lanes the reader follows, all when none is named, from
// where it stands. Lanes that it follows already go on undisturbed, new ones
// begin at their next key item. A pending Switch is dropped.
func (rd *Reader[T]) SetLanes(lanes ...int) {
	rd.ring.mu.Lock()
	defer rd.ring.mu.Unlock()
	rd.catchUp()
	rd.follow(rd.ring.mask(lanes))
	rd.wake()
}

// Switch makes the reader follow lane to instead of lane from as soon as it
// meets a key item of to, and go on with from until then. Another call before
// that replaces the wish; Switch(l, l) takes it back.
func (rd *Reader[T]) Switch(from, to int) {
	rd.ring.mu.Lock()
	defer rd.ring.mu.Unlock()
	rd.switchFrom, rd.switchTo = rd.ring.mask([]int{from}), rd.ring.mask([]int{to})
	if from == to || rd.lanes&rd.switchTo != 0 {
		rd.switchFrom, rd.switchTo = 0, 0
	}
	rd.wake()
}

func (rd *Reader[T]) follow(lanes uint64) {
	added := lanes &^ rd.lanes
	rd.lanes = lanes
	rd.waiting = rd.waiting&lanes | added
	rd.fresh = rd.fresh&lanes | added
	rd.switchFrom, rd.switchTo = 0, 0
}

// Seek moves the reader to the item seq as if it had been made there; nothing
// counts as skipped.
func (rd *Reader[T]) Seek(seq uint64) {
	rd.ring.mu.Lock()
	defer rd.ring.mu.Unlock()
	rd.seek(seq)
	rd.wake()
}

func (rd *Reader[T]) seek(seq uint64) {
	r := rd.ring
	rd.cursor = min(max(seq, r.first), r.next)
	if back := r.next - rd.cursor; back < rd.cursor-r.first { // count from the nearer end
		for i := range r.lanes {
			rd.passed[i] = r.lanes[i].pushed
		}
		for q := rd.cursor; q < r.next; q++ {
			rd.passed[r.slot(q).Lane]--
		}
	} else {
		for i := range r.lanes {
			rd.passed[i] = r.lanes[i].popped
		}
		for q := r.first; q < rd.cursor; q++ {
			rd.passed[r.slot(q).Lane]++
		}
	}
	rd.waiting, rd.fresh, rd.lost = rd.lanes, rd.lanes, 0
}

// Lanes returns the lanes that the reader follows at present, ascending.
func (rd *Reader[T]) Lanes() []int {
	rd.ring.mu.Lock()
	defer rd.ring.mu.Unlock()
	var lanes []int
	for m := rd.lanes; m != 0; m &= m - 1 {
		lanes = append(lanes, bits.TrailingZeros64(m))
	}
	return lanes
}

// wake tells the reader to look again. The ring's lock is held.
func (rd *Reader[T]) wake() {
	if rd.closed || rd.ring.closed {
		return
	}
	select {
	case rd.ready <- struct{}{}:
	default:
	}
}

// Close takes the reader off its ring; Next returns [ErrClosed] from then on.
// Closing again does nothing.
func (rd *Reader[T]) Close() {
	r := rd.ring
	r.mu.Lock()
	defer r.mu.Unlock()
	if rd.closed {
		return
	}
	rd.closed = true
	if i := slices.Index(r.readers, rd); i >= 0 {
		r.readers = slices.Delete(r.readers, i, i+1)
		close(rd.ready)
		if rd.holds {
			r.evict()
		}
		r.release()
	}
}
