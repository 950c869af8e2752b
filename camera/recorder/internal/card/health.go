package card

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/safelog"
)

const (
	stuckAfter = 10 * time.Second // of one operation
	slowSync   = 2 * time.Second
	slowFor    = time.Minute // that slowness is shown after the last slow sync
)

// ErrStuck is the public error of that name.
var ErrStuck = errors.New("recorder: the storage, or what uploads or publishes, does not return")

// Health knows how the storage does: what state it is in, and how long its operations
// take. It is safe for concurrent use.
type Health struct {
	log *slog.Logger

	mu      sync.Mutex
	state   State
	err     error
	card    string
	foreign int
	free    int64
	under   map[*operation]struct{} // operations that have not returned
	syncs   []slowest               // of the last minute, by second
	stuck   bool
	slow    time.Time // of the last slow sync
	trouble safelog.Outage
}

type operation struct {
	name  string
	since time.Time
}

type slowest struct {
	at   time.Time
	took time.Duration
}

// begin notes that an operation begins; the function that it returns that it has ended.
func (h *Health) begin(name string) (end func()) {
	op := &operation{name, time.Now()}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.under == nil {
		h.under = map[*operation]struct{}{}
	}
	h.under[op] = struct{}{}
	return func() {
		took := time.Since(op.since)
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.under, op)
		if name == "sync" {
			h.synced(op.since.Add(took), took)
		}
	}
}

// synced notes how long a sync took.
func (h *Health) synced(now time.Time, took time.Duration) {
	if took >= slowSync {
		h.slow = now
	}
	if n := len(h.syncs); n > 0 && now.Sub(h.syncs[n-1].at) < time.Second {
		h.syncs[n-1].took = max(h.syncs[n-1].took, took)
		return
	}
	for len(h.syncs) > 0 && now.Sub(h.syncs[0].at) > time.Minute {
		h.syncs = h.syncs[1:]
	}
	h.syncs = append(h.syncs, slowest{now, took})
}

// Look finds operations that do not return.
func (h *Health) Look() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.stuck = false
	for op := range h.under {
		if now.Sub(op.since) >= stuckAfter {
			h.stuck = true
			h.trouble.Failed(h.log, "recorder: the storage does not return from an operation", ErrStuck, "operation", op.name, "since", op.since)
		}
	}
}

// Set notes the state of the storage, and says so if it is another one.
func (h *Health) Set(s State, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !s.Records() {
		if err == nil {
			err = errors.New(s.String())
		}
		h.trouble.Failed(h.log, "recorder: nothing can be recorded: the storage is "+s.String(), err)
	} else {
		h.trouble.Over(h.log, slog.LevelDebug, "recorder: the storage is there", "state", s.String())
	}
	h.state, h.err = s, err
}

// Swap notes which card is open and how much on it is foreign, and returns the card before.
func (h *Health) Swap(card string, foreign int) (before string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before, h.card, h.foreign = h.card, card, foreign
	return before
}

// Space notes how much room there is.
func (h *Health) Space(free int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free = free
}

// Status is what is known of the storage at one moment.
type Status struct {
	State       State
	Err         error  // nil while it is well
	Card        string // empty before one was open
	Free        int64  // bytes
	Foreign     int    // files of newer firmware
	SlowestSync time.Duration
}

// Status returns what is known.
func (h *Health) Status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	s := Status{State: h.state, Err: h.err, Card: h.card, Free: h.free, Foreign: h.foreign}
	for _, x := range h.syncs {
		if now.Sub(x.at) <= time.Minute {
			s.SlowestSync = max(s.SlowestSync, x.took)
		}
	}
	switch {
	case h.stuck:
		s.State, s.Err = Stuck, ErrStuck
	case h.state.Records() && !h.slow.IsZero() && now.Sub(h.slow) < slowFor:
		s.State = Slow
	}
	return s
}
