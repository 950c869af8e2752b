package ring

import (
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is returned by a reader that was closed, or whose ring was closed
// and which has read all that was left.
var ErrClosed = errors.New("ring: closed")

const (
	maxLanes = 64 // lanes are kept as bits of a uint64

	// The table grows with its items from minSlots on, and is given back when fewer
	// than an eighth of it is in use, down to keptSlots, so that the usual tide of
	// items costs no allocations.
	minSlots  = 16
	keptSlots = 256
)

// Item is one element of a [Ring].
type Item[T any] struct {
	Value T
	Lane  int           // track index, below Config.Lanes
	Key   bool          // a reader may start or resume the lane here
	Size  int           // bytes of Value charged to the budget
	At    time.Duration // media time
	Seq   uint64        // set by Push, from 1 on
}

// Config bounds a [Ring].
type Config struct {
	// Bytes is the budget for what the items are charged. Zero keeps only the
	// newest item.
	Bytes int

	// Keep is how much media time is kept behind the newest item. The newest
	// key item of each lane and all after it are kept beyond that, within
	// Bytes, and so is what a reader holds; see [Reader.Hold].
	Keep time.Duration

	// Lanes is the number of lanes, at most 64. Zero means 1.
	Lanes int

	// Queue keeps only what a reader has yet to read: an item that all readers have
	// passed is dropped, and without readers nothing is kept, but for the newest
	// Linger bytes.
	Queue  bool
	Linger int
}

// Ring is a bounded buffer that many readers follow at their own pace.
type Ring[T any] struct {
	budget int
	keep   time.Duration
	queue  bool
	linger int
	place  int // bytes of an item's place in the table

	mu          sync.Mutex
	slots       []slot[T] // item seq is at seq & (len-1); len is a power of two
	first, next uint64    // the ring holds first <= seq < next
	bytes       int       // charged
	clock       time.Duration
	lanes       []lane
	readers     []*Reader[T]
	closed      bool

	cleared atomic.Uint64 // next at the last Clear
}

type slot[T any] struct {
	Item[T]
	prevKey uint64        // key item of the same lane before this one; 0 if none
	pushed  time.Duration // on the ring's clock
}

type lane struct {
	newest, key    uint64        // newest item and newest key item; 0 if none yet
	pushed, popped uint64        // counts
	at             time.Duration // media time of the lane's furthest item
	clock          time.Duration // of the ring, when the lane was there
}

// New returns an empty ring. It panics if c.Lanes is above 64.
func New[T any](c Config) *Ring[T] {
	if c.Lanes > maxLanes {
		panic(fmt.Sprintf("ring: %d lanes, at most %d are possible", c.Lanes, maxLanes))
	}
	return &Ring[T]{
		budget: c.Bytes,
		keep:   c.Keep,
		queue:  c.Queue,
		linger: c.Linger,
		place:  int(reflect.TypeFor[slot[T]]().Size()),
		slots:  make([]slot[T], minSlots),
		first:  1,
		next:   1,
		lanes:  make([]lane, max(c.Lanes, 1)),
	}
}

// Push appends it, drops what no longer fits and wakes the readers of its lane.
// It never blocks, and allocates only when the table grows or shrinks. It returns the
// item's sequence number, or 0 once the ring is closed. A lane that the
// configuration does not have makes it panic.
func (r *Ring[T]) Push(it Item[T]) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0
	}
	l := &r.lanes[it.Lane]
	if r.next-r.first == uint64(len(r.slots)) {
		r.resize(2 * len(r.slots))
	}
	it.Seq = r.next
	s := r.slot(it.Seq)
	s.Item = it
	s.prevKey = l.key
	s.pushed = r.advance(l, it.At)
	r.next++
	r.bytes += r.charge(it.Size)
	l.newest = it.Seq
	l.pushed++
	if it.Key {
		l.key = it.Seq
	}
	r.evict()
	if r.queue || len(r.slots) > keptSlots {
		r.release()
	}
	bit := uint64(1) << it.Lane
	for _, rd := range r.readers {
		if rd.lanes&bit != 0 || rd.switchTo&bit != 0 {
			rd.wake()
		}
	}
	return it.Seq
}

// advance moves the lane's clock on to an item of the media time at and returns the
// ring's, which is that of the lane that is ahead.
func (r *Ring[T]) advance(l *lane, at time.Duration) time.Duration {
	switch d := at - l.at; {
	case l.pushed == 0:
		l.at, l.clock = at, r.clock
	case d > 0:
		l.at, l.clock = at, l.clock+d
		r.clock = max(r.clock, l.clock)
	case -d > r.keep:
		l.at = at
	}
	return r.clock
}

// evict drops the oldest items that the bounds no longer allow.
func (r *Ring[T]) evict() {
	var pin uint64 // first item that age alone does not drop
	for r.first+1 < r.next {
		s := r.slot(r.first)
		if r.bytes <= r.budget {
			if r.clock-s.pushed <= r.keep {
				return
			}
			if pin == 0 {
				pin = r.pin()
			}
			if r.first >= pin {
				return
			}
		}
		r.pop(s)
	}
}

// release drops what all readers of a queue have passed, and gives back a table
// that has become too large.
func (r *Ring[T]) release() {
	if r.queue && !r.closed {
		passed := r.next
		for _, rd := range r.readers {
			passed = min(passed, rd.cursor)
		}
		for r.first < passed && r.bytes > r.linger {
			r.pop(r.slot(r.first))
		}
	}
	if n := int(r.next - r.first); len(r.slots) > keptSlots && n < len(r.slots)/8 {
		r.resize(max(keptSlots, 1<<bits.Len(uint(2*n))))
	}
}

// pop drops the oldest item, which is in s.
func (r *Ring[T]) pop(s *slot[T]) {
	r.bytes -= r.charge(s.Size)
	r.lanes[s.Lane].popped++
	*s = slot[T]{}
	r.first++
}

// pin returns the oldest of the lanes' newest key items and of what readers hold.
func (r *Ring[T]) pin() uint64 {
	pin := r.next
	for i := range r.lanes {
		if k := r.lanes[i].key; k >= r.first {
			pin = min(pin, k)
		}
	}
	for _, rd := range r.readers {
		if rd.holds {
			pin = min(pin, rd.cursor)
		}
	}
	return pin
}

// resize moves the items to a table of n slots, a power of two.
func (r *Ring[T]) resize(n int) {
	table := make([]slot[T], n)
	for seq := r.first; seq < r.next; seq++ {
		table[seq&uint64(n-1)] = *r.slot(seq)
	}
	r.slots = table
}

func (r *Ring[T]) slot(seq uint64) *slot[T] { return &r.slots[seq&uint64(len(r.slots)-1)] }

func (r *Ring[T]) charge(size int) int { return r.place + max(size, 0) }

// Get returns the item with the given sequence number if it is still there.
func (r *Ring[T]) Get(seq uint64) (Item[T], bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq < r.first || seq >= r.next {
		return Item[T]{}, false
	}
	return r.slot(seq).Item, true
}

// Next returns the sequence number that the next Push will hand out.
func (r *Ring[T]) Next() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next
}

// Newest returns the sequence number of the newest item of the lane that is
// still there.
func (r *Ring[T]) Newest(lane int) (seq uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seq = r.lanes[lane].newest
	return seq, seq >= r.first
}

// NewestKey returns the sequence number of the newest key item of the lane that
// is still there.
func (r *Ring[T]) NewestKey(lane int) (seq uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seq = r.lanes[lane].key
	return seq, seq >= r.first
}

// KeyBefore returns the sequence number of the newest key item of the lane
// whose media time is at or before at, or of the oldest key item if all are
// later.
func (r *Ring[T]) KeyBefore(lane int, at time.Duration) (seq uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := r.lanes[lane].key; k >= r.first; {
		seq, ok = k, true
		s := r.slot(k)
		if s.At <= at {
			break
		}
		k = s.prevKey
	}
	return seq, ok
}

// Size returns how many items the ring holds and how many bytes they are
// charged.
func (r *Ring[T]) Size() (items, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int(r.next - r.first), r.bytes
}

// Clear drops all items. Readers go on with what is pushed next, and count what they had
// yet to read as lost.
func (r *Ring[T]) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.first < r.next {
		r.pop(r.slot(r.first))
	}
	r.cleared.Store(r.next)
	r.release()
}

// Cleared reports whether the item seq was dropped by Clear, or pushed before it was
// called. It takes no lock.
func (r *Ring[T]) Cleared(seq uint64) bool { return seq < r.cleared.Load() }

// Close ends the ring: further items are refused, and readers get [ErrClosed]
// after they have read what is there. Closing again does nothing.
func (r *Ring[T]) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	for _, rd := range r.readers {
		close(rd.ready)
	}
	r.readers = nil
}
