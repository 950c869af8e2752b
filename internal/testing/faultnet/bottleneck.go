package faultnet

import (
	"sync"
	"time"
)

// defaultQueue is the queue in front of a limited rate, in bytes.
const defaultQueue = 256 << 10

// bottleneck is one direction's limited rate, with a queue in front of it.
type bottleneck struct {
	queue   int
	packets chan queued

	mu      sync.Mutex
	rate    int // bits per second; 0 for no limit
	bytes   int // in the queue
	passed  int // packets
	dropped int
}

// queued is a packet that waits for its turn.
type queued struct {
	came time.Time
	size int
	pass func()
}

func newBottleneck(link Link) *bottleneck {
	b := &bottleneck{queue: link.Queue, rate: link.Rate, packets: make(chan queued, 16384)}
	if b.queue == 0 {
		b.queue = defaultQueue
	}
	return b
}

// put takes a packet; false if there is no limit and it may pass at once.
func (b *bottleneck) put(size int, pass func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rate == 0 && b.bytes == 0 {
		b.passed++
		return false
	}
	if b.bytes+size > b.queue {
		b.dropped++
		return true
	}
	select {
	case b.packets <- queued{time.Now(), size, pass}:
		b.bytes += size
	default:
		b.dropped++
	}
	return true
}

// run lets packets through at the rate of the moment until done is closed.
func (b *bottleneck) run(done <-chan struct{}) {
	var free time.Time // when the packet before has left
	for {
		select {
		case q := <-b.packets:
			b.mu.Lock()
			rate := b.rate
			b.mu.Unlock()
			if q.came.After(free) {
				free = q.came
			}
			if rate > 0 {
				free = free.Add(time.Duration(q.size) * 8 * time.Second / time.Duration(rate))
			}
			if wait := time.Until(free); wait > 0 {
				select {
				case <-time.After(wait):
				case <-done:
					return
				}
			}
			b.mu.Lock()
			b.bytes -= q.size
			b.passed++
			b.mu.Unlock()
			q.pass()
		case <-done:
			return
		}
	}
}

// SetRate changes the rate of both directions, in bits per second; 0 means no
// limit.
func (r *Relay) SetRate(bitrate int) {
	for _, b := range r.ways {
		b.mu.Lock()
		b.rate = bitrate
		b.mu.Unlock()
	}
}

// Drops says how many of the packets to clients found the queue full, and how
// many passed.
func (r *Relay) Drops() (dropped, passed int) {
	b := r.ways[toClient]
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped, b.passed
}
