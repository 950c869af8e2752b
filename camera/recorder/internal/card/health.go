package card

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/internal/storage"
)

const (
	stuckAfter = 10 * time.Second // of one operation
	slowSync   = 2 * time.Second
	slowFor    = time.Minute // that slowness is shown after the last slow sync
)

// health knows how the storage does: what state it is in, and how long its operations
// take. It is safe for concurrent use.
type health struct {
	mu      sync.Mutex
	state   Storage
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
func (h *health) begin(name string) (end func()) {
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
func (h *health) synced(now time.Time, took time.Duration) {
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

// look finds operations that do not return.
func (h *health) look(log *slog.Logger) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.stuck = false
	for op := range h.under {
		if now.Sub(op.since) >= stuckAfter {
			h.stuck = true
			h.trouble.Failed(log, "recorder: the storage does not return from an operation", ErrStuck, "operation", op.name, "since", op.since)
		}
	}
}

// set notes the state of the storage, and says so if it is another one.
func (h *health) set(log *slog.Logger, s Storage, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !s.Records() {
		if err == nil {
			err = errors.New(s.String())
		}
		h.trouble.Failed(log, "recorder: nothing can be recorded: the storage is "+s.String(), err)
	} else {
		h.trouble.Over(log, slog.LevelDebug, "recorder: the storage is there", "state", s.String())
	}
	h.state, h.err = s, err
}

// swap notes which card is open and how much on it is foreign, and returns the card before.
func (h *health) swap(card string, foreign int) (before string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before, h.card, h.foreign = h.card, card, foreign
	return before
}

// space notes how much room there is.
func (h *health) space(free int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free = free
}

// fill puts what is known into a status.
func (h *health) fill(s *Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	s.Storage, s.Err, s.Card, s.Free, s.Foreign = h.state, h.err, h.card, h.free, h.foreign
	for _, x := range h.syncs {
		if now.Sub(x.at) <= time.Minute {
			s.SlowestSync = max(s.SlowestSync, x.took)
		}
	}
	switch {
	case h.stuck:
		s.Storage, s.Err = StorageStuck, ErrStuck
	case h.state.Records() && !h.slow.IsZero() && now.Sub(h.slow) < slowFor:
		s.Storage = StorageSlow
	}
}

// now returns the state of the storage.
func (h *health) now() Storage {
	var s Status
	h.fill(&s)
	return s.Storage
}

// watched is a storage whose operations health follows.
type watched struct {
	storage.FS
	health *health
}

func (w watched) Open(name string, flag int) (storage.File, error) {
	defer w.health.begin("open")()
	f, err := w.FS.Open(name, flag)
	if err != nil || flag == os.O_RDONLY {
		return f, err
	}
	return watchedFile{f, w.health}, nil
}

func (w watched) Remove(name string) error {
	defer w.health.begin("remove")()
	return w.FS.Remove(name)
}

func (w watched) Mkdir(name string) error {
	defer w.health.begin("mkdir")()
	return w.FS.Mkdir(name)
}

func (w watched) SyncDir(dir string) error {
	defer w.health.begin("sync")()
	return w.FS.SyncDir(dir)
}

func (w watched) Volume() (storage.Volume, error) {
	defer w.health.begin("stat")()
	return w.FS.Volume()
}

// watchedFile is a file that is written.
type watchedFile struct {
	storage.File
	health *health
}

func (f watchedFile) WriteAt(b []byte, at int64) (int, error) {
	defer f.health.begin("write")()
	return f.File.WriteAt(b, at)
}

func (f watchedFile) Truncate(size int64) error {
	defer f.health.begin("truncate")()
	return f.File.Truncate(size)
}

func (f watchedFile) Sync() error {
	defer f.health.begin("sync")()
	return f.File.Sync()
}

func (f watchedFile) Close() error {
	defer f.health.begin("close")()
	return f.File.Close()
}
