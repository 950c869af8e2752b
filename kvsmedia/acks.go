package kvsmedia

import (
	"context"
	"iter"
	"strconv"
	"sync"
	"time"
)

// AckType says what an [Ack] tells.
type AckType uint8

// The service's acknowledgements (PutMedia, "Response Syntax"), and AckDropped,
// which is the producer's own.
const (
	AckBuffering AckType = iota + 1 // the service began to take the fragment
	AckReceived                     // it has the whole fragment
	AckPersisted                    // it has stored the fragment
	AckError                        // it refuses the fragment, or the session, which is tried again: see Err
	AckIdle                         // it has no data to work on
	AckDropped                      // the producer gave the fragment up: see Err
)

var ackNames = [...]string{AckBuffering: "BUFFERING", AckReceived: "RECEIVED", AckPersisted: "PERSISTED",
	AckError: "ERROR", AckIdle: "IDLE", AckDropped: "DROPPED"}

// String returns the service's name of the type, such as "PERSISTED".
func (t AckType) String() string {
	if int(t) < len(ackNames) && ackNames[t] != "" {
		return ackNames[t]
	}
	return "AckType(" + strconv.Itoa(int(t)) + ")"
}

// Ack is what became of a fragment, or what the service says of a session.
type Ack struct {
	Type AckType

	// Number is the service's number of the fragment, empty if it gave none.
	Number string

	// Time is the fragment's producer timestamp, that of its first frame, and
	// Duration how much media it has so far. Both are zero where the service
	// does not name a fragment.
	Time     time.Time
	Duration time.Duration

	// Latency is how long the service took: for BUFFERING since the fragment's
	// first byte was sent, for RECEIVED and PERSISTED since its last.
	Latency time.Duration

	// Err is the reason of ERROR, a [*RefusedError], and of DROPPED.
	Err error
}

// ackBacklog is how many acknowledgements a loop over Acks may fall behind.
const ackBacklog = 256

// Acks yields what becomes of the fragments, from the call on until ctx ends. Each
// loop gets all; one that falls behind by more than 256, or that begins as many after
// the call, loses the oldest. A sequence that is never ranged over costs nothing, one
// that is ranged over again begins at the call again. It is safe for concurrent use.
func (p *Producer) Acks(ctx context.Context) iter.Seq[Ack] {
	log := &p.out.acks
	start := log.end()
	return func(yield func(Ack) bool) {
		next := start
		for ctx.Err() == nil {
			acks, more := log.from(&next)
			for _, a := range acks {
				if ctx.Err() != nil || !yield(a) {
					return
				}
			}
			if len(acks) > 0 {
				continue
			}
			select {
			case <-more:
			case <-ctx.Done():
			}
		}
	}
}

// ackLog holds the latest acknowledgements, for whoever reads them. It is safe for
// concurrent use.
type ackLog struct {
	mu   sync.Mutex
	acks []Ack         // number n is at n modulo ackBacklog
	next int           // number of the one to come
	more chan struct{} // closed when it comes; nil if nobody waits for it
}

func (l *ackLog) add(a Ack) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := l.next % ackBacklog; at < len(l.acks) {
		l.acks[at] = a
	} else {
		l.acks = append(l.acks, a)
	}
	l.next++
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
}

// end returns the number of the acknowledgement to come.
func (l *ackLog) end() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// from returns the acknowledgements from number next on that are still there, and
// moves next behind them; if there are none, a channel that is closed when there are.
func (l *ackLog) from(next *int) (list []Ack, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for *next = max(*next, l.next-len(l.acks)); *next < l.next; *next++ {
		list = append(list, l.acks[*next%ackBacklog])
	}
	if len(list) > 0 {
		return list, nil
	}
	if l.more == nil {
		l.more = make(chan struct{})
	}
	return nil, l.more
}
